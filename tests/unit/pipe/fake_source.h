// A parent's partitions for tests, without a broker.
#pragma once

#include "pipe/source.h"
#include "tests/support/fake_log.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace xylem::pipe {

class FakeSource final : public PipeSource {
 public:
  struct Partition {
    std::shared_ptr<testing::FakeLog> log;
    SourcePartition says;
  };

  static LogId id(std::uint64_t topic) { return {{Uuid::from_words(0, topic), 0}, PartitionId(0)}; }

  // A partition with `batches` committed records.
  void open(std::uint64_t topic, int batches = 0) {
    auto& partition = partitions[id(topic)];
    partition.log = std::make_shared<testing::FakeLog>(id(topic));
    partition.says.log = partition.log;
    for (int i = 0; i < batches; ++i) publish(topic);
  }

  void publish(std::uint64_t topic) {
    auto& partition = partitions.at(id(topic));
    XYLEM_CHECK(partition.log->append(testing::batch_of("value"), Epoch(0)).has_value());
    partition.says.high_watermark = partition.log->end_offset();
  }

  // What a child asks whose copy ends at `cursor`.
  [[nodiscard]] FetchPartition at(std::uint64_t topic, std::int64_t cursor) const {
    FetchPartition asked;
    asked.log = id(topic);
    asked.cursor = Offset(cursor);
    const auto found = partitions.find(asked.log);
    if (found == partitions.end()) return asked;
    if (const auto last = *found->second.log->last_batch_below(asked.cursor)) {
      asked.last_epoch = last->epoch;
      asked.last_crc = last->crc;
    }
    return asked;
  }

  [[nodiscard]] std::optional<SourcePartition> find(const LogId& log) const override {
    const auto found = partitions.find(log);
    if (found == partitions.end()) return std::nullopt;
    return found->second.says;
  }

  [[nodiscard]] NodeId node() const override { return "l3-0"; }

  [[nodiscard]] ClusterId cluster() const override { return cluster_id; }

  [[nodiscard]] std::uint64_t topology_version() const override { return 4; }

  [[nodiscard]] bool is_replica(const NodeId& node, std::int32_t replica) const override {
    return node == "root-2" && replica == 2;
  }

  void on_replica(std::int32_t replica, const FetchPartition& at) override {
    replicas.emplace_back(replica, at);
  }

  std::map<LogId, Partition> partitions;
  ClusterId cluster_id = Uuid::from_words(1, 1);
  std::vector<std::pair<std::int32_t, FetchPartition>> replicas;
};

}  // namespace xylem::pipe
