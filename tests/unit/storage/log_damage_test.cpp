// Torn tails and flipped bytes: what a start makes of them.
#include "storage/log_paths.h"
#include "storage/partition_log.h"
#include "tests/support/files.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/storage/support/damaged_log.h"
#include "tests/unit/storage/support/fault_disk.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <set>
#include <vector>

namespace xylem::storage::testing {
namespace {

TEST_CASE("log: every cut of the last three batches ends the log before the cut batch") {
  const DamagedLog made(6, false);
  const auto file = made.files(".log").at(0);
  const auto whole = read_text(file);
  std::vector<std::size_t> ends;
  std::size_t end = 0;
  for (const auto& batch : made.batches) ends.push_back(end += batch.size());
  for (auto cut = ends[2]; cut < ends[5]; ++cut) {
    CAPTURE(cut);
    made.forget_the_rest();
    write_text(file, whole.substr(0, cut));
    OpenedFiles opened(made);
    const auto left = static_cast<std::size_t>(
        std::ranges::count_if(ends, [&](auto each) { return each <= cut; }));
    CHECK(opened.recovered.end == Offset(2 * static_cast<std::int64_t>(left)));
    // The first bytes of a batch are zeroes, which nobody can tell from preallocation.
    const auto kept = ends[left - 1];
    const bool torn = whole.substr(kept, cut - kept).find_first_not_of('\0') != std::string::npos;
    CHECK(opened.counters.torn_tails.value() == (torn ? 1 : 0));
    CHECK(opened.lost().empty());
    CHECK(opened.served().size() == left);
    CHECK(std::filesystem::file_size(file) == kept);  // nothing left that could come back
  }
}

TEST_CASE("log: appends go on behind a torn tail") {
  const DamagedLog made(3, false);
  const auto file = made.files(".log").at(0);
  made.forget_the_rest();
  write_text(file, read_text(file).substr(0, 2 * made.batches[0].size() + 30));
  auto node = made.start();
  const auto log = node->open();
  CHECK(log->append(batch_of(1), Epoch(4)) == Offset(4));
  node->settle(*log);
  CHECK(served(*node, *log).size() == 3);
}

TEST_CASE("log: zeroes after the last good batch are the clean end") {
  const DamagedLog made(3, false);
  CHECK(std::filesystem::file_size(made.files(".log").at(0)) >= 64 * 1024);  // preallocated
  auto node = made.start();
  CHECK(node->open()->end_offset() == Offset(6));
  CHECK(node->metric("xylem_storage_torn_tails_total") == 0);
}

TEST_CASE("log: a bad batch below the synced bound is set aside and reported, never cut silently") {
  const DamagedLog made(6);
  for (const auto& index : made.files("index")) std::filesystem::remove(index);
  const auto file = made.files(".log").at(0);
  auto bytes = read_text(file);
  const auto at = made.batches[0].size() + made.batches[1].size() + 70;  // in the third one's body
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  write_text(file, bytes);
  auto node = made.start();
  const auto log = node->open();
  CHECK(log->end_offset() == Offset(12));
  REQUIRE(log->lost().size() == 1);
  CHECK(log->lost()[0].from == Offset(4));
  CHECK(log->lost()[0].to == Offset(6));
  CHECK(log->health().error().code() == Errc::kCorrupt);
  CHECK(made.files(".quarantined").size() == 1);
  CHECK(read_text(made.files(".quarantined")[0]) == bytes);
  const auto rest = served(*node, *log);
  REQUIRE(rest.size() == 5);
  CHECK(rest[2] == made.batches[3]);
  REQUIRE(log->append(batch_of(1), Epoch(3)));  // it still takes appends
  node->settle(*log);
  CHECK(log->durable_end() == Offset(13));
  node->stop();

  auto again = made.start();  // the files say it
  const auto reopened = again->open();
  REQUIRE(reopened->lost().size() == 1);
  CHECK(reopened->lost()[0].from == Offset(4));
  CHECK(reopened->lost()[0].to == Offset(6));
  CHECK(reopened->health().error().code() == Errc::kCorrupt);
  CHECK(reopened->writable());
  CHECK(again->metric("xylem_storage_lost_offsets_total") == 2);
  CHECK(served(*again, *reopened).size() == 6);
}

TEST_CASE("log: what was lost can be cut back and stored again, or dropped, and is forgotten") {
  for (const std::string how : {"cut", "dropped"}) {
    CAPTURE(how);
    const DamagedLog made(6);
    for (const auto& index : made.files("index")) std::filesystem::remove(index);
    const auto file = made.files(".log").at(0);
    auto bytes = read_text(file);
    bytes[3 * made.batches[0].size() - 1] ^= 1;  // in the third one
    write_text(file, bytes);
    for (int start = 0; start < 2; ++start) {
      auto node = made.start();
      const auto log = node->open();
      CHECK(log->lost().size() == (start == 0 ? 1 : 0));
      if (start == 0 && how == "cut") {
        REQUIRE(log->cut_back(log->lost().front().from));
        CHECK(log->end_offset() == Offset(4));
        for (std::size_t i = 2; i < 6; ++i) REQUIRE(log->append_as_is(made.batches[i]));
        node->settle(*log);
      }
      if (start == 0 && how == "dropped") {
        REQUIRE(log->drop_before(Offset(5)));
        REQUIRE(log->lost().size() == 1);  // what is left of it
        CHECK(log->lost().front().from == Offset(5));
        REQUIRE(log->drop_before(Offset(6)));
      }
      CHECK(log->lost().empty());
      CHECK(log->health());
      CHECK(log->end_offset() == Offset(12));
      const auto all = served(*node, *log);
      if (how == "cut") CHECK(all == made.batches);
      if (how == "dropped") CHECK(all.size() == 3);
    }
  }
}

TEST_CASE("log: holes that a log was given are not taken for losses") {
  const TemporaryDirectory directory(fast_directory());
  constexpr std::int64_t kFar = std::int64_t{1} << 33;  // beyond what an index can say
  for (int start = 0; start < 2; ++start) {
    Node node("mmap", directory.file("data"));
    const auto log = node.open(small_segments());
    if (start == 0) {
      for (const std::int64_t base : {0L, 10L, 200L, 3'000L, kFar, kFar + 70, kFar + 80'000})
        REQUIRE(log->append_as_is(placed(batch_of(2, 200), Offset(base), Epoch(1))));
      node.settle(*log);
      CHECK(log->segments().size() > 3);
    }
    CHECK(log->lost().empty());
    CHECK(log->health());
    REQUIRE(log->cut_back(Offset(kFar + 60)));
    CHECK(log->lost().empty());
  }
}

TEST_CASE("log: a segment file that is gone counts as lost") {
  const DamagedLog made(8, true, small_segments());
  const auto logs = made.files(".log");
  REQUIRE(logs.size() >= 3);
  std::filesystem::remove(logs[1]);
  auto node = made.start();
  const auto log = node->open(small_segments());
  REQUIRE(log->lost().size() == 1);
  CHECK(log->lost()[0].from ==
        *parse_segment_file(std::filesystem::path(logs[1]).filename().string()));
  CHECK(log->lost()[0].to ==
        *parse_segment_file(std::filesystem::path(logs[2]).filename().string()));
}

TEST_CASE("log: a tail lost below the synced bound leaves its offsets unused") {
  const DamagedLog made(4);
  for (const auto& index : made.files("index")) std::filesystem::remove(index);
  const auto file = made.files(".log").at(0);
  write_text(file, read_text(file).substr(0, made.batches[0].size()));
  for (int start = 0; start < 2; ++start) {  // and again, from what the first start left
    auto node = made.start();
    const auto log = node->open();
    CHECK(log->end_offset() == Offset(8));
    CHECK(served(*node, *log).size() == 1);
    REQUIRE(log->lost().size() == 1);
    CHECK(log->lost()[0].from == Offset(2));
    CHECK(log->lost()[0].to == Offset(8));
  }
}

TEST_CASE(
    "log: every flipped byte of a sealed segment is found, and only good batches are served") {
  const DamagedLog made(8, true, small_segments());
  REQUIRE(made.files(".log").size() >= 3);
  const auto logs = made.files(".log");
  const auto& file = logs.at(0);
  const auto whole = read_text(file);
  REQUIRE(whole.size() >= 2 * made.batches[0].size());
  const std::set<Buffer> good(made.batches.begin(), made.batches.end());
  const auto indexes = made.files("index");
  std::vector<std::string> index_bytes;
  for (const auto& index : indexes) index_bytes.push_back(read_text(index));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    CAPTURE(at);
    for (const auto& aside : made.files(".quarantined")) std::filesystem::remove(aside);
    for (const auto& part : made.files(".log")) {
      if (std::ranges::find(logs, part) == logs.end()) std::filesystem::remove(part);
    }
    for (std::size_t i = 0; i < indexes.size(); ++i) write_text(indexes[i], index_bytes[i]);
    auto bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x40);
    write_text(file, bytes);
    OpenedFiles opened(made);
    const auto all = opened.served();
    CHECK(all.size() == made.batches.size() - 1);
    for (const auto& batch : all) CHECK(good.contains(batch));
    CHECK(opened.counters.quarantined_segments.value() == 1);
    CHECK(opened.lost().size() == 1);
  }
}

