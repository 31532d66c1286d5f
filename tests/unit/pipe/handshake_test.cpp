#include "pipe/handshake.h"

#include "pipe/child_position.h"
#include "tests/support/fake_log.h"

#include <doctest/doctest.h>

#include <memory>

namespace xylem::pipe {
namespace {

using testing::batch_of;
using testing::FakeLog;

// Epoch 1 at 0..9, epoch 2 at 10..19, epoch 4 at 20..29; batches of five records.
std::shared_ptr<FakeLog> three_epochs(std::string_view value = "v") {
  auto log = std::make_shared<FakeLog>();
  for (const int epoch : {1, 1, 2, 2, 4, 4}) REQUIRE(log->append(batch_of(value, 5), Epoch(epoch)));
  return log;
}

SourcePartition source_of(std::shared_ptr<FakeLog> log, bool is_leader = false) {
  SourcePartition source;
  source.high_watermark = log->end_offset();
  source.log = std::move(log);
  source.is_leader = is_leader;
  source.epoch = is_leader ? Epoch(4) : kNoEpoch;
  return source;
}

// What a child would ask whose log is `log` cut at `cursor`.
FetchPartition asked_at(const FakeLog& log, std::int64_t cursor) {
  FetchPartition asked;
  asked.cursor = Offset(cursor);
  asked.following = Following{.version = 0, .synced = Offset(cursor), .epoch = Epoch(4)};
  const auto last = log.last_batch_below(Offset(cursor));
  if (*last) {
    asked.last_epoch = (*last)->epoch;
    asked.last_crc = (*last)->crc;
  }
  return asked;
}

FetchState state_of(const FetchPartition& asked, const SourcePartition& source, Asker asker) {
  return judge(asked, source, asker).answer.state;
}

TEST_CASE("handshake: a child on every batch border of an equal log is told to go on") {
  const auto log = three_epochs();
  const auto source = source_of(log, true);
  for (const auto asker : {Asker::kChild, Asker::kReplica}) {
    for (std::int64_t cursor = 0; cursor <= 30; cursor += 5) {
      CAPTURE(cursor);
      const auto verdict = judge(asked_at(*log, cursor), source, asker);
      CHECK(verdict.answer.state == FetchState::kOk);
      CHECK(verdict.answer.cursor == Offset(cursor));
      CHECK(verdict.answer.high_watermark == Offset(30));
      CHECK(verdict.limit == Offset(30));
    }
  }
}

TEST_CASE("handshake: an unknown incarnation") {
  const auto verdict = judge(FetchPartition{.cursor = Offset(7)}, std::nullopt, Asker::kChild);
  CHECK(verdict.answer.state == FetchState::kUnknownTopicId);
  CHECK(verdict.answer.cursor == Offset(7));
}

TEST_CASE("handshake: not here names the leader") {
  SourcePartition elsewhere;
  elsewhere.leader = "root-3";
  elsewhere.leader_address = "http://root-3:7081";
  elsewhere.epoch = Epoch(9);
  const auto answer = judge({}, elsewhere, Asker::kChild).answer;
  CHECK(answer.state == FetchState::kNotHere);
  CHECK(answer.leader == "root-3");
  CHECK(answer.leader_address == "http://root-3:7081");
  CHECK(answer.epoch == Epoch(9));
}

TEST_CASE("handshake: a replica is served by the leader alone, a child by anybody") {
  const auto log = three_epochs();
  auto source = source_of(log);
  source.leader = "root-1";
  CHECK(state_of(asked_at(*log, 10), source, Asker::kReplica) == FetchState::kNotHere);
  CHECK(state_of(asked_at(*log, 10), source, Asker::kChild) == FetchState::kOk);
}

TEST_CASE("handshake: a child reads below the high watermark, a replica all that is written") {
  const auto log = three_epochs();
  log->hold_durable_at(Offset(25));
  auto source = source_of(log, true);
  source.high_watermark = Offset(15);
  CHECK(judge(asked_at(*log, 10), source, Asker::kChild).limit == Offset(15));
  const auto replica = judge(asked_at(*log, 10), source, Asker::kReplica);
  CHECK(replica.limit == Offset(30));
  CHECK(replica.answer.high_watermark == Offset(15));
  CHECK(replica.answer.epoch == Epoch(4));

  source.high_watermark = Offset(30);  // learned from above, ahead of what this log holds
  const auto child = judge(asked_at(*log, 10), source, Asker::kChild);
  CHECK(child.limit == Offset(25));
  CHECK(child.answer.high_watermark == Offset(25));

  source.is_leader = false;  // it pulled this log: what it has is committed, synced here or not
  CHECK(judge(asked_at(*log, 10), source, Asker::kChild).limit == Offset(30));
}

TEST_CASE("handshake: only a leader, only to a replica, says diverged because of an end") {
  const auto ahead = three_epochs();
  const auto parent = three_epochs();
  REQUIRE(parent->cut_back(Offset(25)));
  const auto asked = asked_at(*ahead, 30);
  SUBCASE("a child keeps what is committed") {
    for (const bool is_leader : {false, true}) {
      const auto answer = judge(asked, source_of(parent, is_leader), Asker::kChild).answer;
      CHECK(answer.state == FetchState::kBehind);
      CHECK(answer.offset == Offset(25));
    }
  }
  SUBCASE("a replica is cut to the end of its epoch") {
    const auto answer = judge(asked, source_of(parent, true), Asker::kReplica).answer;
    CHECK(answer.state == FetchState::kDiverged);
    CHECK(answer.epoch == Epoch(4));
    CHECK(answer.offset == Offset(25));
  }
  SUBCASE("a replica of an older epoch is cut to where that epoch ended") {
    auto old = asked;
    old.last_epoch = Epoch(3);  // unknown here: the one before it counts
    const auto answer = judge(old, source_of(parent, true), Asker::kReplica).answer;
    CHECK(answer.state == FetchState::kDiverged);
    CHECK(answer.epoch == Epoch(2));
    CHECK(answer.offset == Offset(20));
  }
  SUBCASE("a replica older than everything is cut to the log's start") {
    auto old = asked;
    old.last_epoch = Epoch(0);
    const auto answer = judge(old, source_of(parent, true), Asker::kReplica).answer;
    CHECK(answer.state == FetchState::kDiverged);
    CHECK(answer.epoch == kNoEpoch);
    CHECK(answer.offset == Offset(0));
  }
  SUBCASE("what is appended but not written yet is waited for") {
    const auto leader = three_epochs();
    leader->hold_written_at(Offset(20));
    const auto answer = judge(asked, source_of(leader, true), Asker::kReplica).answer;
    CHECK(answer.state == FetchState::kBehind);
    CHECK(answer.offset == Offset(20));
  }
}

TEST_CASE("handshake: who knows a newer epoch is never told to cut") {
  const auto log = three_epochs();
  auto asked = asked_at(*log, 20);
  asked.last_epoch = Epoch(5);
  CHECK(state_of(asked, source_of(log), Asker::kChild) == FetchState::kBehind);
  CHECK(state_of(asked, source_of(log, true), Asker::kReplica) == FetchState::kBehind);
  asked.cursor = Offset(40);
  CHECK(state_of(asked, source_of(log, true), Asker::kReplica) == FetchState::kBehind);

  auto elected = source_of(log, true);  // the leader of epoch 5, which has no batch yet
  elected.epoch = Epoch(5);
  CHECK(state_of(asked, elected, Asker::kReplica) == FetchState::kNotHere);  // it follows another
  asked.following->epoch = Epoch(5);
  CHECK(state_of(asked, elected, Asker::kReplica) == FetchState::kDiverged);
}

TEST_CASE("handshake: below the log's start or the tombstone horizon") {
  const auto log = three_epochs();
  const auto at_5 = asked_at(*log, 5);
  const auto at_15 = asked_at(*log, 15);
  REQUIRE(log->drop_before(Offset(10)));
  auto source = source_of(log);
  const auto answer = judge(at_5, source, Asker::kChild).answer;
  CHECK(answer.state == FetchState::kOutOfRange);
  CHECK(answer.offset == Offset(10));
  CHECK(answer.log_start == Offset(10));
  CHECK(state_of(FetchPartition{}, source, Asker::kChild) == FetchState::kOutOfRange);

  source.tombstone_horizon = Offset(20);
  CHECK(judge(at_15, source, Asker::kChild).answer.state == FetchState::kOutOfRange);
  CHECK(judge(at_15, source, Asker::kChild).answer.offset == Offset(10));
  CHECK(state_of(asked_at(*log, 20), source, Asker::kChild) == FetchState::kOk);
  auto at_start = at_15;
  at_start.cursor = Offset(10);
  CHECK(state_of(at_start, source, Asker::kChild) == FetchState::kOutOfRange);  // it has a past
  at_start.last_epoch = kNoEpoch;
  CHECK(state_of(at_start, source, Asker::kChild) == FetchState::kOk);
  auto begun = at_15;
  begun.tombstone_horizon = Offset(20);  // it read from the start when these were gone already
  CHECK(state_of(begun, source, Asker::kChild) == FetchState::kOk);
  begun.tombstone_horizon = Offset(19);
  CHECK(state_of(begun, source, Asker::kChild) == FetchState::kOutOfRange);

  source.tombstone_horizon = Offset(0);
  at_start = at_15;
  at_start.cursor = Offset(10);  // nothing of ours is below it: there is nothing to compare
  CHECK(state_of(at_start, source, Asker::kChild) == FetchState::kOk);
}

TEST_CASE("handshake: a log emptied by retention serves who stands at its end") {
  const auto log = three_epochs();
  const auto asked = asked_at(*log, 30);
  REQUIRE(log->drop_before(Offset(30)));
  REQUIRE(log->epochs().empty());
  CHECK(state_of(asked, source_of(log), Asker::kChild) == FetchState::kOk);
  CHECK(state_of(asked_at(*three_epochs(), 20), source_of(log), Asker::kChild) ==
        FetchState::kOutOfRange);
}

TEST_CASE("handshake: a wrong last batch is cut, always below the cursor") {
  const auto parent = three_epochs("parent");
  const auto child = three_epochs("child!");
  const auto source = source_of(parent);
  for (std::int64_t cursor = 5; cursor <= 30; cursor += 5) {
    CAPTURE(cursor);
    const auto answer = judge(asked_at(*child, cursor), source, Asker::kChild).answer;
    CHECK(answer.state == FetchState::kDiverged);
    CHECK(answer.offset == Offset(cursor - 5));
    CHECK(answer.offset < answer.cursor);
  }
  SUBCASE("another epoch goes back to where that epoch ended here") {
    auto asked = asked_at(*child, 30);
    asked.last_epoch = Epoch(2);
    const auto answer = judge(asked, source, Asker::kChild).answer;
    CHECK(answer.state == FetchState::kDiverged);
    CHECK(answer.epoch == Epoch(2));
    CHECK(answer.offset == Offset(20));
  }
  SUBCASE("a cursor inside a batch of ours") {
    auto asked = asked_at(*child, 30);
    asked.cursor = Offset(28);
    const auto answer = judge(asked, source, Asker::kChild).answer;
    CHECK(answer.state == FetchState::kDiverged);
    CHECK(answer.offset == Offset(27));
  }
}

TEST_CASE("handshake: what both have is not cut where their batches begin at other offsets") {
  const auto parent = std::make_shared<FakeLog>();
  const auto follower = std::make_shared<FakeLog>();
  for (const auto& log : {parent, follower}) REQUIRE(log->append(batch_of("both", 5), Epoch(1)));
  REQUIRE(follower->append(batch_of("lost", 2), Epoch(1)));
  REQUIRE(parent->append(batch_of("later", 3), Epoch(2)));
  const auto answer =
      judge(asked_at(*follower, 7), source_of(parent, true), Asker::kReplica).answer;
  CHECK(answer.state == FetchState::kDiverged);
  CHECK(answer.epoch == Epoch(1));
  CHECK(answer.offset == Offset(5));
}

TEST_CASE("handshake: who stands within our first batch has another history") {
  const auto parent = std::make_shared<FakeLog>();
  const auto follower = std::make_shared<FakeLog>();
  REQUIRE(parent->append(batch_of("elected", 2), Epoch(5)));
  REQUIRE(follower->append(batch_of("lost", 1), Epoch(1)));
  const auto answer =
      judge(asked_at(*follower, 1), source_of(parent, true), Asker::kReplica).answer;
  CHECK(answer.state == FetchState::kDiverged);
  CHECK(answer.offset == Offset(0));
}

TEST_CASE("handshake: nothing to compare is nothing wrong") {
  const auto log = three_epochs();
  FetchPartition empty;  // a copy that was started anew in the middle
  empty.cursor = Offset(15);
  CHECK(state_of(empty, source_of(log), Asker::kChild) == FetchState::kOk);
}

TEST_CASE("handshake: our own rotten or unreadable batch accuses nobody") {
  const auto log = three_epochs();
  const auto good = asked_at(*log, 30);
  auto bad = good;
  bad.last_crc ^= 1;
  log->rot(Offset(25));
  CHECK(state_of(good, source_of(log), Asker::kChild) == FetchState::kOk);
  const auto answer = judge(bad, source_of(log), Asker::kChild).answer;
  CHECK(answer.state == FetchState::kNotHere);
  CHECK(answer.leader.empty());

  log->fail_reads(fail(Errc::kIo, "bad disk"));
  CHECK(state_of(good, source_of(log), Asker::kChild) == FetchState::kNotHere);
}

TEST_CASE("handshake: what this parent lost is neither read over nor held against the child") {
  const auto log = three_epochs();
  const auto at_5 = asked_at(*log, 5);
  const auto at_15 = asked_at(*log, 15);
  const auto at_20 = asked_at(*log, 20);
  const auto at_25 = asked_at(*log, 25);
  log->lose(Offset(10), Offset(20));
  const auto before = judge(at_5, source_of(log), Asker::kChild);
  CHECK(before.answer.state == FetchState::kOk);
  CHECK(before.limit == Offset(10));
  CHECK(state_of(asked_at(*log, 10), source_of(log), Asker::kChild) == FetchState::kNotHere);
  CHECK(state_of(at_15, source_of(log), Asker::kChild) == FetchState::kNotHere);
  const auto after = judge(at_20, source_of(log), Asker::kChild);
  CHECK(after.answer.state == FetchState::kOk);
  CHECK(after.limit == Offset(30));
  CHECK(state_of(at_25, source_of(log), Asker::kChild) == FetchState::kOk);
  const auto owner = judge(at_5, source_of(log, true), Asker::kChild);
  CHECK(owner.limit == Offset(30));  // nobody else has it: what is left is all there is
}

TEST_CASE("handshake: below a compaction of either side the epochs decide") {
  const auto log = three_epochs();
  auto rewritten = asked_at(*log, 20);
  rewritten.last_crc ^= 1;
  auto source = source_of(log);
  CHECK(state_of(rewritten, source, Asker::kChild) == FetchState::kDiverged);

  SUBCASE("the child's") { rewritten.compacted_below = Offset(20); }
  SUBCASE("the parent's") { source.compacted_below = Offset(20); }
  CHECK(state_of(rewritten, source, Asker::kChild) == FetchState::kOk);
  rewritten.last_epoch = Epoch(1);  // its last batch of epoch 2 was compacted away
  CHECK(state_of(rewritten, source, Asker::kChild) == FetchState::kOk);

  rewritten.cursor = Offset(15);
  rewritten.last_epoch = Epoch(4);  // but 4 begins at 20 here
  const auto answer = judge(rewritten, source, Asker::kChild).answer;
  CHECK(answer.state == FetchState::kDiverged);
  CHECK(answer.offset < Offset(15));
}

TEST_CASE("handshake: a diverged child reaches an equal log in few rounds") {
  const auto parent = three_epochs();
  auto child = std::make_shared<FakeLog>();
  for (const int epoch : {1, 1, 3, 3, 3, 3}) REQUIRE(child->append(batch_of("x", 5), Epoch(epoch)));
  int rounds = 0;
  for (;; ++rounds) {
    REQUIRE(rounds < 10);
    const auto asked = position_of({}, *child);
    REQUIRE(asked);
    const auto verdict = judge(*asked, source_of(parent), Asker::kChild);
    if (verdict.answer.state == FetchState::kOk) break;
    REQUIRE(verdict.answer.state == FetchState::kDiverged);
    const auto cut = cut_point(*child, verdict.answer);
    REQUIRE(cut);
    REQUIRE(*cut < asked->cursor);
    REQUIRE(child->cut_back(*cut));
  }
  CHECK(child->end_offset() == Offset(0));  // its first batches were other bytes, too
  CHECK(rounds <= 3);
}

}  // namespace
}  // namespace xylem::pipe
