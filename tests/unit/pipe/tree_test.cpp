// A tree on one loop with the real memory engine, under seeded faults: drops, silence, lost
// answers, changes of parent, a parent that loses its data, a copy that went astray. In the end all
// are equal.
#include "common/batch/crc32c.h"
#include "storage/disk.h"
#include "storage/memory_engine.h"
#include "tests/support/run_until.h"
#include "tests/unit/pipe/node.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace xylem::pipe {
namespace {

using Fault = MemoryConnector::Fault;
using testing::run_for;
using testing::run_until;

constexpr std::uint64_t kTopics = 3;
constexpr int kSteps = 160;

PipeClient::Options quick(std::uint64_t silence_ms) {
  PipeClient::Options options;
  options.wait_ms = 10;
  options.silence_ms = silence_ms;
  options.backoff_min_ms = 1;
  options.backoff_max_ms = 8;
  options.fail_back_ms = 20;
  options.bytes_max = 2'000;
  return options;
}

// A broker with a memory engine.
struct Broker {
  Broker(World& world, const std::string& id)
      : engine({world.loop, disk, world.clock, Logger::none(), world.metrics}), node(world, id) {
    node.make = [this](const LogId& log) {
      (void)engine.remove(log);
      auto made = engine.open({.topic = "t", .id = log}, {});
      XYLEM_CHECK(made.has_value());
      return *made;
    };
  }

  storage::PosixDisk disk;
  storage::MemoryEngine engine;
  Node node;
};

struct Tree {
  explicit Tree(std::uint64_t seed, std::uint64_t silence_ms = 50) : world(seed), dice(seed) {
    for (std::uint64_t topic = 1; topic <= kTopics; ++topic) {
      for (auto* broker : {&root, &left, &right, &leaf}) broker->node.open(log_id(topic));
    }
    for (auto* broker : {&left, &right, &leaf}) broker->node.start_client(quick(silence_ms));
    left.node.client().set_parents({root.node.as_parent()});
    right.node.client().set_parents({root.node.as_parent()});
    leaf.node.client().set_parents({left.node.as_parent(), right.node.as_parent()});
    world.connector.set_faults([this](const std::string&) {
      if (dice.below(100) >= faults_percent) return Fault::kNone;
      return static_cast<Fault>(1 + dice.below(3));
    });
  }

  // A record that the root never had, at the end of a copy.
  void lead_astray(Node& node) {
    const auto id = log_id(1 + dice.below(kTopics));
    (void)node.copy(id).log->append(testing::batch_of("astray"), Epoch(0));
    node.client().touch(id);
  }

  // A copy that is ahead of all others waits for them, for they may have to catch up: only when the
  // root has come past what went astray is it known for that.
  void outgrow_strays() {
    for (std::uint64_t topic = 1; topic <= kTopics; ++topic) {
      const auto id = log_id(topic);
      do root.node.publish(id, "last");
      while (root.node.copy(id).log->end_offset() < leaf.node.copy(id).log->end_offset());
    }
  }

  void step() {
    switch (dice.below(10)) {
      case 0:
        leaf.node.client().set_parents({right.node.as_parent(), left.node.as_parent()});
        break;
      case 1:
        leaf.node.client().set_parents({left.node.as_parent(), right.node.as_parent()});
        break;
      case 2:
        left.node.wipe();
        break;
      case 3:
        lead_astray(leaf.node);
        break;
      case 4:
        faults_percent = dice.below(60);
        break;
      default:
        for (std::uint64_t records = dice.below(20); records > 0; --records)
          root.node.publish(log_id(1 + dice.below(kTopics)), std::to_string(dice.next()));
    }
  }

  [[nodiscard]] bool all_equal() const {
    for (std::uint64_t topic = 1; topic <= kTopics; ++topic) {
      const auto id = log_id(topic);
      for (const auto* broker : {&left, &right, &leaf}) {
        if (broker->node.content(id) != root.node.content(id)) return false;
      }
    }
    return true;
  }

  // A line for each copy, to see which one stayed behind.
  [[nodiscard]] std::string copies() const {
    std::string lines;
    for (std::uint64_t topic = 1; topic <= kTopics; ++topic) {
      for (const auto* broker : {&root, &left, &right, &leaf}) {
        const auto& log = *broker->node.copies().at(log_id(topic)).log;
        lines += "topic " + std::to_string(topic) + ", " + broker->node.node() + ": " +
                 std::to_string(log.start_offset().value()) + " to " +
                 std::to_string(log.end_offset().value()) + ", CRC " +
                 std::to_string(crc32c(broker->node.content(log_id(topic)))) + "\n";
      }
    }
    return lines;
  }

  World world;
  Random dice;
  Broker root{world, "root-0"};
  Broker left{world, "l2-0"};
  Broker right{world, "l2-1"};
  Broker leaf{world, "pos-0"};
  std::uint64_t faults_percent = 20;
};

TEST_CASE("pipe tree: after any faults every copy is the root's") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    Tree tree(seed);
    for (int i = 0; i < kSteps; ++i) {
      tree.step();
      run_for(tree.world.loop, 3);
    }
    tree.faults_percent = 0;
    tree.outgrow_strays();
    const bool equal = run_until(tree.world.loop, [&] { return tree.all_equal(); });
    CHECK_MESSAGE(equal, tree.copies());
    CHECK_FALSE(tree.root.node.content(log_id(1)).empty());
  }
}

TEST_CASE("pipe tree: a steady stream passes three levels without a repair") {
  Tree tree(9, 10'000);
  tree.faults_percent = 0;
  for (int i = 0; i < 50; ++i) {
    tree.root.node.publish(log_id(1), std::to_string(i));
    run_for(tree.world.loop, 1);
  }
  REQUIRE(run_until(tree.world.loop, [&] { return tree.all_equal(); }));
  for (auto* broker : {&tree.left, &tree.right, &tree.leaf}) {
    CHECK(broker->node.repairs.empty());
    CHECK(broker->node.client().view().failovers == 0);
  }
}

}  // namespace
}  // namespace xylem::pipe
