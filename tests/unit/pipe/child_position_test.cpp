#include "pipe/child_position.h"

#include "tests/support/fake_log.h"

#include <doctest/doctest.h>

namespace xylem::pipe {
namespace {

using testing::batch_of;
using testing::FakeLog;

TEST_CASE("child position: an empty log stands at its end and has no last batch") {
  FakeLog log;
  REQUIRE(log.drop_before(Offset(12)));
  const auto at = position_of({}, log);
  REQUIRE(at);
  CHECK(at->cursor == Offset(12));
  CHECK(at->last_epoch == kNoEpoch);
}

TEST_CASE("child position: the last batch speaks for the log") {
  FakeLog log;
  REQUIRE(log.append(batch_of("a", 3), Epoch(1)));
  REQUIRE(log.append(batch_of("b", 2), Epoch(2)));
  const LogId id{{Uuid::from_words(1, 2), 3}, PartitionId(4)};
  REQUIRE(log.inherit_compaction({Offset(3), Offset(2)}));
  const auto at = position_of(id, log);
  REQUIRE(at);
  CHECK(at->log == id);
  CHECK(at->cursor == Offset(5));
  CHECK(at->last_epoch == Epoch(2));
  CHECK(at->last_crc == (*log.last_batch_below(Offset(5)))->crc);
  CHECK(at->compacted_below == Offset(3));
  CHECK(at->tombstone_horizon == Offset(2));
}

TEST_CASE("child position: a copy that begins takes over the bounds of its parent's log") {
  FakeLog log;
  REQUIRE(log.drop_before(Offset(12)));
  REQUIRE(log.inherit_compaction({Offset(90), Offset(80)}));  // of the copy before
  FetchedPartition fetched;
  fetched.compacted_below = Offset(40);
  fetched.tombstone_horizon = Offset(30);
  CHECK_FALSE(inherited(log, fetched));  // nothing comes of it yet
  fetched.batches = {Slice::own(batch_of("a"))};
  CHECK(inherited(log, fetched) == storage::CompactionBounds{Offset(40), Offset(30)});
  REQUIRE(log.inherit_compaction({Offset(40), Offset(30)}));
  CHECK_FALSE(inherited(log, fetched));
}

TEST_CASE("child position: a copy that goes on remembers which batches were rewritten before it") {
  FakeLog log;
  REQUIRE(log.append(batch_of("a", 30), Epoch(1)));
  FetchedPartition fetched;
  fetched.batches = {Slice::own(batch_of("a"))};
  fetched.compacted_below = Offset(30);
  fetched.tombstone_horizon = Offset(20);
  CHECK_FALSE(inherited(log, fetched));
  fetched.compacted_below = Offset(50);
  CHECK(inherited(log, fetched) == storage::CompactionBounds{Offset(50), Offset(0)});
}

TEST_CASE("child position: who goes on with a parent of a lower horizon needs tombstones again") {
  FakeLog log;
  REQUIRE(log.append(batch_of("a", 30), Epoch(1)));
  REQUIRE(log.inherit_compaction({Offset(90), Offset(80)}));
  FetchedPartition fetched;
  fetched.batches = {Slice::own(batch_of("a"))};
  fetched.tombstone_horizon = Offset(80);
  CHECK_FALSE(inherited(log, fetched));
  fetched.tombstone_horizon = Offset(50);
  CHECK(inherited(log, fetched) == storage::CompactionBounds{Offset(90), Offset(50)});
  fetched.tombstone_horizon = Offset(0);
  CHECK(inherited(log, fetched) == storage::CompactionBounds{Offset(90), Offset(30)});
  REQUIRE(log.inherit_compaction({Offset(90), Offset(30)}));
  CHECK_FALSE(inherited(log, fetched));  // nothing missing lies above its end
}

TEST_CASE("child position: a log that cannot be read says so") {
  FakeLog log;
  log.fail_reads(fail(Errc::kIo, "bad disk"));
  CHECK(position_of({}, log).error().code() == Errc::kIo);
  CHECK(cut_point(log, {}).error().code() == Errc::kIo);
}

TEST_CASE("child position: a cut takes epochs the parent does not have, and at least one batch") {
  FakeLog log;
  for (const int epoch : {1, 2, 3, 3}) REQUIRE(log.append(batch_of("a", 5), Epoch(epoch)));
  FetchedPartition diverged;
  diverged.epoch = Epoch(3);
  diverged.offset = Offset(12);
  CHECK(cut_point(log, diverged) == Offset(12));
  diverged.epoch = Epoch(1);
  CHECK(cut_point(log, diverged) == Offset(5));
  diverged.epoch = Epoch(3);
  diverged.offset = Offset(19);  // inside our last batch
  CHECK(cut_point(log, diverged) == Offset(15));
}

}  // namespace
}  // namespace xylem::pipe
