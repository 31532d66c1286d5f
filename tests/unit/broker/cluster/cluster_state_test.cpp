// What the quorum decides of brokers, topics and partitions, command by command.
#include "broker/cluster/cluster_state.h"

#include "common/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

namespace xylem::broker {
namespace {

using Ids = std::vector<ReplicaId>;

const Order kOrder{"operator", 1'700'000'000'000};

Ids ids(std::initializer_list<int> numbers) {
  Ids all;
  for (const int number : numbers) all.emplace_back(number);
  return all;
}

RegisterBroker enters(int broker, std::uint64_t disk = 1) {
  return {.broker = ReplicaId(broker),
          .node = "root-" + std::to_string(broker),
          .instance = Uuid::from_words(1, 1),
          .disk = Uuid::from_words(static_cast<std::uint64_t>(broker), disk),
          .clients = "127.0.0.1:9092",
          .pipe = "127.0.0.1:7081",
          .is_clean = false,
          .unproven = {}};
}

TopicDefinition topic(std::int32_t partitions = 1, const std::string& name = "prices") {
  TopicDefinition topic;
  topic.name = name;
  topic.incarnation.topic = TopicId::from_words(1, std::hash<std::string>()(name));
  topic.partitions = partitions;
  topic.replicas = 3;
  topic.min_insync = 2;
  return topic;
}

// Five brokers, and "prices" with one partition on 0, 1 and 2.
struct Cluster {
  Cluster() {
    for (int broker = 0; broker < 5; ++broker) REQUIRE(state.apply(enters(broker)));
    REQUIRE(state.apply(CreateTopic{topic(), {ids({0, 1, 2})}}));
  }

  [[nodiscard]] const PartitionRecord& record(std::int32_t partition = 0) const {
    return *state.find(topic().log(partition));
  }

  bool set_in_sync(std::initializer_list<int> members) {
    return state
        .apply(ChangeInSync{{{topic().log(0), record().leader, record().version, ids(members)}}})
        .has_value();
  }

  void fence(int broker) { REQUIRE(state.apply(FenceBroker{ReplicaId(broker)})); }

