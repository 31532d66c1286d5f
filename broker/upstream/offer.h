// The parent's end of the pipe: what this broker's partitions look like to its children.
//
// Threads: the loop's.
#pragma once

#include "broker/partitions/partition_table.h"
#include "pipe/pipe_server.h"

#include <cstdint>
#include <functional>
#include <optional>

namespace xylem::broker {

class Offer final : public pipe::PipeSource {
 public:
  struct Identity {
    NodeId node;
    std::function<ClusterId()> cluster;
    std::function<std::uint64_t()> topology_version;
    // What no child is given: this broker's own topics.
    std::function<bool(const LogId&)> keeps = [](const LogId&) { return false; };
  };

  Offer(PartitionTable& partitions, Identity identity);

  [[nodiscard]] std::optional<pipe::SourcePartition> find(const LogId& log) const override;

  [[nodiscard]] NodeId node() const override { return identity_.node; }

  [[nodiscard]] ClusterId cluster() const override { return identity_.cluster(); }

  [[nodiscard]] std::uint64_t topology_version() const override {
    return identity_.topology_version();
  }

  // A root tier of one has no replicas, and none to hear of.
  [[nodiscard]] bool is_replica(const NodeId& /*node*/, std::int32_t /*replica*/) const override {
    return false;
  }

  void on_replica(std::int32_t /*replica*/, const pipe::FetchPartition& /*at*/) override {}

 private:
  PartitionTable& partitions_;
  Identity identity_;
};

}  // namespace xylem::broker
