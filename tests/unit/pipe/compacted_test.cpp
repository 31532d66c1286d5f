// Compacted logs in a tree: who missed deletions begins anew, also two levels down; who only sees
// other bytes below a compaction does not.
#include "tests/support/run_until.h"
#include "tests/unit/pipe/node.h"

#include <doctest/doctest.h>

namespace xylem::pipe {
namespace {

using testing::FakeLog;
using testing::run_until;

PipeClient::Options in_small_steps() {
  PipeClient::Options options;
  options.wait_ms = 10;
  options.backoff_min_ms = 1;
  options.backoff_max_ms = 8;
  options.bytes_max = 150;  // one batch or two
  return options;
}

struct Tree {
  Tree() {
    for (auto* node : {&root, &middle, &leaf}) node->open(id);
    middle.start_client(in_small_steps());
    leaf.start_client(in_small_steps());
    middle.client().set_parents({root.as_parent()});
    leaf.client().set_parents({middle.as_parent()});
  }

  void publish(int records) {
    for (int i = 0; i < records; ++i) root.publish(id, "value " + std::to_string(i));
  }

  [[nodiscard]] bool settle(const Node& node) {
    return run_until(world.loop,
                     [&] { return log_of(node).end_offset() == log_of(root).end_offset(); });
  }

  [[nodiscard]] const storage::PartitionLog& log_of(const Node& node) const {
    return *const_cast<Node&>(node).copy(id).log;
  }

  // Compacts the root's log below `offset`, tombstones included.
  void compact(Offset offset) {
    auto& log = static_cast<FakeLog&>(*root.copy(id).log);
    REQUIRE(log.inherit_compaction({offset, offset}));
    log.thin_out(offset);
  }

  World world;
  LogId id = log_id(1);
  Node root{world, "root"};
  Node middle{world, "middle"};
  Node leaf{world, "leaf"};
};

TEST_CASE("pipe: a child that was away while tombstones went begins anew, and so does its child") {
  Tree tree;
  tree.publish(10);
  REQUIRE(tree.settle(tree.leaf));
  tree.leaf.client().set_parents({});
  tree.middle.client().set_parents({});
  tree.publish(20);
  tree.compact(Offset(25));
  tree.middle.client().set_parents({tree.root.as_parent()});
  REQUIRE(tree.settle(tree.middle));
  CHECK(tree.middle.repairs == std::vector<FetchState>{FetchState::kOutOfRange});
  CHECK(tree.middle.content(tree.id) == tree.root.content(tree.id));
  CHECK(tree.log_of(tree.middle).compaction().tombstone_horizon == Offset(25));

  tree.leaf.client().set_parents({tree.middle.as_parent()});
  REQUIRE(tree.settle(tree.leaf));
  CHECK(tree.leaf.repairs == std::vector<FetchState>{FetchState::kOutOfRange});
  CHECK(tree.leaf.content(tree.id) == tree.root.content(tree.id));
}

TEST_CASE("pipe: who is past the horizon, and who begins, is not disturbed") {
  Tree tree;
  tree.leaf.client().set_parents({});
  tree.publish(30);
  REQUIRE(tree.settle(tree.middle));
  tree.compact(Offset(25));
  tree.publish(5);
  REQUIRE(tree.settle(tree.middle));
  CHECK(tree.middle.repairs.empty());
  CHECK(tree.log_of(tree.middle).compaction() == storage::CompactionBounds());

  tree.leaf.client().set_parents({tree.root.as_parent()});  // many fetches, all below the horizon
  REQUIRE(tree.settle(tree.leaf));
  CHECK(tree.leaf.repairs.empty());
  CHECK(tree.leaf.content(tree.id) == tree.root.content(tree.id));
  CHECK(tree.log_of(tree.leaf).compaction() == storage::CompactionBounds{Offset(25), Offset(25)});

  // Its batches differ from the middle's below the root's compaction: no reason to cut any.
  tree.leaf.client().set_parents({tree.middle.as_parent()});
  tree.publish(1);
  REQUIRE(tree.settle(tree.leaf));
  CHECK(tree.leaf.repairs.empty());
}

TEST_CASE("pipe: a copy that read on at a parent without a horizon is not taken for one under it") {
  Tree tree;
  Node other(tree.world, "other");  // no tombstone of its log is gone
  other.open(tree.id);
  other.start_client(in_small_steps());
  other.client().set_parents({tree.root.as_parent()});
  tree.leaf.client().set_parents({});
  tree.middle.client().set_parents({});
  tree.publish(30);
  REQUIRE(tree.settle(other));
  other.client().set_parents({});
  REQUIRE(tree.root.copy(tree.id).log->inherit_compaction({Offset(20), Offset(20)}));
  int stores = 0;
  tree.middle.on_store = [&](const FetchedPartition&) {
    ++stores;
    if (stores == 2) tree.middle.client().set_parents({other.as_parent()});
    if (stores == 4) tree.middle.client().set_parents({});
  };
  tree.middle.client().set_parents({tree.root.as_parent()});
  REQUIRE(run_until(tree.world.loop, [&] { return stores >= 4; }));
  REQUIRE(tree.log_of(tree.middle).end_offset() < Offset(20));
  tree.middle.on_store = nullptr;
  tree.middle.client().set_parents({tree.root.as_parent()});
  REQUIRE(tree.settle(tree.middle));
  CHECK(tree.middle.repairs == std::vector<FetchState>{FetchState::kOutOfRange});
  CHECK(tree.middle.content(tree.id) == tree.root.content(tree.id));
}

TEST_CASE("pipe: a copy half-way under an older horizon begins anew") {
  Tree tree;
  tree.leaf.client().set_parents({});
  tree.publish(30);
  tree.compact(Offset(10));
  int stores = 0;
  tree.middle.on_store = [&](const FetchedPartition&) {
    if (++stores == 4) tree.compact(Offset(25));
  };
  REQUIRE(tree.settle(tree.middle));
  CHECK(tree.middle.repairs == std::vector<FetchState>{FetchState::kOutOfRange});
  CHECK(tree.middle.content(tree.id) == tree.root.content(tree.id));
  CHECK(tree.log_of(tree.middle).compaction().tombstone_horizon == Offset(25));
}

}  // namespace
}  // namespace xylem::pipe
