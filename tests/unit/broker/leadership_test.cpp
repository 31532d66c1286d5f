#include "broker/leadership.h"

#include "broker/partitions/partition_table.h"
#include "storage/disk.h"
#include "tests/support/fake_log.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>

namespace xylem::broker {
namespace {

using testing::run_until;

TopicDefinition topic(std::uint64_t id) {
  TopicDefinition made;
  made.name = "t" + std::to_string(id);
  made.incarnation = {Uuid::from_words(0, id), 0};
  return made;
}

// Files and state.db of one owner.
struct Owner {
  TemporaryDirectory directory;
  Loop loop;
  SystemClock clock;
  Metrics metrics;
  storage::PosixDisk disk;
  std::unique_ptr<storage::StorageEngine> storage;
  std::unique_ptr<storage::StateStore> state;

  // As a broker that starts: the epoch it leads in.
  Epoch start(const std::string& state_file = "state.db") {
    storage.reset();
    auto engine = storage::open_storage("mmap", directory.file("data"),
                                        {loop, disk, clock, Logger::none(), metrics});
    REQUIRE(engine);
    storage = std::move(*engine);
    state.reset();
    auto store = storage::StateStore::open(directory.file(state_file), loop);
    REQUIRE(store);
    state = std::move(*store);
    std::optional<Result<Epoch>> epoch;
    next_leadership(*state, newest_epoch(*storage, Logger::none()),
                    [&](auto decided) { epoch = std::move(decided); });
    REQUIRE(run_until(loop, [&] { return epoch.has_value(); }));
    REQUIRE(*epoch);
    return **epoch;
  }

  Status produce(std::uint64_t id, Epoch epoch) {
    PartitionTable partitions({loop, clock, Logger::none(), *storage}, {});
    auto opened = partitions.open(topic(id), PartitionId(0), epoch);
    REQUIRE(opened);
    std::optional<Status> done;
    (*opened)->append(testing::batch_of("v"), Acks::kAll, [&](const auto& appended) {
      done = appended ? Status() : std::unexpected(appended.error());
    });
    REQUIRE(run_until(loop, [&] { return done.has_value(); }));
    return *done;
  }
};

TEST_CASE_FIXTURE(Owner, "leadership: every start is a new epoch, from 0") {
  CHECK(start() == Epoch(0));
  CHECK(start() == Epoch(1));
  CHECK(start() == Epoch(2));
}

TEST_CASE_FIXTURE(Owner, "leadership: without state.db it is above every log's newest epoch") {
  CHECK(start() == Epoch(0));
  REQUIRE(produce(1, Epoch(0)));
  REQUIRE(start() == Epoch(1));
  REQUIRE(produce(1, Epoch(1)));
  REQUIRE(start() == Epoch(2));
  REQUIRE(produce(2, Epoch(2)));

  const auto epoch = start("lost.db");
  CHECK(epoch == Epoch(3));
  CHECK(produce(1, epoch));
  CHECK(produce(2, epoch));
  CHECK(start("lost.db") == Epoch(4));
}

TEST_CASE_FIXTURE(Owner, "leadership: a state.db older than the logs does not bring epochs back") {
  CHECK(start("old.db") == Epoch(0));
  for (int i = 0; i < 3; ++i) REQUIRE(produce(1, start()));
  CHECK(start("old.db") == Epoch(3));
}

TEST_CASE_FIXTURE(Owner, "leadership: a stored epoch that cannot be is said, not guessed") {
  (void)start();
  std::optional<Result<Epoch>> epoch;
  const auto decide = [&](Epoch newest) {
    epoch.reset();
    next_leadership(*state, newest, [&](auto decided) { epoch = std::move(decided); });
    REQUIRE(run_until(loop, [&] { return epoch.has_value(); }));
  };
  decide(Epoch(INT32_MAX));
  REQUIRE_FALSE(*epoch);
  CHECK(epoch->error().code() == Errc::kCorrupt);

  bool put = false;
  state->put("leadership", "epoch", Buffer(3), [&](const Status& done) { put = done.has_value(); });
  REQUIRE(run_until(loop, [&] { return put; }));
  decide(kNoEpoch);
  REQUIRE_FALSE(*epoch);
  CHECK(epoch->error().code() == Errc::kCorrupt);
}

// Looking for epochs opens logs before their topics are known.
TEST_CASE_FIXTURE(Owner, "leadership: a log that was open before follows its topic's policies") {
  REQUIRE(produce(1, start()));
  const auto epoch = start();
  PartitionTable partitions({loop, clock, Logger::none(), *storage}, {});
  auto definition = topic(1);
  definition.flush = storage::Flush::kNever;
  auto opened = partitions.open(definition, PartitionId(0), epoch);
  REQUIRE(opened);
  const auto log = (*opened)->log();
  std::optional<bool> acknowledged;
  (*opened)->append(testing::batch_of("v"), Acks::kAll,
                    [&](const auto& appended) { acknowledged = appended.has_value(); });
  REQUIRE(run_until(loop, [&] { return acknowledged.has_value(); }));
  CHECK(log->written_end() == Offset(2));
  CHECK(log->synced_end() < log->written_end());
}

}  // namespace
}  // namespace xylem::broker
