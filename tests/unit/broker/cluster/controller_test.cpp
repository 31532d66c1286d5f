// What the controller finds due, as time passes and brokers are heard or not.
#include "broker/cluster/controller.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace xylem::broker {
namespace {

constexpr std::int64_t kNow = 1'000'000;

ReplicaId id(int number) { return ReplicaId(number); }

RegisterBroker enters(int broker) {
  return {.broker = id(broker),
          .node = "root-" + std::to_string(broker),
          .instance = {},
          .disk = Uuid::from_words(1, static_cast<std::uint64_t>(broker)),
          .clients = "",
          .pipe = "",
          .is_clean = false,
          .unproven = {}};
}

TopicDefinition topic(std::int32_t partitions, const std::string& name = "prices") {
  TopicDefinition topic;
  topic.name = name;
  topic.incarnation.topic = TopicId::from_words(2, name.size());
  topic.partitions = partitions;
  topic.replicas = 3;
  topic.min_insync = 2;
  return topic;
}

ClusterState five_brokers() {
  ClusterState state;
  for (int broker = 0; broker < 5; ++broker) REQUIRE(state.apply(enters(broker)));
  return state;
}

// All are heard but `silent`; commands are decided at once.
std::vector<ClusterCommand> pass(Controller& controller,
                                 ClusterState& state,
                                 std::int64_t& now_ms,
                                 std::int64_t ms,
                                 int silent = -1) {
  std::vector<ClusterCommand> done;
  for (const auto end = now_ms + ms; now_ms < end; now_ms += 100) {
    for (int broker = 0; broker < 5; ++broker) {
      if (broker != silent) controller.heard(id(broker), now_ms);
    }
    for (const auto& command : controller.tick(state, now_ms)) {
      REQUIRE(state.apply(command));
      done.push_back(command);
    }
  }
  return done;
}

// `broker` has caught up with everything.
void rejoin(ClusterState& state, ReplicaId broker) {
  ChangeInSync all;
  for (const auto& placed : state.placed()) {
    const auto& record = *state.find(placed.log);
    auto set = record.in_sync;
    if (is_member(broker, record.replicas) && !is_member(broker, set)) set.push_back(broker);
    std::ranges::sort(set);
    all.changes.push_back({placed.log, record.leader, record.version, set});
  }
  REQUIRE(state.apply(all));
}

TEST_CASE("controller: who is not heard is fenced, once; who is heard is not") {
  auto state = five_brokers();
  Controller controller({.fence_after_ms = 1'200});
  auto now_ms = kNow;
  controller.begin(state, now_ms);
  CHECK(pass(controller, state, now_ms, 1'000, 3).empty());
  const auto done = pass(controller, state, now_ms, 1'000, 3);
  REQUIRE(done.size() == 1);
  CHECK(std::get<FenceBroker>(done.front()).broker == id(3));
  CHECK(pass(controller, state, now_ms, 5'000, 3).empty());
}

TEST_CASE("controller: who is refused and silent is fenced soon; who speaks is not") {
  auto state = five_brokers();
  Controller controller({.fence_after_ms = 1'200, .refused_after_ms = 250});
  controller.refused(id(4), kNow - 1'000);
  controller.begin(state, kNow);
  CHECK(controller.tick(state, kNow).size() == 1);  // known before it became controller
  for (const int broker : {1, 2}) controller.refused(id(broker), kNow + 10);
  controller.refused(id(1), kNow + 200);
  controller.heard(id(2), kNow + 100);
  CHECK(controller.tick(state, kNow + 250).empty());
  const auto due = controller.tick(state, kNow + 260);
  REQUIRE(due.size() == 1);
  CHECK(std::get<FenceBroker>(due.front()).broker == id(1));
}

TEST_CASE("controller: a fence that is not decided is due again") {
  const auto state = five_brokers();
  Controller controller({.fence_after_ms = 1'200});
  controller.begin(state, kNow);
  CHECK(controller.tick(state, kNow + 1'200).size() == 5);
  CHECK(controller.tick(state, kNow + 1'600).empty());
  CHECK(controller.tick(state, kNow + 1'700).size() == 5);
}

TEST_CASE("controller: a new controller gives everybody time, and so does a registration") {
  auto state = five_brokers();
  Controller controller({.fence_after_ms = 1'200});
  controller.begin(state, kNow);
  controller.begin(state, kNow + 10'000);
  CHECK(controller.tick(state, kNow + 10'100).empty());
  REQUIRE(state.apply(FenceBroker{id(1)}));
  REQUIRE(controller.tick(state, kNow + 10'200).empty());
  REQUIRE(state.apply(enters(1)));
  for (const int broker : {0, 2, 3, 4}) controller.heard(id(broker), kNow + 20'000);
  CHECK(controller.tick(state, kNow + 20'000).empty());
}

TEST_CASE("controller: leaderships return to who is preferred, after a while") {
  auto state = five_brokers();
  REQUIRE(state.apply(plan_creation(state, topic(10)).value()));
  Controller controller({.fence_after_ms = 1'200});
  auto now_ms = kNow;
  controller.begin(state, now_ms);
  REQUIRE(pass(controller, state, now_ms, 2'000, 2).size() == 1);
  const auto led_by = [&](int broker) {
    const auto& partitions = state.topics().at("prices").partitions;
    return std::ranges::count(partitions, id(broker), &PartitionRecord::leader);
  };
  CHECK(led_by(2) == 0);
  REQUIRE(state.apply(enters(2)));
  rejoin(state, id(2));
  CHECK(pass(controller, state, now_ms, 4'900).empty());
  const auto done = pass(controller, state, now_ms, 1'000);
  REQUIRE(done.size() == 1);
  CHECK(std::get<ReturnLeaders>(done.front()).logs.size() == 2);
  CHECK(led_by(2) == 2);
}

TEST_CASE("controller: topics are placed on brokers that are alive") {
  auto state = five_brokers();
  REQUIRE(state.apply(FenceBroker{id(0)}));
  const auto plan = plan_creation(state, topic(20));
  REQUIRE(plan);
  for (const auto& replicas : plan->replicas) {
    CHECK(replicas.size() == 3);
    CHECK(std::ranges::find(replicas, id(0)) == replicas.end());
  }
  REQUIRE(state.apply(*plan));
  CHECK(plan_creation(state, topic(1)).error().code() == Errc::kAlreadyExists);
  REQUIRE(state.apply(FenceBroker{id(1)}));
  REQUIRE(state.apply(FenceBroker{id(2)}));
  CHECK(plan_creation(state, topic(1, "rules")).error().code() == Errc::kNotEnoughReplicas);
}

TEST_CASE("controller: partitions are added, not taken away") {
  auto state = five_brokers();
  REQUIRE(state.apply(plan_creation(state, topic(4)).value()));
  const auto plan = plan_alteration(state, topic(6));
  REQUIRE(plan);
  CHECK(plan->added.size() == 2);
  REQUIRE(state.apply(*plan));
  CHECK(plan_alteration(state, topic(5)).error().code() == Errc::kInvalidRequest);
  CHECK(plan_alteration(state, topic(6, "rules")).error().code() == Errc::kUnknownTopicOrPartition);
  auto more = topic(6);
  more.replicas = 5;
  CHECK(plan_alteration(state, more).error().code() == Errc::kInvalidRequest);
}

TEST_CASE("controller: a broker that is replaced is moved away from") {
  auto state = five_brokers();
  REQUIRE(state.apply(plan_creation(state, topic(10)).value()));
  REQUIRE(state.apply(enters(5)));
  const std::vector<ReplicaId> brokers{id(0), id(1), id(2), id(3), id(5)};
  const auto plan = plan_rebalance(state, brokers);
  REQUIRE(plan);
  CHECK(plan->size() == 6);
  REQUIRE(state.apply(MoveReplicas{*plan, 0, {"anna", 0}}));
  for (const auto& placed : state.placed())
    CHECK(std::ranges::find(placed.replicas, id(4)) == placed.replicas.end());
  CHECK(plan_rebalance(state, brokers)->empty());
}

TEST_CASE("controller: a rebalance in portions ends where the whole would") {
  auto state = five_brokers();
  REQUIRE(state.apply(plan_creation(state, topic(10)).value()));
  const std::vector<ReplicaId> brokers{id(0), id(1), id(2), id(3)};
  int portions = 0;
  for (auto plan = plan_rebalance(state, brokers); !plan->empty();
       plan = plan_rebalance(state, brokers)) {
    REQUIRE(++portions < 20);
    plan->resize(1);
    REQUIRE(state.apply(MoveReplicas{*plan, 0, {"anna", 0}}));
  }
  CHECK(portions >= 6);
  for (const auto& placed : state.placed())
    CHECK(std::ranges::find(placed.replicas, id(4)) == placed.replicas.end());
}

TEST_CASE(
    "controller: replicas are moved to brokers that are alive, by themselves to all of them") {
  auto state = five_brokers();
  REQUIRE(state.apply(plan_creation(state, topic(10)).value()));
  REQUIRE(state.apply(FenceBroker{id(4)}));
  CHECK(plan_rebalance(state, {id(0), id(4)}).error().code() == Errc::kInvalidRequest);
  CHECK(plan_rebalance(state, {id(0), id(9)}).error().code() == Errc::kInvalidRequest);
  CHECK(plan_rebalance(state, {id(0), id(0)}).error().code() == Errc::kInvalidRequest);
  const auto plan = plan_rebalance(state, {});
  REQUIRE(plan);
  CHECK(plan->size() == 6);
}

}  // namespace
}  // namespace xylem::broker