  ClusterState state;
};

void check_refused(ClusterState& state, const ClusterCommand& command, Errc code) {
  const auto before = state;
  const auto done = state.apply(command);
  REQUIRE_FALSE(done);
  CHECK(done.error().code() == code);
  CHECK(state == before);
}

TEST_CASE("cluster state: a new topic's partitions are led by who is preferred, all in sync") {
  const Cluster it;
  CHECK(it.record().leader == ReplicaId(0));
  CHECK(it.record().epoch == Epoch(0));
  CHECK(it.record().in_sync == ids({0, 1, 2}));
  CHECK(it.record().min_insync == 2);
  CHECK(it.state.topics().at("prices").topic == topic());
}

TEST_CASE("cluster state: who is fenced leads no more, and leaves the set while enough stay") {
  Cluster it;
  const auto version = it.record().version;
  it.fence(0);
  CHECK(it.record().leader == ReplicaId(1));
  CHECK(it.record().epoch == Epoch(1));
  CHECK(it.record().version > version);
  CHECK(it.record().in_sync == ids({1, 2}));
  it.fence(1);
  it.fence(2);
  CHECK(it.record().in_sync == ids({1, 2}));
  CHECK(it.record().leader == kNoReplica);
  CHECK(it.record().epoch == Epoch(2));
  REQUIRE(it.state.apply(enters(2)));
  CHECK(it.record().leader == ReplicaId(2));
  CHECK(it.record().epoch == Epoch(3));
}

TEST_CASE("cluster state: nobody outside the set is elected") {
  Cluster it;
  REQUIRE(it.set_in_sync({0, 1}));
  it.fence(0);
  it.fence(1);
  CHECK(it.record().leader == kNoReplica);
  REQUIRE(it.state.apply(enters(2)));
  CHECK(it.record().leader == kNoReplica);
}

TEST_CASE("cluster state: a leader that starts anew leads in a new epoch") {
  Cluster it;
  REQUIRE(it.state.apply(enters(0)));
  CHECK(it.record().leader == ReplicaId(0));
  CHECK(it.record().epoch == Epoch(1));
  CHECK(it.record().in_sync == ids({0, 1, 2}));
}

TEST_CASE("cluster state: whoever starts makes proposals about who it was before void") {
  Cluster it;
  REQUIRE(it.set_in_sync({0, 1}));
  const auto seen = it.record().version;
  REQUIRE(it.state.apply(enters(2, 2)));
  check_refused(it.state, ChangeInSync{{{topic().log(0), ReplicaId(0), seen, ids({0, 1, 2})}}},
                Errc::kStaleEpoch);
}

TEST_CASE("cluster state: a member with another disk or an unproven log leaves the set") {
  Cluster it;
  REQUIRE(it.state.apply(enters(1, 2)));
  CHECK(it.record().in_sync == ids({0, 2}));
  auto unproven = enters(2);
  unproven.instance = Uuid::from_words(1, 2);
  unproven.unproven = {topic().log(0)};
  REQUIRE(it.state.apply(unproven));
  CHECK(it.record().in_sync == ids({0}));
  SUBCASE("be it the leader") {
    REQUIRE(it.set_in_sync({0, 1}));
    REQUIRE(it.state.apply(enters(0, 2)));
    CHECK(it.record().in_sync == ids({1}));
    CHECK(it.record().leader == ReplicaId(1));
  }
  SUBCASE("be it the last one: then nobody leads") {
    REQUIRE(it.state.apply(enters(0, 2)));
    CHECK(it.record().in_sync.empty());
    CHECK(it.record().leader == kNoReplica);
    REQUIRE(it.state.apply(enters(0, 2)));
    CHECK(it.record().leader == kNoReplica);
  }
}

TEST_CASE("cluster state: an unclean end counts where the topic is not always synced") {
  Cluster it;
  auto lazy = topic(1, "lazy");
  lazy.flush = storage::Flush::kInterval;
  REQUIRE(it.state.apply(CreateTopic{lazy, {ids({0, 1, 2})}}));
  const auto in_sync = [&] { return it.state.find(lazy.log(0))->in_sync; };
  auto again = enters(1);
  REQUIRE(it.state.apply(again));
  CHECK(in_sync() == ids({0, 1, 2}));  // the same process
  again.instance = Uuid::from_words(1, 2);
  again.is_clean = true;
  REQUIRE(it.state.apply(again));
  CHECK(in_sync() == ids({0, 1, 2}));
  again.instance = Uuid::from_words(1, 3);
  again.is_clean = false;
  REQUIRE(it.state.apply(again));
  CHECK(in_sync() == ids({0, 2}));
  CHECK(it.record().in_sync == ids({0, 1, 2}));
}

TEST_CASE("cluster state: what a start did not prove counts once, however often it is told") {
  Cluster it;
  auto again = enters(1);
  again.instance = Uuid::from_words(1, 2);
  again.unproven = {topic().log(0)};
  REQUIRE(it.state.apply(again));
  CHECK(it.record().in_sync == ids({0, 2}));
  REQUIRE(it.set_in_sync({0, 1, 2}));
  REQUIRE(it.state.apply(again));  // the same registration, on its way for long
  CHECK(it.record().in_sync == ids({0, 1, 2}));
}

TEST_CASE("cluster state: where nobody is known to have all, no move sends anybody away") {
  Cluster it;
  for (const int broker : {0, 1, 2}) REQUIRE(it.state.apply(enters(broker, 2)));
  REQUIRE(it.record().in_sync.empty());
  REQUIRE(it.state.apply(MoveReplicas{{{topic().log(0), ids({3, 4, 0})}}}));
  REQUIRE(it.state.apply(MoveReplicas{{{topic().log(0), ids({4, 3, 1})}}}));
  CHECK(it.record().replicas == ids({0, 1, 2, 3, 4}));
}

TEST_CASE("cluster state: a broker's number belongs to one node") {
  Cluster it;
  auto other = enters(1);
  other.node = "root-7";
  check_refused(it.state, other, Errc::kDuplicateNode);
}

TEST_CASE("cluster state: only the leader changes the set, by the newest record, rightly") {
  Cluster it;
  const auto refused = [&](const ChangeInSync::Change& change) {
    check_refused(it.state, ChangeInSync{{change}}, Errc::kStaleEpoch);
  };
  const auto log = topic().log(0);
  const auto version = it.record().version;
  refused({log, ReplicaId(1), version, ids({0, 1})});
  refused({log, ReplicaId(0), version - 1, ids({0, 1})});
  refused({log, ReplicaId(0), version, ids({1, 2})});
  refused({log, ReplicaId(0), version, ids({0, 3})});
  refused({log, ReplicaId(0), version, ids({0, 1, 1})});
  refused({log, ReplicaId(0), version, {}});
  refused({topic(1, "other").log(0), ReplicaId(0), version, ids({0, 1})});
  REQUIRE(it.set_in_sync({0, 1}));
  it.fence(2);
  CHECK_FALSE(it.set_in_sync({0, 1, 2}));
  REQUIRE(it.state.apply(enters(2)));
  CHECK(it.set_in_sync({0, 1, 2}));
}

TEST_CASE("cluster state: replicas move when the new ones are in sync") {
  Cluster it;
  REQUIRE(it.state.apply(MoveReplicas{{{topic().log(0), ids({3, 4, 1})}}, 0, kOrder}));
  CHECK(it.record().replicas == ids({0, 1, 2, 3, 4}));
  CHECK(it.record().in_sync == ids({0, 1, 2}));
  CHECK(it.state.placed().front().replicas == ids({3, 4, 1}));
  REQUIRE(it.set_in_sync({0, 1, 2, 3}));
  CHECK(it.record().replicas == ids({0, 1, 2, 3, 4}));
  SUBCASE("to the end") {
    REQUIRE(it.set_in_sync({0, 1, 3, 4}));
    CHECK(it.record().replicas == ids({1, 3, 4}));
    CHECK(it.record().in_sync == ids({1, 3, 4}));
    CHECK(it.record().leader == ReplicaId(3));
    CHECK(it.record().epoch == Epoch(1));
    CHECK(it.record().moving_to.empty());
    CHECK(it.state.placed().front().replicas == ids({3, 1, 4}));
  }
  SUBCASE("somewhere else after all") {
    REQUIRE(it.state.apply(MoveReplicas{{{topic().log(0), ids({0, 1, 2})}}, 0, kOrder}));
    CHECK(it.record().replicas == ids({0, 1, 2}));
    CHECK(it.record().leader == ReplicaId(0));
    CHECK(it.record().moving_to.empty());
  }
}

TEST_CASE("cluster state: leaderships return to who is preferred, alive and in sync") {
  Cluster it;
  it.fence(0);
  const ReturnLeaders back{{topic().log(0)}};
  REQUIRE(it.state.apply(back)->partitions.empty());
  REQUIRE(it.state.apply(enters(0)));
  CHECK(it.record().leader == ReplicaId(1));
  REQUIRE(it.state.apply(back)->partitions.empty());  // it has to catch up
  REQUIRE(it.set_in_sync({0, 1, 2}));
  REQUIRE(it.state.apply(back)->partitions.size() == 1);
  CHECK(it.record().leader == ReplicaId(0));
  CHECK(it.record().epoch == Epoch(2));
  CHECK(it.state.apply(back)->partitions.empty());
}

TEST_CASE("cluster state: topics are altered and deleted; a new one of the name has its own id") {
  Cluster it;
  auto larger = topic(3);
  larger.min_insync = 3;
  check_refused(it.state, AlterTopic{larger, {ids({1, 2, 3})}}, Errc::kInvalidRequest);
  const auto changes = it.state.apply(AlterTopic{larger, {ids({1, 2, 3}), ids({2, 3, 4})}});
  REQUIRE(changes);
  CHECK(changes->partitions.size() == 3);
  CHECK(it.record(0).min_insync == 3);
  CHECK(it.record(2).leader == ReplicaId(2));
  check_refused(it.state, CreateTopic{topic(), {ids({0, 1, 2})}}, Errc::kAlreadyExists);
  REQUIRE(it.state.apply(DeleteTopic{topic().incarnation}));
  CHECK(it.state.find(topic().log(0)) == nullptr);
  check_refused(it.state, DeleteTopic{topic().incarnation}, Errc::kUnknownTopicOrPartition);
  check_refused(it.state, AlterTopic{larger, {}}, Errc::kUnknownTopicOrPartition);
  CHECK(it.state.apply(CreateTopic{topic(), {ids({0, 1, 2})}}).has_value());
}

// "prices" with two partitions on 0, 1 and 2; broker 2 is out of the first one's set, and the set's
// members are dead.
struct Leaderless : Cluster {
  Leaderless() {
    auto larger = topic(2);
    REQUIRE(state.apply(AlterTopic{larger, {ids({0, 2, 3})}}));
    REQUIRE(set_in_sync({0, 1}));
    fence(0);
    fence(1);
    REQUIRE(record().leader == kNoReplica);
  }

