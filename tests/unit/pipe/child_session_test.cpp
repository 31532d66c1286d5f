#include "pipe/child_session.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

namespace xylem::pipe {
namespace {

LogId log_of(std::uint64_t topic) { return {{Uuid::from_words(0, topic), 0}, PartitionId(0)}; }

struct Fixture {
  Random random{1};
  ChildSession session{{.min_ms = 100, .max_ms = 1'000}, random};
  std::map<LogId, std::int64_t> cursors;
  std::set<LogId> broken;

  FetchRequest next(std::int64_t now_ms = 0) {
    return session
        .next(now_ms,
              [&](const LogId& log) -> Result<FetchPartition> {
                if (broken.contains(log)) return fail(Errc::kIo, "bad disk");
                FetchPartition at;
                at.log = log;
                at.cursor = Offset(cursors[log]);
                return at;
              })
        .first;
  }

  bool answer(std::uint64_t id) {
    FetchAnswer answer;
    answer.session = id;
    return session.answered(answer);
  }
};

TEST_CASE_FIXTURE(Fixture, "child session: what was listed and answered is not listed again") {
  session.add(log_of(1));
  session.add(log_of(2));
  session.add(log_of(2));
  auto request = next();
  CHECK(request.session == 0);
  CHECK(request.sequence == 1);
  CHECK(request.answered == 0);
  CHECK(request.partitions.size() == 2);
  CHECK_FALSE(session.has_news(0));
  REQUIRE(answer(77));
  request = next();
  CHECK(request.session == 77);
  CHECK(request.sequence == 2);
  CHECK(request.answered == 1);
  CHECK(request.partitions.empty());
}

TEST_CASE_FIXTURE(Fixture, "child session: what got no answer is listed again, as it is by then") {
  session.add(log_of(1));
  (void)next();
  cursors[log_of(1)] = 5;
  const auto request = next();
  CHECK(request.sequence == 2);
  CHECK(request.answered == 0);
  REQUIRE(request.partitions.size() == 1);
  CHECK(request.partitions[0].cursor == Offset(5));
  CHECK(session.asked(log_of(1))->cursor == Offset(5));
  CHECK(session.asked(log_of(9)) == nullptr);
}

TEST_CASE_FIXTURE(Fixture, "child session: what moved while it was asked about is listed again") {
  session.add(log_of(1));
  (void)next();
  session.touch(log_of(1));
  CHECK(session.has_news(0));
  REQUIRE(answer(77));
  CHECK(next().partitions.size() == 1);
  REQUIRE(answer(77));
  CHECK(next().partitions.empty());
}

TEST_CASE_FIXTURE(Fixture, "child session: a lost session, or another one, starts anew") {
  session.add(log_of(1));
  (void)next();
  REQUIRE(answer(77));
  (void)next();
  CHECK_FALSE(answer(0));
  CHECK_FALSE(answer(78));
  session.start_anew();
  const auto request = next();
  CHECK(request.session == 0);
  CHECK(request.sequence == 1);
  CHECK(request.answered == 0);
  CHECK(request.partitions.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "child session: a removed partition is forgotten once, by an answer") {
  session.add(log_of(1));
  session.add(log_of(2));
  (void)next();
  REQUIRE(answer(77));
  session.remove(log_of(1));
  session.remove(log_of(9));
  CHECK(next().forgotten == std::vector{log_of(1)});
  CHECK(next().forgotten == std::vector{log_of(1)});  // the first one got no answer
  session.remove(log_of(2));
  REQUIRE(answer(77));
  CHECK(next().forgotten == std::vector{log_of(2)});
  CHECK(session.size() == 0);
}

TEST_CASE_FIXTURE(Fixture, "child session: a paused partition waits, longer each time") {
  session.add(log_of(1));
  (void)next();
  REQUIRE(answer(77));
  std::int64_t now = 0;
  for (int i = 0; i < 20; ++i) {
    session.pause(log_of(1), now, true);
    const auto due = session.due_at_ms();
    REQUIRE(due.has_value());
    CHECK(*due > now);
    CHECK(*due <= now + 1'000);
    CHECK_FALSE(session.has_news(*due - 1));
    CHECK(next(*due - 1).partitions.empty());
    REQUIRE(answer(77));
    CHECK(session.has_news(*due));
    CHECK(next(*due).partitions.size() == 1);
    REQUIRE(answer(77));
    now = *due;
  }
  session.recovered(log_of(1));
  session.pause(log_of(1), now, true);
  CHECK(*session.due_at_ms() <= now + 100);
}

TEST_CASE_FIXTURE(Fixture, "child session: a pause that is not urgent is no reason for a request") {
  session.add(log_of(1));
  (void)next();
  REQUIRE(answer(77));
  session.pause(log_of(1), 0, false);
  CHECK_FALSE(session.due_at_ms().has_value());
  CHECK_FALSE(session.has_news(100'000));
  CHECK(session.paused() == 1);
  CHECK(next(100'000).partitions.size() == 1);
  CHECK(session.paused() == 0);
}

TEST_CASE_FIXTURE(Fixture, "child session: a log that cannot say where it stands is asked later") {
  session.add(log_of(1));
  session.add(log_of(2));
  broken.insert(log_of(1));
  CHECK(next().partitions.size() == 1);
  broken.clear();
  CHECK(next(100'000).partitions.size() == 2);
}

TEST_CASE_FIXTURE(Fixture, "child session: states are counted, each partition once") {
  session.add(log_of(1));
  session.set_state(log_of(1), FetchState::kBehind);
  session.set_state(log_of(1), FetchState::kBehind);
  session.set_state(log_of(9), FetchState::kBehind);
  CHECK(session.count(FetchState::kBehind) == 1);
  session.set_state(log_of(1), FetchState::kOk);
  CHECK(session.count(FetchState::kBehind) == 0);
  CHECK(session.count(FetchState::kOk) == 1);
  session.start_anew();
  CHECK(session.count(FetchState::kOk) == 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "child session: more partitions than fit one request are listed in turn") {
  for (std::uint64_t topic = 1; topic <= ChildSession::kListedMax + 5; ++topic)
    session.add(log_of(topic));
  const auto position = [](const LogId& log) -> Result<FetchPartition> {
    FetchPartition at;
    at.log = log;
    return at;
  };
  const auto [first, has_more] = session.next(0, position);
  CHECK(first.partitions.size() == ChildSession::kListedMax);
  CHECK(has_more);
  REQUIRE(answer(77));
  const auto [second, has_yet_more] = session.next(0, position);
  CHECK(second.partitions.size() == 5);
  CHECK_FALSE(has_yet_more);
}

}  // namespace
}  // namespace xylem::pipe
