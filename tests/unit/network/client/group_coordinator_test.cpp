// Consumers of brokers that share the groups: the coordinator is asked, and committed to.
#include "network/client/consumer.h"
#include "tests/support/client_world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace xylem::network {
namespace {

using testing::ClientWorld;
using testing::FakeBroker;
using Values = std::vector<std::string>;

// The first broker, which the consumer is told of, has the records; the second one coordinates.
struct Coordinated : ClientWorld {
  Consumer::Options options;
  Consumer::Handlers handlers;
  Values values;
  std::vector<Error> errors;
  std::optional<Consumer> consumer;

  Coordinated() {
    options.brokers = {first.address};
    options.topics = {"t"};
    options.group = "g";
    options.backoff_ms = 1;
    options.backoff_max_ms = 4;
    for (auto* broker : {&first, &second}) {
      broker->add_topic("t", 1);
      broker->coordinator = second.address.text();
    }
    first.append("t", 0, {"a", "b", "c"});
    handlers.message = [this](const DeliveredBatch&, const RecordView& record) -> Status {
      values.emplace_back(text_of(record.value.value()));
      return {};
    };
    handlers.error = [this](const Error& why) { errors.push_back(why); };
  }

  Consumer& start() {
    consumer.emplace(context, options, handlers);
    consumer->start();
    return *consumer;
  }

  bool receives(const Values& expected) {
    return until([&] { return values.size() >= expected.size(); }) && values == expected;
  }

  bool has_committed(const FakeBroker& broker, std::int64_t next) {
    return until([&] {
      return !broker.commits.empty() && broker.commits.back().next_offset == Offset(next);
    });
  }

