#include "pipe/pipe_server.h"

#include "tests/support/run_until.h"
#include "tests/unit/pipe/fake_source.h"

#include <doctest/doctest.h>

namespace xylem::pipe {
namespace {

using testing::run_until;

struct Fixture {
  Loop loop;
  SystemClock clock;
  Random random{5};
  Metrics metrics;
  FakeSource source;
  std::unique_ptr<PipeServer> server = make({});

  std::unique_ptr<PipeServer> make(const PipeServer::Limits& limits) {
    return std::make_unique<PipeServer>(PipeServer::Context{loop, clock, random, metrics}, source,
                                        limits);
  }

  // What a fetch was answered, once it is.
  struct Outcome {
    int calls = 0;
    std::optional<FetchAnswer> answer;
    std::optional<Error> error;
    std::uint64_t token = 0;
  };

  std::shared_ptr<Outcome> fetch(const FetchRequest& request) {
    auto outcome = std::make_shared<Outcome>();
    outcome->token = server->fetch(encode(request), [outcome](Result<std::vector<Slice>> result) {
      ++outcome->calls;
      if (!result) {
        outcome->error = result.error();
        return;
      }
      Buffer all;
      for (const auto& slice : *result) append(slice.bytes, all);
      auto answer = decode_answer(Slice::own(std::move(all)));
      REQUIRE(answer);
      outcome->answer = *std::move(answer);
    });
    return outcome;
  }

  static FetchRequest request(std::vector<FetchPartition> partitions = {}) {
    FetchRequest request;
    request.child = "pos-0";
    request.sequence = 1;
    request.partitions = std::move(partitions);
    return request;
  }

