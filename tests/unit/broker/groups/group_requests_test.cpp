// What clients are told about the groups: by a broker that keeps its own, and by one whose groups
// have coordinators.
#include "tests/support/asking_client.h"
#include "tests/support/broker_world.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::testing {
namespace {

using broker::CommittedOffset;
using broker::GroupPartition;
using network::Frame;
using network::FrameType;

// Another broker coordinates all of them.
class Elsewhere final : public broker::GroupOffsets {
 public:
  [[nodiscard]] bool is_coordinated() const override { return true; }

  [[nodiscard]] std::string coordinator(const std::string& /*group*/) const override {
    return "root-3:9092";
  }

  [[nodiscard]] std::vector<std::string> coordinators() const override { return {"root-3:9092"}; }

  [[nodiscard]] Status keeps(const std::string& group) const override {
    return fail(Errc::kNotLeader, "elsewhere", coordinator(group));
  }

  void commit(const GroupPartition& where,
              const CommittedOffset& /*offset*/,
              std::function<void(Status)> done) override {
    done(keeps(where.group));
  }

  void reset(const broker::CommittedOffsets& offsets, std::function<void(Status)> done) override {
    done(keeps(offsets.begin()->first.group));
  }

  void forget(const std::vector<GroupPartition>& gone, std::function<void(Status)> done) override {
    done(keeps(gone.front().group));
  }

  [[nodiscard]] std::optional<CommittedOffset> find(const GroupPartition&) const override {
    return std::nullopt;
  }

  [[nodiscard]] broker::CommittedOffsets of(const std::string& /*group*/) const override {
    return {};
  }

  [[nodiscard]] std::vector<std::pair<GroupPartition, CommittedOffset>> all() const override {
    return {};
  }
};

struct Asking {
  explicit Asking(broker::GroupOffsets* groups = nullptr)
      : world(Epoch(3), {}, false, nullptr, groups), topic(world.create("t", 2)), client(world) {}

  Result<network::MetadataAnswer> metadata(const network::MetadataRequest& request) {
    return network::answer_as<network::MetadataAnswer>(FrameType::kMetadata,
                                                       client.ask(FrameType::kMetadata, request));
  }

  Result<Frame> commit(std::int64_t next) {
    return client.ask(FrameType::kCommitOffset,
                      network::CommitOffset{.group = "g",
                                            .member = "m",
                                            .topic = "t",
                                            .partition = PartitionId(1),
                                            .incarnation = topic.incarnation,
                                            .next_offset = Offset(next)});
  }

  BrokerWorld world;
  broker::TopicDefinition topic;
  AskingClient client;
};

TEST_CASE("group requests: a broker that keeps its own says what is committed") {
  Asking asking;
  CHECK_FALSE(asking.client.hello().has_coordinators);
  REQUIRE(asking.commit(0));
  const auto told = asking.metadata({.topics = {"t", "none"}, .group = "g", .with_offsets = true});
  REQUIRE(told);
  CHECK(told->coordinator_address.empty());
  CHECK(told->unknown == std::vector<std::string>{"none"});
  REQUIRE(told->topics.size() == 1);
  CHECK_FALSE(told->topics[0].partitions[0].committed);
  CHECK(told->topics[0].partitions[1].committed == Offset(0));
  const auto other = asking.metadata({.topics = {"t"}, .group = "h", .with_offsets = true});
  REQUIRE(other);
  CHECK_FALSE(other->topics[0].partitions[1].committed);
}

TEST_CASE("group requests: an offset of an earlier incarnation is none") {
  Asking asking;
  const Incarnation earlier{Uuid::from_words(1, 2), 0};
  bool is_kept = false;
  asking.world.offsets->commit({"g", "t", PartitionId(1)}, {Offset(0), earlier},
                               [&](const Status& done) { is_kept = done.has_value(); });
  REQUIRE(run_until(asking.world.loop, [&] { return is_kept; }));
  const auto told = asking.metadata({.topics = {"t"}, .group = "g", .with_offsets = true});
  REQUIRE(told);
  CHECK_FALSE(told->topics[0].partitions[1].committed);
}

TEST_CASE("group requests: who does not coordinate names who does") {
  Elsewhere groups;
  Asking asking(&groups);
  CHECK(asking.client.hello().has_coordinators);
  const auto told = asking.metadata({.group = "g"});
  REQUIRE(told);
  CHECK(told->coordinator_address == "root-3:9092");
  CHECK(told->topics.empty());
  const auto offsets = asking.metadata({.topics = {"t"}, .group = "g", .with_offsets = true});
  REQUIRE_FALSE(offsets);
  CHECK(offsets.error().code() == Errc::kNotLeader);
  CHECK(offsets.error().hint() == "root-3:9092");
  const auto committed = asking.commit(0);
  REQUIRE_FALSE(committed);
  CHECK(committed.error().code() == Errc::kNotLeader);
  CHECK(committed.error().hint() == "root-3:9092");
}

TEST_CASE("group requests: nobody begins by the reset policy where it is not known better") {
  Elsewhere groups;
  Asking asking(&groups);
  network::Subscribe subscribe{.topic = "t", .group = "g", .member = "m"};
  subscribe.every = network::SubscribePartition();
  const auto refused = asking.client.ask(FrameType::kSubscribe, subscribe);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kNotLeader);
  CHECK(refused.error().hint() == "root-3:9092");
  subscribe.every->start = network::StartAt::kEarliest;
  CHECK(asking.client.ask(FrameType::kSubscribe, subscribe));
}

}  // namespace
}  // namespace xylem::testing
