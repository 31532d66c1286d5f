// What `log verify` finds in a data directory, and what its repair makes of it.
#include "storage/repair/data_repair.h"

#include "common/sqlite.h"
#include "storage/identity/cluster_file.h"
#include "storage/log_paths.h"
#include "storage/state_store.h"
#include "tests/unit/storage/support/damaged_log.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <map>

namespace xylem::storage::testing {
namespace {

void flip(const std::string& path, std::size_t at) {
  auto bytes = read_text(path);
  bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
  write_text(path, bytes);
}

struct Directory : DamagedLog {
  explicit Directory(bool clean = true) : DamagedLog(12, clean, small_segments()) {}

  DataCheck check() {
    auto checked = check_data(disk, data(), "");
    REQUIRE(checked);
    return *checked;
  }

  // The only fault there is.
  DataFault fault() {
    auto checked = check();
    REQUIRE_FALSE(checked.is_good());
    std::erase_if(checked.faults, [](const auto& each) { return each.is_note(); });
    REQUIRE(checked.faults.size() == 1);
    CHECK_FALSE(checked.faults[0].remedy.empty());
    return checked.faults[0];
  }

  DataRepair repair() {
    auto repaired = repair_data(disk, data(), "");
    if (!repaired) FAIL(repaired.error().what());
    return *repaired;
  }

  // All files but what a start makes by itself, with their bytes.
  [[nodiscard]] std::map<std::string, std::string> content() const {
    std::map<std::string, std::string> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(data())) {
      const auto path = entry.path().string();
      if (entry.is_regular_file() && !path.ends_with("/lock") && path.find(".db") == path.npos)
        all[path] = read_text(path);
    }
    return all;
  }

  // A second repair finds nothing to do and touches nothing; what is left is served.
  void check_settled(std::size_t batches_lost) {
    const auto before = content();
    const auto again = repair();
    CHECK(again.done.size() <= (batches_lost > 0 ? 1 : 0));  // it says again what is lost
    CHECK(content() == before);
    auto node = start();
    const auto log = node->open(small_segments());
    CHECK(served(*node, *log).size() == batches.size() - batches_lost);
    CHECK(log->lost().empty() == (batches_lost == 0));
    CHECK(log->end_offset() == Offset(24));
    CHECK(log->writable());
  }

  PosixDisk disk;
};

TEST_CASE_FIXTURE(Directory,
                  "verify: a good directory has no fault, and repair leaves it as it is") {
  const auto before = content();
  const auto checked = check();
  CHECK(checked.is_good());
  CHECK(checked.faults.empty());
  CHECK(checked.logs == 1);
  CHECK(checked.batches == 12);
  CHECK(checked.segments == files(".log").size());
  CHECK(repair().done.empty());
  CHECK(content() == before);
}

TEST_CASE_FIXTURE(Directory, "verify: bad bytes are set aside, the good batches around them stay") {
  const auto logs = files(".log");
  const auto size = batches[0].size();
  std::size_t segment = 1;
  std::size_t at = size - 1;
  std::size_t lost = 1;
  SUBCASE("in a batch") {}
  SUBCASE("in an offset, which no batch's own CRC covers") { at = size + 7; }
  SUBCASE("in the first segment") { segment = 0; }
  SUBCASE("in the last segment") { segment = logs.size() - 1; }
  SUBCASE("without an index") { std::filesystem::remove(files(".index").at(1)); }
  flip(logs.at(segment), at);
  const auto good_before = read_text(logs.at(2));
  const auto spoiled = read_text(logs.at(segment));
  const auto checked = check();
  REQUIRE_FALSE(checked.is_good());
  CHECK(checked.faults[0].kind == FaultKind::kBadBytes);
  CHECK(checked.faults[0].file == logs.at(segment));
  const auto repaired = repair();
  CHECK(repaired.done.size() >= 2);
  REQUIRE(files(".quarantined").size() == 1);
  CHECK(read_text(files(".quarantined")[0]) == spoiled);
  CHECK(read_text(logs.at(2)) == good_before);
  CHECK_FALSE(repaired.left.is_good());  // offsets are missing
  for (const auto& fault : repaired.left.faults)
    CHECK((fault.kind == FaultKind::kLost || fault.kind == FaultKind::kSetAside));
  check_settled(lost);
}

TEST_CASE_FIXTURE(Directory, "verify: index files that are gone, cut or flipped are made again") {
  const auto good = content();
  auto kind = FaultKind::kIndex;
  const auto index = files(".index").at(1);
  const auto times = files(".timeindex").at(1);
  SUBCASE("index gone") { std::filesystem::remove(index); }
  SUBCASE("index cut") { std::filesystem::resize_file(index, 50); }
  SUBCASE("index flipped in its facts") { flip(index, 20); }
  SUBCASE("index flipped in its entries") { flip(index, read_text(index).size() - 6); }
  SUBCASE("time index gone") {
    std::filesystem::remove(times);
    kind = FaultKind::kTimeIndex;
  }
  SUBCASE("time index cut") {
    std::filesystem::resize_file(times, 7);
    kind = FaultKind::kTimeIndex;
  }
  SUBCASE("time index flipped") {
    flip(times, 9);
    kind = FaultKind::kTimeIndex;
  }
  CHECK(fault().kind == kind);
  const auto repaired = repair();
  CHECK(repaired.done.size() == 1);
  CHECK(repaired.left.is_good());
  for (const auto& [path, bytes] : good) {
    CAPTURE(path);
    if (!path.ends_with(".index")) CHECK(read_text(path) == bytes);  // it says when it was made
  }
  check_settled(0);
}

TEST_CASE_FIXTURE(Directory, "verify: a bound that is gone or unreadable is made again") {
  const auto synced = files("synced").at(0);
  SUBCASE("gone") { std::filesystem::remove(synced); }
  SUBCASE("cut") { std::filesystem::resize_file(synced, 10); }
  SUBCASE("flipped in both slots") {
    auto bytes = read_text(synced);
    for (auto& byte : bytes) byte = static_cast<char>(byte ^ 1);
    write_text(synced, bytes);
  }
  CHECK(fault().kind == FaultKind::kSynced);
  CHECK(repair().left.is_good());
  check_settled(0);
}

TEST_CASE_FIXTURE(Directory, "verify: a segment that is gone is told") {
  std::filesystem::remove(files(".log").at(1));
  const auto missing = fault();
  CHECK(missing.kind == FaultKind::kLost);
  CHECK(missing.file == files(".log").at(1));
  CHECK_FALSE(repair().left.is_good());
}

TEST_CASE("verify: a torn tail is a note, and repair cuts it") {
  Directory made(false);
  const auto last = made.files(".log").back();
  for (const auto& file : made.files("synced")) std::filesystem::remove(file);
  auto bytes = read_text(last);
  const auto end = bytes.find_last_not_of('\0');
  bytes[end] = static_cast<char>(bytes[end] ^ 1);
  write_text(last, bytes);
  const auto before = made.check();
  CHECK(std::ranges::count(before.faults, FaultKind::kTornTail, &DataFault::kind) == 1);
  const auto repaired = made.repair();
  CHECK(repaired.left.is_good());
  CHECK(repaired.left.faults.empty());
  auto node = made.start();
  CHECK(served(*node, *node->open(small_segments())).size() == 11);
}

TEST_CASE_FIXTURE(Directory, "verify: repair refuses while a process runs on the directory") {
  auto node = start();
  (void)node->open(small_segments());
  const auto refused = repair_data(disk, data(), "");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kAlreadyExists);
  CHECK(check().is_good());
}