  static FetchRequest following(const FetchAnswer& answer,
                                std::uint32_t answered,
                                std::vector<FetchPartition> partitions = {}) {
    auto next = request(std::move(partitions));
    next.session = answer.session;
    next.sequence = answered + 1;
    next.answered = answered;
    return next;
  }
};

TEST_CASE_FIXTURE(Fixture, "pipe server: news are answered at once, within the call") {
  source.open(1, 2);
  const auto outcome = fetch(request({source.at(1, 0)}));
  CHECK(outcome->token == 0);
  REQUIRE(outcome->answer);
  REQUIRE(outcome->answer->partitions.size() == 1);
  CHECK(outcome->answer->partitions[0].batches.size() == 1);
  CHECK(outcome->answer->session != 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "pipe server: without news it waits, and wakes only for a log it lists") {
  source.open(1);
  source.open(2);
  source.open(3);
  const auto first = fetch(request({source.at(1, 0), source.at(2, 0)}));
  auto following_it = following(*first->answer, 1);
  const auto second = fetch(following_it);
  CHECK(second->token != 0);
  source.publish(3);
  server->notify(FakeSource::id(3));
  CHECK(second->calls == 0);
  source.publish(2);
  server->notify(FakeSource::id(2));
  REQUIRE(second->answer);
  REQUIRE(second->answer->partitions.size() == 1);
  CHECK(second->answer->partitions[0].log == FakeSource::id(2));
  CHECK(second->calls == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "pipe server: the wait ends with what there is, never longer than allowed") {
  server = make({.wait_ms_max = 20});
  source.open(1);
  const auto first = fetch(request({source.at(1, 0)}));
  auto waiting = following(*first->answer, 1);
  waiting.wait_ms = 3'600'000;
  const auto second = fetch(waiting);
  REQUIRE(run_until(loop, [&] { return second->calls > 0; }));
  CHECK(second->answer->partitions.empty());
}

TEST_CASE_FIXTURE(Fixture, "pipe server: bytes_min holds small news back") {
  source.open(1);
  const auto first = fetch(request({source.at(1, 0)}));
  auto waiting = following(*first->answer, 1);
  waiting.bytes_min = static_cast<std::uint32_t>(testing::batch_of("value").size()) + 1;
  const auto second = fetch(waiting);
  source.publish(1);
  server->notify(FakeSource::id(1));
  CHECK(second->calls == 0);
  source.publish(1);
  server->notify(FakeSource::id(1));
  CHECK(second->calls == 1);
}

TEST_CASE_FIXTURE(Fixture, "pipe server: a lost answer is noticed, and the child starts anew") {
  source.open(1, 1);
  const auto first = fetch(request({source.at(1, 0)}));
  auto again = following(*first->answer, 1);
  again.answered = 0;  // the first answer never arrived
  const auto second = fetch(again);
  REQUIRE(second->answer);
  CHECK(second->answer->session == 0);
  CHECK(second->answer->partitions.empty());
  CHECK(fetch(following(*first->answer, 1))->answer->session == 0);
}

TEST_CASE_FIXTURE(Fixture, "pipe server: an unknown session, or somebody else's, starts anew") {
  auto unknown = request();
  unknown.session = 12345;
  CHECK(fetch(unknown)->answer->session == 0);
  source.open(1);
  const auto first = fetch(request({source.at(1, 0)}));
  auto stolen = following(*first->answer, 1);
  stolen.child = "pos-1";
  CHECK(fetch(stolen)->answer->session == 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "pipe server: a later request of a session overtakes the one that waits") {
  source.open(1);
  const auto first = fetch(request({source.at(1, 0)}));
  const auto waiting = fetch(following(*first->answer, 1));
  CHECK(waiting->calls == 0);
  auto later = following(*first->answer, 1, {source.at(2, 0)});
  later.sequence = 3;
  const auto third = fetch(later);
  REQUIRE(waiting->error);
  CHECK(waiting->error->code() == Errc::kCancelled);
  REQUIRE(third->answer);
  CHECK(third->answer->partitions.at(0).state == FetchState::kUnknownTopicId);

  const auto late = fetch(following(*first->answer, 1));  // was under way all the time
  CHECK(late->error->code() == Errc::kCancelled);
}

TEST_CASE_FIXTURE(Fixture, "pipe server: an abandoned fetch is not answered, its session goes on") {
  source.open(1);
  const auto first = fetch(request({source.at(1, 0)}));
  const auto waiting = fetch(following(*first->answer, 1));
  server->abandon(waiting->token);
  server->abandon(waiting->token);
  source.publish(1);
  server->notify(FakeSource::id(1));
  CHECK(waiting->calls == 0);
  auto later = following(*first->answer, 1);
  later.sequence = 3;
  const auto third = fetch(later);
  REQUIRE(third->answer);
  CHECK(third->answer->session == first->answer->session);
  CHECK(third->answer->partitions.size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "pipe server: who must not be served is told why") {
  CHECK(server->fetch({}, [](const auto& result) {
    CHECK(result.error().code() == Errc::kInvalidRequest);
  }) == 0);
  auto foreign = request();
  foreign.cluster = Uuid::from_words(6, 6);
  CHECK(fetch(foreign)->error->code() == Errc::kUnauthorized);
  foreign.cluster = source.cluster_id;
  foreign.wait_ms = 0;
  CHECK(fetch(foreign)->answer.has_value());
  auto itself = request();
  itself.child = source.node();
  CHECK(fetch(itself)->error->code() == Errc::kInvalidRequest);
  source.cluster_id = {};  // not joined yet: not a reason to be barred
  CHECK(fetch(request())->error->code() == Errc::kUnavailable);
}

TEST_CASE_FIXTURE(Fixture, "pipe server: sessions and partitions are bounded") {
  server = make({.sessions_max = 1, .partitions_max = 2});
  for (std::uint64_t topic = 1; topic <= 3; ++topic) source.open(topic);
  const auto refused = fetch(request({source.at(1, 0), source.at(2, 0), source.at(3, 0)}));
  CHECK(refused->error->code() == Errc::kQuotaExceeded);
  const auto first = fetch(request({source.at(1, 0)}));
  const auto waiting = fetch(following(*first->answer, 1));
  auto other = request();
  other.child = "pos-1";
  CHECK(fetch(other)->error->code() == Errc::kQuotaExceeded);
  CHECK(waiting->calls == 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "pipe server: a replica's ends are told to the source, a child's are not") {
  source.open(1, 1);
  source.partitions.at(FakeSource::id(1)).says.is_leader = true;
  (void)fetch(request({source.at(1, 1)}));
  CHECK(source.replicas.empty());
  auto replica = request({source.at(1, 1)});
  replica.child = "root-2";
  replica.replica = 2;
  (void)fetch(replica);
  CHECK(source.replicas.empty());  // it follows nobody, so nothing was compared
  replica.partitions.front().following =
      Following{.version = 1, .synced = Offset(1), .epoch = kNoEpoch};
  (void)fetch(replica);
  REQUIRE(source.replicas.size() == 1);
  CHECK(source.replicas[0].first == 2);
  CHECK(source.replicas[0].second.cursor == Offset(1));
}

TEST_CASE_FIXTURE(Fixture, "pipe server: nobody is a replica because he says so") {
  source.open(1, 1);
  source.partitions.at(FakeSource::id(1)).says.is_leader = true;
  auto pretender = request({source.at(1, 1)});
  pretender.replica = 2;
  const auto refused = fetch(pretender);
  REQUIRE(refused->error);
  CHECK(refused->error->code() == Errc::kUnauthorized);
  CHECK(refused->error->what() == "node pos-0 is not replica 2 of this cluster's root tier");

  const auto child = fetch(request({source.at(1, 1)}));
  auto later = following(*child->answer, 1, {source.at(1, 1)});
  later.replica = 2;
  CHECK(fetch(later)->error->code() == Errc::kUnauthorized);
  CHECK(source.replicas.empty());
}

TEST_CASE_FIXTURE(Fixture, "pipe server: children and their sessions are seen") {
  source.open(1, 1);
  (void)fetch(request({source.at(1, 0)}));
  const auto children = server->children();
  REQUIRE(children.size() == 1);
  CHECK(children[0].node == "pos-0");
  CHECK(children[0].partitions == 1);
  CHECK(children[0].bytes_sent == testing::batch_of("value").size());
}

TEST_CASE_FIXTURE(Fixture, "pipe server: an idle session expires") {
  server = make({.session_idle_ms = 20});
  source.open(1);
  const auto first = fetch(request({source.at(1, 0)}));
  REQUIRE(run_until(loop, [&] { return server->children().empty(); }));
  CHECK(fetch(following(*first->answer, 1))->answer->session == 0);
}

TEST_CASE_FIXTURE(Fixture, "pipe server: closing cancels who waits") {
  source.open(1);
  const auto first = fetch(request({source.at(1, 0)}));
  const auto waiting = fetch(following(*first->answer, 1));
  server.reset();
  REQUIRE(waiting->error);
  CHECK(waiting->error->code() == Errc::kCancelled);
}

}  // namespace
}  // namespace xylem::pipe
