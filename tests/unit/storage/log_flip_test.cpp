// Every byte of every file of a log is changed, one at a time: nothing bad is ever served as good.
#include "common/batch/batch.h"
#include "storage/log_paths.h"
#include "tests/support/files.h"
#include "tests/support/memory_disk.h"
#include "tests/unit/storage/support/damaged_log.h"

#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <vector>

namespace xylem::storage::testing {
namespace {

constexpr std::size_t kEpochAt = 12;
constexpr std::size_t kEpochEnd = 16;

using Files = std::map<std::string, std::string>;  // of one log, by name

Files files_of(const DamagedLog& log) {
  Files files;
  const auto directory = directory_of(log.files(".log").at(0));
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    files[entry.path().filename()] = read_text(entry.path());
  return files;
}

void put(const Files& files, MemoryDisk& disk) {
  for (const auto& [name, content] : files) {
    const auto bytes = bytes_of(content);
    disk.files["d/" + name] = std::make_shared<Buffer>(bytes.begin(), bytes.end());
  }
}

Files flipped(const Files& files, const std::string& name, std::size_t at) {
  auto bad = files;
  constexpr std::array kBits = {0x01, 0x80, 0x10, 0x04};
  bad[name][at] = static_cast<char>(bad[name][at] ^ kBits.at(at % kBits.size()));
  return bad;
}

TEST_CASE("flips: any byte of a log that was closed is found, or makes no difference") {
  const DamagedLog made(8, true, small_segments());
  const auto files = files_of(made);
  REQUIRE(files.size() >= 3 * 3 + 1);  // three segments and the bound
  const std::set<Buffer> good(made.batches.begin(), made.batches.end());
  for (const auto& [name, content] : files) {
    for (std::size_t at = 0; at < content.size(); ++at) {
      CAPTURE(name);
      CAPTURE(at);
      MemoryDisk disk;
      put(flipped(files, name, at), disk);
      OpenedFiles opened(disk, "d");
      const auto all = opened.served();
      const std::size_t bad = name.ends_with(".log") ? 1 : 0;
      CHECK(all.size() == made.batches.size() - bad);
      for (const auto& batch : all) CHECK(good.contains(batch));
      CHECK(opened.lost().size() == bad);
      CHECK(opened.counters.quarantined_segments.value() == bad);
      CHECK(opened.recovered.end == Offset(16));
      CHECK(opened.view.load()->start == Offset(0));
      const auto last = find_last(*opened.view.load(), Offset(16));
      REQUIRE(last);
      if (bad == 0) CHECK((*last)->next_offset == Offset(16));
      const auto found = find_time(*opened.view.load(), 1'000);
      REQUIRE(found);
      CHECK(*found <= Offset(2));
    }
  }
}

// What nobody can tell here is told by the handshake: its own last batch is not the parent's.
TEST_CASE("flips: any byte of the active segment is found, or its last batch differs") {
  const DamagedLog made(5, false);
  auto files = files_of(made);
  std::erase_if(files, [](const auto& file) { return file.first.ends_with("index"); });
  const std::string name = segment_stem(Offset(0)) + ".log";
  const auto bytes = made.batches.size() * made.batches[0].size();
  files[name].resize(bytes + 200);  // of what is allocated
  const std::set<Buffer> good(made.batches.begin(), made.batches.end());
  for (const bool bound : {true, false}) {
    if (!bound) files.erase("synced");
    if (bound) files["synced"] = text_of(encode_synced({{Offset(10), Offset(0)}, 1}));
    int strangers = 0;
    for (std::size_t at = 0; at < bytes; ++at) {
      CAPTURE(bound);
      CAPTURE(at);
      MemoryDisk disk;
      put(flipped(files, name, at), disk);
      OpenedFiles opened(disk, "d");
      const auto all = opened.served();
      const auto in_batch = at % made.batches[0].size();
      for (const auto& batch : all) {
        if (good.contains(batch)) continue;
        ++strangers;  // an offset or an epoch that no checksum covers
        CHECK((in_batch < 8 || (in_batch >= kEpochAt && in_batch < kEpochEnd)));
        CHECK(check_batch(batch));
        CHECK(batch == all.back());
      }
      if (bound) CHECK((all.size() == made.batches.size() || !opened.lost().empty()));
      if (bound) CHECK(opened.recovered.end >= Offset(10));
    }
    CHECK(strangers > 0);
    MESSAGE(strangers, " told by the handshake alone");
    CHECK(strangers < 40);
  }
}

TEST_CASE("flips: every cut below the synced bound is a loss that is told") {
  const DamagedLog made(6, false);
  auto files = files_of(made);
  const std::string name = segment_stem(Offset(0)) + ".log";
  files["synced"] = text_of(encode_synced({{Offset(12), Offset(0)}, 1}));
  const auto size = made.batches[0].size();
  const auto whole = files[name].substr(0, 6 * size);
  for (auto cut = 3 * size; cut < 6 * size; ++cut) {
    CAPTURE(cut);
    files[name] = whole.substr(0, cut);
    MemoryDisk disk;
    put(files, disk);
    OpenedFiles opened(disk, "d");
    CHECK(opened.recovered.end == Offset(12));
    CHECK(opened.served().size() == cut / size);
    REQUIRE(opened.lost().size() == 1);
    CHECK(opened.lost()[0].from == Offset(2 * static_cast<std::int64_t>(cut / size)));
    CHECK(opened.lost()[0].to == Offset(12));
  }
}

}  // namespace
}  // namespace xylem::storage::testing
