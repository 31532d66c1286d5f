#include "pipe/fetch_session.h"

#include "tests/unit/pipe/fake_source.h"

#include <doctest/doctest.h>

namespace xylem::pipe {
namespace {

constexpr std::size_t kPlenty = 1 << 20;

struct Fixture {
  FakeSource source;
  FetchSession session{77, "pos-0", Asker::kChild};
  std::int64_t now_ms = 0;

  FetchSession::Draft draft(std::size_t bytes_max = kPlenty) {
    return session.draft(source, bytes_max);
  }

  FetchAnswer answer(std::size_t bytes_max = kPlenty) {
    return session.seal(draft(bytes_max), source, now_ms);
  }
};

TEST_CASE_FIXTURE(Fixture,
                  "fetch session: the first answer tells everything, later ones what is new") {
  source.open(1, 2);
  source.open(2);
  session.list(source.at(1, 0));
  session.list(source.at(2, 0));
  session.list(source.at(3, 5));
  auto first = answer();
  CHECK(first.session == 77);
  CHECK(first.parent == "l3-0");
  CHECK(first.topology_version == 4);
  REQUIRE(first.partitions.size() == 3);
  CHECK(first.partitions[0].batches.size() == 2);
  CHECK(first.partitions[1].batches.empty());
  CHECK(first.partitions[1].state == FetchState::kOk);
  CHECK(first.partitions[2].state == FetchState::kUnknownTopicId);
  CHECK(answer().partitions.empty());
}

TEST_CASE_FIXTURE(Fixture, "fetch session: a bound ends the batches, or one above proves a hole") {
  source.open(1, 6);
  auto asked = source.at(1, 2);
  asked.below = Offset(4);
  session.list(asked);
  const auto bounded = answer();
  REQUIRE(bounded.partitions.size() == 1);
  REQUIRE(bounded.partitions[0].batches.size() == 2);
  source.partitions.at(FakeSource::id(1)).log->lose(Offset(2), Offset(4));
  source.partitions.at(FakeSource::id(1)).says.is_leader = true;
  session.list(asked);
  const auto proof = answer();
  REQUIRE(proof.partitions.size() == 1);
  REQUIRE(proof.partitions[0].batches.size() == 1);
  CHECK(load_be<std::int64_t>(proof.partitions[0].batches[0].bytes) == 4);
}

TEST_CASE_FIXTURE(Fixture,
                  "fetch session: a partition that was sent batches rests until it is listed") {
  source.open(1, 1);
  session.list(source.at(1, 0));
  REQUIRE(answer().partitions.size() == 1);
  source.publish(1);
  session.mark(FakeSource::id(1));
  CHECK(draft().news.empty());
  SUBCASE("stored") {
    session.list(source.at(1, 1));
    const auto news = answer();
    REQUIRE(news.partitions.size() == 1);
    CHECK(news.partitions[0].cursor == Offset(1));
    CHECK(news.partitions[0].batches.size() == 1);
  }
  SUBCASE("to be told once more") {
    session.list(source.at(1, 0));
    const auto news = answer();
    REQUIRE(news.partitions.size() == 1);
    CHECK(news.partitions[0].cursor == Offset(0));
    CHECK(news.partitions[0].batches.size() == 2);
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "fetch session: what the disk must bring first is told when it is there") {
  source.open(1, 2);
  source.open(2, 1);
  source.partitions.at(FakeSource::id(1)).log->set_warm(false);
  session.list(source.at(1, 0));
  session.list(source.at(2, 0));
  const auto first = answer();
  REQUIRE(first.partitions.size() == 1);  // the other one does not wait for it
  CHECK(first.partitions[0].log == FakeSource::id(2));
  CHECK(draft().news.empty());
  source.partitions.at(FakeSource::id(1)).log->set_warm(true);
  session.mark(FakeSource::id(1));
  const auto then = answer();
  REQUIRE(then.partitions.size() == 1);
  CHECK(then.partitions[0].batches.size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "fetch session: who has everything is not answered at once") {
  source.open(1, 1);
  session.list(source.at(1, 0));
  (void)answer();
  session.list(source.at(1, 1));
  CHECK(draft().news.empty());
}

TEST_CASE_FIXTURE(Fixture, "fetch session: a draft that is not sent changes nothing") {
  source.open(1, 1);
  session.list(source.at(1, 0));
  CHECK(draft().batch_bytes > 0);
  CHECK(draft().news.size() == 1);
  CHECK_FALSE(draft().is_urgent);
  CHECK(answer().partitions.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "fetch session: trouble is told once, and again to who lists it again") {
  source.open(1, 1);
  auto ahead = source.at(1, 1);
  ahead.cursor = Offset(5);
  session.list(ahead);
  auto told = answer();
  REQUIRE(told.partitions.size() == 1);
  CHECK(told.partitions[0].state == FetchState::kBehind);
  source.publish(1);
  session.mark(FakeSource::id(1));
  CHECK(draft().news.empty());  // still behind
  session.list(ahead);
  CHECK(draft().is_urgent);
  CHECK(answer().partitions.size() == 1);
  for (int i = 0; i < 4; ++i) source.publish(1);
  auto caught_up = source.at(1, 5);
  session.list(caught_up);
  told = answer();
  REQUIRE(told.partitions.size() == 1);
  CHECK(told.partitions[0].state == FetchState::kOk);
  CHECK(told.partitions[0].batches.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "fetch session: an unknown topic is told as soon as it is there") {
  session.list(source.at(1, 0));
  CHECK(answer().partitions.at(0).state == FetchState::kUnknownTopicId);
  session.mark(FakeSource::id(1));
  CHECK(draft().news.empty());
  source.open(1);
  session.mark(FakeSource::id(1));
  CHECK(answer().partitions.at(0).state == FetchState::kOk);
}

TEST_CASE_FIXTURE(Fixture, "fetch session: another leader is news, the same one is not") {
  source.open(1);
  auto& says = source.partitions.at(FakeSource::id(1)).says;
  says.log = nullptr;
  says.leader = "root-1";
  session.list(source.at(1, 0));
  CHECK(answer().partitions.at(0).leader == "root-1");
  session.mark(FakeSource::id(1));
  CHECK(draft().news.empty());
  says.leader = "root-2";
  session.mark(FakeSource::id(1));
  CHECK(answer().partitions.at(0).leader == "root-2");
}

TEST_CASE_FIXTURE(Fixture, "fetch session: a replica in another epoch is told the same end again") {
  session = FetchSession(77, "root-1", Asker::kReplica);
  source.open(1, 1);
  auto& says = source.partitions.at(FakeSource::id(1)).says;
  says.is_leader = true;
  auto asked = source.at(1, 1);
  for (const auto epoch : {Epoch(1), Epoch(2)}) {
    says.epoch = epoch;
    asked.following = Following{.version = 1, .synced = Offset(1), .epoch = epoch};
    session.list(asked);
    const auto told = answer();
    REQUIRE(told.partitions.size() == 1);
    CHECK(told.partitions[0].state == FetchState::kOk);
    CHECK(told.partitions[0].epoch == epoch);
    CHECK(told.partitions[0].high_watermark == Offset(1));
  }
  session.list(asked);
  CHECK(answer().partitions.empty());
}

TEST_CASE_FIXTURE(Fixture, "fetch session: an unreadable log is not here just now") {
  source.open(1, 1);
  session.list(source.at(1, 0));
  source.partitions.at(FakeSource::id(1)).log->fail_reads(fail(Errc::kIo, "bad disk"));
  const auto told = answer();
  CHECK(told.partitions.at(0).state == FetchState::kNotHere);
  CHECK(told.partitions.at(0).leader.empty());
}

TEST_CASE_FIXTURE(Fixture, "fetch session: one backlog does not starve the others") {
  for (std::uint64_t topic = 1; topic <= 3; ++topic) {
    source.open(topic, 100);
    session.list(source.at(topic, 0));
  }
  const std::size_t batch = testing::batch_of("value").size();
  std::map<LogId, std::int64_t> cursors;
  for (int round = 0; round < 30; ++round) {
    const auto part = answer(10 * batch);
    std::size_t bytes = 0;
    for (const auto& fetched : part.partitions) {
      for (const auto& slice : fetched.batches) bytes += slice.bytes.size();
      if (fetched.batches.empty()) continue;
      cursors[fetched.log] += static_cast<std::int64_t>(fetched.batches.size());
      session.list(source.at(fetched.log.incarnation.topic.low(), cursors[fetched.log]));
    }
    CHECK(bytes == 10 * batch);
    const auto [least, most] = std::minmax(
        {cursors[FakeSource::id(1)], cursors[FakeSource::id(2)], cursors[FakeSource::id(3)]});
    CHECK(most - least <= 10);
  }
}

TEST_CASE_FIXTURE(Fixture, "fetch session: one batch larger than an answer goes alone") {
  source.open(1, 2);
  source.open(2, 2);
  session.list(source.at(1, 0));
  session.list(source.at(2, 0));
  const auto first = answer(1);
  REQUIRE(first.partitions.size() == 2);
  CHECK(first.partitions[0].batches.size() == 1);
  CHECK(first.partitions[1].batches.empty());
  CHECK(first.partitions[1].high_watermark == Offset(2));
  const auto second = answer(1);  // its HW was told: only its batch is news
  REQUIRE(second.partitions.size() == 1);
  CHECK(second.partitions[0].log == FakeSource::id(2));
  CHECK(second.partitions[0].batches.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "fetch session: more news than an answer holds comes in the next") {
  const auto count = FetchSession::kPartitionsPerAnswer + 10;
  for (std::uint64_t topic = 1; topic <= count; ++topic) {
    source.open(topic);
    session.list(source.at(topic, 0));
  }
  const auto first = answer();
  CHECK(first.partitions.size() == FetchSession::kPartitionsPerAnswer);
  CHECK_FALSE(first.age_ms.has_value());  // it does not know all
  CHECK(answer().partitions.size() == 10);
}

TEST_CASE_FIXTURE(Fixture,
                  "fetch session: quiet partitions share one age, at most twice a second") {
  for (std::uint64_t topic = 1; topic <= 3; ++topic) {
    source.open(topic);
    session.list(source.at(topic, 0));
  }
  (void)answer();
  auto age_of = [&](std::uint64_t topic) -> std::uint64_t& {
    return source.partitions.at(FakeSource::id(topic)).says.age_ms;
  };
  age_of(1) = 10;
  age_of(2) = 700;
  age_of(3) = 60'000;
  CHECK_FALSE(answer().age_ms.has_value());
  now_ms += FetchSession::kAgeEveryMs;
  const auto aged = answer();
  CHECK(aged.age_ms == 700);
  REQUIRE(aged.partitions.size() == 1);  // far older than the others: it speaks for itself
  CHECK(aged.partitions[0].log == FakeSource::id(3));
  CHECK(aged.partitions[0].age_ms == 60'000);
  CHECK_FALSE(answer().age_ms.has_value());
}

TEST_CASE_FIXTURE(Fixture,
                  "fetch session: an age that nobody knows is nobody's, and lists nothing") {
  for (std::uint64_t topic = 1; topic <= 3; ++topic) {
    source.open(topic);
    session.list(source.at(topic, 0));
    source.partitions.at(FakeSource::id(topic)).says.age_ms = UINT64_MAX;
  }
  (void)answer();
  now_ms += FetchSession::kAgeEveryMs;
  const auto aged = answer();
  CHECK(aged.age_ms == UINT64_MAX);
  CHECK(aged.partitions.empty());
}

TEST_CASE_FIXTURE(Fixture, "fetch session: sequence and answers keep both sides in step") {
  CHECK(session.take(1));
  CHECK(session.in_step(0));
  CHECK_FALSE(session.take(1));
  (void)answer();
  CHECK(session.take(2));
  CHECK_FALSE(session.in_step(0));  // that answer was lost
  CHECK(session.in_step(1));
}

TEST_CASE_FIXTURE(Fixture, "fetch session: what is forgotten is not answered") {
  source.open(1, 1);
  session.list(source.at(1, 0));
  session.forget(FakeSource::id(1));
  session.forget(FakeSource::id(2));
  session.mark(FakeSource::id(1));
  CHECK(session.partitions() == 0);
  CHECK(answer().partitions.empty());
}

}  // namespace
}  // namespace xylem::pipe
