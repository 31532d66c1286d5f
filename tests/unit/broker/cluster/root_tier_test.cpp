// The root tier as a whole: five brokers in one process, their logs and quorums on a real disk.
#include "broker/catalog/topics_log.h"
#include "tests/unit/broker/cluster/root_tier_world.h"

#include <algorithm>
#include <set>

namespace xylem::broker {
namespace {

using testing::RootTierWorld;
using testing::run_until;
using xylem::testing::try_until;

Buffer content(const Partition& partition) {
  const auto& log = *partition.log();
  Buffer all;
  for (auto at = log.start_offset(); at < log.end_offset();) {
    const auto read = log.read(at, 1 << 20, log.end_offset());
    REQUIRE(read);
    REQUIRE_FALSE(read->slices.empty());
    for (const auto& slice : read->slices) append(slice.bytes, all);
    at = read->next;
  }
  return all;
}

TEST_CASE("root tier: what is acknowledged is on the disks of three brokers, and they are equal") {
  RootTierWorld world;
  const auto topic = world.create("prices", 4);
  CHECK(topic.replicas == 3);
  CHECK(topic.min_insync == 2);
  for (std::int32_t p = 0; p < 4; ++p) {
    Partition::Appended appended;
    REQUIRE(try_until(world.loop, [&] {
      appended = world.append_at_last(topic.log(p), "value");
      return appended.replicas_synced == 3;
    }));
    const auto record = world.agreed(topic.log(p));
    CHECK(record.replicas.size() == 3);
    REQUIRE(run_until(world.loop, [&] {
      return std::ranges::all_of(record.replicas, [&](ReplicaId one) {
        return world.at(one).partitions->find(topic.log(p))->high_watermark() ==
               appended.next_offset;
      });
    }));
    for (const auto one : record.replicas)
      CHECK(content(*world.at(one).partitions->find(topic.log(p))) ==
            content(*world.leader(topic.log(p))));
  }
}

TEST_CASE("root tier: another broker leads when one dies, which follows when it is back") {
  RootTierWorld world;
  const auto topic = world.create("prices");
  const auto log = topic.log(0);
  world.append_at_last(log, "first");
  const auto before = world.agreed(log);
  world.kill(before.leader.value());
  world.append_at_last(log, "second");
  const auto after = world.agreed(log);
  CHECK(after.leader != before.leader);
  CHECK(after.epoch > before.epoch);
  CHECK_FALSE(is_member(before.leader, after.in_sync));

  world.start(before.leader.value());
  REQUIRE(run_until(world.loop, [&] { return world.is_whole(log); }));
  const auto third = world.append_at_last(log, "third");
  const auto& back = *world.at(before.leader).partitions->find(log);
  CHECK(run_until(world.loop, [&] { return back.high_watermark() == third.next_offset; }));
  CHECK(content(back) == content(*world.leader(log)));
}

TEST_CASE("root tier: with one replica of three nothing is promised to all, and refused clearly") {
  RootTierWorld world;
  const auto topic = world.create("prices");
  const auto log = topic.log(0);
  world.append_at_last(log, "kept");
  const auto record = world.agreed(log);
  for (const auto one : record.replicas) {
    if (one != record.leader) world.kill(one.value());
  }
  // Until it is known that they are away an append may wait; then it is refused.
  std::optional<Result<Partition::Appended>> refused;
  for (int i = 0; i < 100 && !(refused && !*refused); ++i)
    refused = world.append(log, "lost?", Acks::kAll, 100);
  REQUIRE(refused);
  REQUIRE_FALSE(*refused);
  CHECK(refused->error().code() == Errc::kNotEnoughReplicas);
  CHECK(run_until(world.loop, [&] {  // min_insync of them stay
    return world.record(log) != nullptr && world.record(log)->in_sync.size() == 2;
  }));
  const auto alone = world.append(log, "by the leader", Acks::kLeader);
  REQUIRE(alone);
  CHECK(*alone);
  CHECK((*alone)->replicas_synced == 1);
}

TEST_CASE("root tier: every topic stands in __topics, whoever leads it") {
  RootTierWorld world;
  const auto log = topics_topic().log(0);
  const auto published = [&] {
    std::set<std::string> names;
    if (auto* partition = world.leader_now(log)) {
      (void)read_topic_changes(*partition->log(), Offset(0), partition->high_watermark(),
                               [&](const TopicChange& change) {
                                 if (change.json)
                                   names.insert(change.name);
                                 else
                                   names.erase(change.name);
                               });
    }
    return names;
  };
  world.create("one");
  REQUIRE(run_until(world.loop, [&] { return published() == std::set<std::string>{"one"}; }));
  world.kill(world.agreed(log).leader.value());
  REQUIRE(world.leader(log) != nullptr);
  if (world.brokers[0] == nullptr) world.start(0);
  world.create("two", 3);
  CHECK(run_until(world.loop, [&] { return published() == std::set<std::string>{"one", "two"}; }));
}

TEST_CASE("root tier: all die at once, and nothing that was acknowledged is gone") {
  RootTierWorld world;
  const auto topic = world.create("prices");
  Offset end;
  for (int i = 0; i < 20; ++i)
    end = world.append_at_last(topic.log(0), std::to_string(i)).next_offset;
  for (int i = 0; i < RootTierWorld::kBrokers; ++i) world.kill(i);
  for (int i = 0; i < RootTierWorld::kBrokers; ++i) world.start(i);
  auto* leader = world.leader(topic.log(0));
  REQUIRE(leader != nullptr);
  CHECK(run_until(world.loop, [&] { return leader->high_watermark() == end; }));
  world.append_at_last(topic.log(0), "again");
}

TEST_CASE("root tier: a broker that has no replica says where it is") {
  RootTierWorld world;
  const auto topic = world.create("prices");
  const auto record = world.agreed(topic.log(0));
  for (int i = 0; i < RootTierWorld::kBrokers; ++i) {
    if (is_member(ReplicaId(i), record.replicas)) continue;
    const auto leader = world.at(ReplicaId(i)).tier->leader_of(topic.log(0));
    REQUIRE(leader);
    CHECK(leader->node == "root-" + std::to_string(record.leader.value()));
    CHECK(world.at(ReplicaId(i)).partitions->find(topic.log(0)) == nullptr);
  }
}

}  // namespace
}  // namespace xylem::broker