TEST_CASE_FIXTURE(Directory, "verify: one topic alone, and a directory that is none") {
  CHECK(check_data(disk, data(), "prices")->logs == 1);
  CHECK(check_data(disk, data(), "other")->logs == 0);
  CHECK(check_data(disk, data() + "/none", "").error().code() == Errc::kNotFound);
  CHECK(repair_data(disk, data() + "/none", "").error().code() == Errc::kNotFound);
}

TEST_CASE_FIXTURE(Directory, "verify: meta.db is made again, state.db is named and left alone") {
  const auto meta = data() + "/meta.db";
  const auto state = data() + "/state.db";
  REQUIRE(std::filesystem::exists(meta));
  {
    Loop loop;
    auto store = StateStore::open(state, loop);
    REQUIRE(store);
    bool done = false;
    (*store)->put("group", "g/prices/0", Buffer(20, std::byte{7}), [&](const Status& put) {
      REQUIRE(put);
      done = true;
    });
    REQUIRE(xylem::testing::run_until(loop, [&] { return done; }));
  }
  REQUIRE(check().is_good());
  SUBCASE("meta.db is no database") {
    write_text(meta, "hello");
    CHECK(fault().kind == FaultKind::kCatalog);
    const auto repaired = repair();
    CHECK(repaired.done == std::vector{meta + ": made again"});
    CHECK(repaired.left.is_good());
  }
  SUBCASE("a row of state.db is spoiled") {
    {
      auto database = Database::open(state, {});
      REQUIRE(database);
      REQUIRE(database->execute("UPDATE state SET value = x'00'"));
    }
    const auto bad = fault();
    CHECK(bad.kind == FaultKind::kState);
    CHECK(bad.file == state);
    CHECK(bad.what == "the row group/g/prices/0 fails its checksum");
    const auto repaired = repair();
    CHECK(repaired.done.empty());
    CHECK_FALSE(repaired.left.is_good());
  }
  SUBCASE("state.db is no database") {
    std::filesystem::remove(state + "-wal");
    std::filesystem::remove(state + "-shm");
    write_text(state, "hello");
    CHECK(fault().kind == FaultKind::kState);
    CHECK_FALSE(repair().left.is_good());
    CHECK(read_text(state) == "hello");
  }
  SUBCASE("state.db is gone where a broker was") {
    for (const std::string suffix : {"", "-wal", "-shm"}) std::filesystem::remove(state + suffix);
    CHECK(check().is_good());
    REQUIRE(write_cluster(disk, data(), Uuid::from_words(1, 2)));
    CHECK(fault().what == "is missing");
  }
}

TEST_CASE("meta.db: one that is damaged inside is made again by the next start") {
  const DamagedLog made(12, true, small_segments());
  const auto meta = made.data() + "/meta.db";
  auto bytes = read_text(meta);
  REQUIRE(bytes.size() >= 8'192);
  for (std::size_t at = 4'096; at < bytes.size(); ++at) bytes[at] = '\x55';
  write_text(meta, bytes);
  std::filesystem::remove(meta + "-wal");
  std::filesystem::remove(meta + "-shm");
  {
    auto node = made.start();
    (void)node->open(small_segments());
  }
  auto database = Database::open(meta, {.read_only = true});
  REQUIRE(database);
  CHECK(integrity_faults(*database)->empty());
  auto rows = database->prepare("SELECT count(*) FROM segments");
  REQUIRE(rows);
  REQUIRE(*rows->next());
  CHECK(rows->integer(0) > 3);
}

}  // namespace
}  // namespace xylem::storage::testing