TEST_CASE("log: a segment that rots while the log is open is set aside, and reads go on") {
  const DamagedLog made(8, true, small_segments());
  const auto file = made.files(".log").at(0);
  auto bytes = read_text(file);
  bytes[7] = static_cast<char>(bytes[7] ^ 1);  // a base offset, which no batch's own CRC covers
  write_text(file, bytes);
  auto node = made.start();
  const auto log = node->open(small_segments());
  int told = 0;
  log->set_listener([&] { ++told; });
  const auto refused = log->read(Offset(0), 1'000, kAll);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kCorrupt);
  REQUIRE(xylem::testing::run_until(node->loop, [&] { return told > 0; }));
  CHECK(served(*node, *log).size() == made.batches.size() - 1);
  CHECK(log->lost().size() == 1);
  CHECK(node->metric("xylem_storage_quarantined_segments_total") == 1);
}

TEST_CASE("log: an epoch that changed on disk is told by the index, in the last segment too") {
  const DamagedLog made(6);
  const auto file = made.files(".log").at(0);
  const auto whole = read_text(file);
  const std::set<Buffer> good(made.batches.begin(), made.batches.end());
  const auto index = made.files(".index").at(0);
  const auto index_bytes = read_text(index);
  for (std::size_t batch = 0; batch < made.batches.size(); ++batch) {
    CAPTURE(batch);
    for (const auto& each : made.files(".log")) std::filesystem::remove(each);
    for (const auto& each : made.files(".quarantined")) std::filesystem::remove(each);
    auto bytes = whole;
    bytes[batch * made.batches[0].size() + 15] ^= 4;  // no batch's own CRC covers it
    write_text(file, bytes);
    write_text(index, index_bytes);
    OpenedFiles opened(made);
    const auto all = opened.served();
    CHECK(all.size() == made.batches.size() - 1);
    for (const auto& each : all) CHECK(good.contains(each));
    CHECK(opened.lost().size() == 1);
    CHECK(opened.recovered.end == Offset(12));
  }
}

TEST_CASE("log: an index whose segment is gone is not kept for the next of that name") {
  const DamagedLog made(2);
  for (const std::string suffix : {".index", ".timeindex"}) {
    const auto file = made.files(suffix).at(0);
    std::filesystem::copy(
        file, std::filesystem::path(file).parent_path() / (segment_stem(Offset(4)) + suffix));
  }
  const OpenedFiles opened(made);
  CHECK(made.files("index").size() == 2);
}

TEST_CASE("log: index files that are gone, cut or another segment's are made again") {
  for (const std::string how : {"gone", "cut", "swapped"}) {
    CAPTURE(how);
    const DamagedLog made(8, true, small_segments());
    const auto indexes = made.files(".index");
    REQUIRE(indexes.size() >= 3);
    const auto second = read_text(indexes[1]);
    for (const auto& index : indexes) {
      if (how == "gone") std::filesystem::remove(index);
      if (how == "cut") write_text(index, read_text(index).substr(0, 70));
      if (how == "swapped") write_text(index, second);
    }
    auto node = made.start();
    const auto log = node->open(small_segments());
    CHECK(served(*node, *log) == made.batches);
    CHECK(made.files(".quarantined").empty());
    CHECK(read_text(indexes[1]) == second);
  }
}

TEST_CASE("log: a repair that fails anywhere leaves all that is good, and never a silent gap") {
  bool passed = false;
  for (int call = 1; call <= 100 && !passed; ++call) {
    CAPTURE(call);
    const DamagedLog made(6);
    for (const auto& index : made.files("index")) std::filesystem::remove(index);
    const auto file = made.files(".log").at(0);
    auto bytes = read_text(file);
    for (const std::size_t batch : {1, 4}) bytes[(batch + 1) * made.batches[0].size() - 1] ^= 1;
    write_text(file, bytes);
    {
      FaultDisk disk;
      Node node("mmap", made.data(), &disk);
      disk.plan.arm(Fault::kIo, call, true);
      const auto opened = node.try_open({});
      passed = !disk.plan.has_fired();
      if (passed) CHECK(opened);
      disk.plan.disarm();
    }
    auto node = made.start();
    const auto log = node->open();
    REQUIRE(log->lost().size() == 2);
    CHECK(log->lost()[0].from == Offset(2));
    CHECK(log->lost()[0].to == Offset(4));
    CHECK(log->lost()[1].from == Offset(8));
    CHECK(log->lost()[1].to == Offset(10));
    CHECK(served(*node, *log).size() == 4);
    CHECK(made.files(".new").empty());
  }
  CHECK(passed);
}

TEST_CASE("log: a repair that a crash interrupted is finished by the next start") {
  const DamagedLog made(2);
  const auto file = made.files(".log").at(0);
  const auto index = made.files(".index").at(0);
  std::filesystem::copy(index, index + ".new");  // of something else that was interrupted
  std::filesystem::copy(file, file + ".whole");
  std::filesystem::rename(file, file + ".quarantined");
  auto node = made.start();
  CHECK(served(*node, *node->open()) == made.batches);
}

}  // namespace
}  // namespace xylem::storage::testing