  [[nodiscard]] LogId log(std::uint32_t generation, std::int32_t partition = 0) const {
    auto id = topic().log(partition);
    id.incarnation.generation = generation;
    return id;
  }
};

TEST_CASE("cluster state: a forced leader is alone in the set, in a new generation of the topic") {
  Leaderless it;
  const auto before = *it.state.find(it.log(0, 0));
  const auto other = *it.state.find(it.log(0, 1));
  const auto changes = it.state.apply(ForceElection{it.log(0), ReplicaId(2), kOrder});
  REQUIRE(changes);
  CHECK(changes->partitions == std::set{it.log(0, 0), it.log(0, 1), it.log(1, 0), it.log(1, 1)});
  CHECK(changes->topics == std::set<std::string>{"prices"});
  CHECK(it.state.find(it.log(0)) == nullptr);
  CHECK(it.state.find(topic().incarnation.topic)->topic.incarnation.generation == 1);
  const auto& forced = *it.state.find(it.log(1, 0));
  CHECK(forced.leader == ReplicaId(2));
  CHECK(forced.in_sync == ids({2}));
  CHECK(forced.replicas == before.replicas);
  CHECK(forced.epoch == before.epoch + 1);
  CHECK(forced.version > before.version);
  const auto& kept = *it.state.find(it.log(1, 1));
  CHECK(kept.in_sync == other.in_sync);
  CHECK(kept.leader == other.leader);
  CHECK(kept.epoch == other.epoch + 1);
  check_refused(it.state, ForceElection{it.log(0), ReplicaId(2), kOrder},
                Errc::kUnknownTopicOrPartition);
}

TEST_CASE("cluster state: an election is forced only where nobody leads, for a living replica") {
  Leaderless it;
  const auto refused = [&](const LogId& log, int broker, Errc code) {
    CAPTURE(broker);
    check_refused(it.state, ForceElection{log, ReplicaId(broker), kOrder}, code);
  };
  refused(it.log(0, 1), 3, Errc::kAlreadyExists);  // broker 2 leads it
  refused(it.log(0), 4, Errc::kInvalidRequest);
  refused(it.log(0), 1, Errc::kInvalidRequest);
  refused(it.log(0, 2), 2, Errc::kUnknownTopicOrPartition);
  const auto leads = it.state.apply(ForceElection{it.log(0, 1), ReplicaId(3), kOrder});
  CHECK(std::string(leads.error().what()).contains("root-2"));
  CHECK(it.state.audit().empty());
}

TEST_CASE("cluster state: forced elections and moves are on record, the last thousand") {
  Leaderless it;
  const auto changes = it.state.apply(ForceElection{it.log(0), ReplicaId(2), kOrder});
  REQUIRE(changes);
  REQUIRE(it.state.audit().size() == 1);
  CHECK(changes->forced == std::vector{it.state.audit().front()});
  CHECK(it.state.audit().front() ==
        AuditEntry{kOrder, "force broker 2 to lead prices/0", "generation 1, epoch 2"});
  const MoveReplicas move{{{it.log(1, 1), ids({2, 3, 4})}}, 5'000, kOrder};
  REQUIRE(it.state.apply(move));
  CHECK(it.state.audit().back() == AuditEntry{kOrder, "move replicas", "prices/1 to 2 3 4"});
  CHECK(it.state.move_bytes_per_s() == 5'000);
  for (std::size_t i = 0; i < ClusterState::kAuditMax; ++i) REQUIRE(it.state.apply(move));
  CHECK(it.state.audit().size() == ClusterState::kAuditMax);
  CHECK(it.state.audit().front().what == "move replicas");
  const auto again = ClusterState::from_json(it.state.to_json());
  REQUIRE(again);
  CHECK(*again == it.state);
}

TEST_CASE("cluster state: `__topics` stays in its generation when its leader is forced") {
  Cluster it;
  auto topics = topics_topic();
  topics.replicas = 3;
  topics.min_insync = 2;
  REQUIRE(it.state.apply(CreateTopic{topics, {ids({0, 1, 2})}}));
  it.fence(0);
  it.fence(1);
  it.fence(2);
  REQUIRE(it.state.apply(enters(0)));
  REQUIRE(it.state.find(topics.log(0))->leader == kNoReplica);
  REQUIRE(it.state.apply(ForceElection{topics.log(0), ReplicaId(0), kOrder}));
  CHECK(it.state.find(topics.log(0))->leader == ReplicaId(0));
  CHECK(it.state.find(topics.log(0))->in_sync == ids({0}));
}

TEST_CASE("cluster state: a log that is not proven counts by whatever generation it is known") {
  Leaderless it;
  REQUIRE(it.state.apply(ForceElection{it.log(0), ReplicaId(2), kOrder}));
  REQUIRE(it.state.find(it.log(1, 1))->in_sync == ids({2, 3}));
  auto away = enters(3);
  away.instance = Uuid::from_words(1, 2);
  away.unproven = {it.log(0, 1)};
  REQUIRE(it.state.apply(away));
  CHECK(it.state.find(it.log(1, 1))->in_sync == ids({2}));
}

TEST_CASE("cluster state: placements that cannot be are refused") {
  Cluster it;
  for (const auto& replicas : {ids({0, 1}), ids({0, 1, 1}), ids({0, 1, 9}), ids({})}) {
    check_refused(it.state, CreateTopic{topic(1, "other"), {replicas}}, Errc::kInvalidRequest);
    if (replicas.size() != 2)
      check_refused(it.state, MoveReplicas{{{topic().log(0), replicas}}, 0, kOrder},
                    Errc::kInvalidRequest);
  }
  check_refused(it.state, CreateTopic{topic(2, "other"), {ids({0, 1, 2})}}, Errc::kInvalidRequest);
  check_refused(it.state, MoveReplicas{{{topic().log(1), ids({0, 1, 2})}}, 0, kOrder},
                Errc::kUnknownTopicOrPartition);
  check_refused(it.state, FenceBroker{ReplicaId(9)}, Errc::kNotFound);
}

ClusterCommand any_command(Random& random, const ClusterState& state) {
  const auto log = topic(2).log(static_cast<std::int32_t>(random.below(2)));
  const auto* record = state.find(log);
  const int broker = static_cast<int>(random.below(5));
  Ids some;
  for (int id = 0; id < 5; ++id) {
    if (random.below(2) == 0) some.emplace_back(id);
  }
  switch (random.below(record == nullptr ? 3 : 7)) {
    case 0:
      return enters(broker, random.below(8));
    case 1:
      return FenceBroker{ReplicaId(broker)};
    case 2:
      return CreateTopic{topic(2), {ids({0, 1, 2}), ids({2, 3, 4})}};
    case 3:
      return random.below(20) == 0 ? ClusterCommand(DeleteTopic{topic().incarnation})
                                   : ClusterCommand(ReturnLeaders{{log}});
    case 4:
      return MoveReplicas{{{log, some}}, 0, kOrder};
    default:
      return ChangeInSync{{{log, record->leader, record->version, some}}};
  }
}

TEST_CASE("cluster state: whatever is decided, it holds together, and its snapshot is the same") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    ClusterState state;
    std::map<LogId, Epoch> epochs;
    for (int i = 0; i < 300; ++i) {
      const auto command = any_command(random, state);
      if (std::holds_alternative<DeleteTopic>(command)) epochs.clear();
      if (!state.apply(command)) continue;
      for (std::int32_t partition = 0; partition < 2; ++partition) {
        const auto* record = state.find(topic(2).log(partition));
        if (record == nullptr) continue;
        CHECK(std::ranges::includes(record->replicas, record->in_sync));
        CHECK((record->leader == kNoReplica ||
               std::ranges::binary_search(record->in_sync, record->leader)));
        CHECK((record->leader == kNoReplica || state.brokers().at(record->leader).is_alive));
        auto& epoch = epochs.try_emplace(topic(2).log(partition), record->epoch).first->second;
        CHECK(record->epoch >= epoch);
        epoch = record->epoch;
      }
    }
    const auto again = ClusterState::from_json(state.to_json());
    REQUIRE(again);
    CHECK(*again == state);
    CHECK(again->to_json() == state.to_json());
  }
}

TEST_CASE("cluster state: a snapshot that no commands give is corrupt") {
  const Cluster it;
  const auto good = it.state.to_json();
  REQUIRE(ClusterState::from_json(good));
  const auto refuses = [&](const std::string& from, const std::string& to) {
    CAPTURE(from);
    auto bad = good;
    REQUIRE(bad.contains(from));
    bad.replace(bad.find(from), from.size(), to);
    const auto read = ClusterState::from_json(bad);
    REQUIRE_FALSE(read);
    CHECK(read.error().code() == Errc::kCorrupt);
  };
  refuses("\"inSync\":[0,1,2]", "\"inSync\":[0,1,3]");
  refuses("\"inSync\":[0,1,2]", "\"inSync\":[2,1,0]");
  refuses("\"leader\":0", "\"leader\":4");
  refuses("\"broker\":1", "\"broker\":0");
  refuses("\"isAlive\":true", "\"isAlive\":1");
  refuses("\"partitions\":[", "\"partitions\":[{},");
  refuses("\"brokers\"", "\"breakers\"");
  CHECK_FALSE(ClusterState::from_json(good.substr(0, good.size() - 1)));
}

}  // namespace
}  // namespace xylem::broker