  void name_coordinator(const FakeBroker& broker) {
    for (auto* each : {&first, &second}) each->coordinator = broker.address.text();
  }
};

TEST_CASE("coordinator: a group goes on where the coordinator says, and commits there") {
  Coordinated world;
  world.second.committed[PartitionId(0)] = Offset(2);
  world.start();
  CHECK(world.receives({"c"}));
  CHECK(world.has_committed(world.second, 3));
  CHECK(world.second.commits.back().group == "g");
  CHECK_FALSE(world.second.commits.back().incarnation.topic.is_nil());
  CHECK(world.first.commits.empty());
  REQUIRE(world.first.subscribes.size() == 1);
  CHECK_FALSE(world.first.subscribes[0].auto_commit);
  CHECK(world.second.subscribes.empty());
  CHECK(world.errors.empty());
}

TEST_CASE("coordinator: where nothing is committed the reset policy decides") {
  Coordinated world;
  world.options.reset = StartAt::kLatest;
  world.start();
  REQUIRE(world.until([&] { return world.first.subscribes.size() == 1; }));
  world.turn();
  world.first.append("t", 0, {"d"});
  CHECK(world.receives({"d"}));
}

TEST_CASE("coordinator: automatic commits are few, and the last one is sent at the end") {
  Coordinated world;
  world.start();
  CHECK(world.receives({"a", "b", "c"}));
  CHECK(world.has_committed(world.second, 3));
  const auto before = world.second.commits.size();
  for (int i = 0; i < 20; ++i) world.first.append("t", 0, {std::to_string(i)});
  REQUIRE(world.until([&] { return world.values.size() == 23; }));
  world.consumer.reset();
  CHECK(world.has_committed(world.second, 23));
  CHECK(world.second.commits.size() <= before + 3);
}

TEST_CASE("coordinator: at most once, it is committed before the handler") {
  Coordinated world;
  world.options.commit = Consumer::Commit::kBeforeHandler;
  world.handlers.message = [](const DeliveredBatch&, const RecordView&) -> Status {
    return fail(Errc::kIo, "the handler failed");
  };
  world.start();
  CHECK(world.has_committed(world.second, 3));
}

TEST_CASE("coordinator: commits follow it to another broker") {
  Coordinated world;
  world.start();
  CHECK(world.has_committed(world.second, 3));
  world.name_coordinator(world.first);
  world.first.append("t", 0, {"d"});
  CHECK(world.has_committed(world.first, 4));
  CHECK(world.receives({"a", "b", "c", "d"}));
  CHECK(world.errors.empty());
}

TEST_CASE("coordinator: when it dies the next one gets what was not acknowledged") {
  Coordinated world;
  world.start();
  CHECK(world.has_committed(world.second, 3));
  world.second.hook = [](FakeBroker::Peer&, const Frame& frame) {
    return frame.type == FrameType::kCommitOffset;  // never answered
  };
  world.first.append("t", 0, {"d"});
  const auto commits = world.second.count(FrameType::kCommitOffset);
  REQUIRE(world.until([&] { return world.second.count(FrameType::kCommitOffset) > commits; }));
  world.second.stop();
  world.turn();
  CHECK(world.first.commits.empty());
  world.name_coordinator(world.first);
  CHECK(world.has_committed(world.first, 4));
}

TEST_CASE("coordinator: nothing is consumed before it is known what was committed") {
  Coordinated world;
  world.second.committed[PartitionId(0)] = Offset(1);
  for (auto* broker : {&world.first, &world.second}) broker->coordinator = "";
  world.start();
  world.turn();
  CHECK(world.first.subscribes.empty());
  world.name_coordinator(world.second);
  CHECK(world.receives({"b", "c"}));
}

TEST_CASE("coordinator: a commit by hand is answered, or refused below an earlier one") {
  Coordinated world;
  world.options.commit = Consumer::Commit::kManual;
  auto& consumer = world.start();
  CHECK(world.receives({"a", "b", "c"}));
  std::vector<Status> outcomes;
  const auto commit = [&](std::int64_t next) {
    consumer.commit("t", PartitionId(0), Offset(next),
                    [&](Status outcome) { outcomes.push_back(std::move(outcome)); });
  };
  commit(2);
  commit(3);
  REQUIRE(world.until([&] { return outcomes.size() == 2; }));
  CHECK(outcomes[0]);
  CHECK(outcomes[1]);
  CHECK(world.second.commits.size() == 2);
  commit(1);
  REQUIRE(world.until([&] { return outcomes.size() == 3; }));
  CHECK(outcomes[2].error().code() == Errc::kInvalidRequest);
}

TEST_CASE("coordinator: a commit by hand waits for it as long as a request may") {
  Coordinated world;
  world.options.commit = Consumer::Commit::kManual;
  auto& consumer = world.start();
  CHECK(world.receives({"a", "b", "c"}));
  world.name_coordinator(world.first);
  std::optional<Status> outcome;
  const auto note = [&](Status done) { outcome = std::move(done); };
  consumer.commit("t", PartitionId(0), Offset(2), note);
  REQUIRE(world.until([&] { return outcome.has_value(); }));
  CHECK(*outcome);
  CHECK(world.has_committed(world.first, 2));
}

TEST_CASE("coordinator: nobody answers a commit by hand: the caller hears of it") {
  Coordinated world;
  world.options.commit = Consumer::Commit::kManual;
  world.options.request_timeout_ms = 100;
  auto& consumer = world.start();
  CHECK(world.receives({"a", "b", "c"}));
  world.second.stop();
  std::optional<Status> outcome;
  consumer.commit("t", PartitionId(0), Offset(2), [&](Status done) { outcome = std::move(done); });
  REQUIRE(world.until([&] { return outcome.has_value(); }));
  REQUIRE_FALSE(*outcome);
  CHECK(outcome->error().code() == Errc::kTimeout);
}

TEST_CASE("coordinator: what it refuses is told, and the records go on") {
  Coordinated world;
  world.second.hook = [](FakeBroker::Peer& peer, const Frame& frame) {
    if (frame.type != FrameType::kCommitOffset) return false;
    peer.refuse(frame.id, Errc::kInvalidRequest);
    return true;
  };
  world.start();
  REQUIRE(world.until([&] { return !world.errors.empty(); }));
  CHECK(world.errors[0].code() == Errc::kInvalidRequest);
  world.first.append("t", 0, {"d"});
  CHECK(world.receives({"a", "b", "c", "d"}));
}

}  // namespace
}  // namespace xylem::network
