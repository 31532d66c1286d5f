// The child's end of the pipe: stores what the parent sends into this broker's partitions.
//
// Repairs: DIVERGED cuts back; OUT_OF_RANGE starts the partition anew at the parent's log start,
// since history that retention outran is an event, never a silent skip; UNKNOWN_TOPIC_ID waits for
// `__topics` to say what became of the topic.
//
// Threads: the loop's.
#pragma once

#include "broker/catalog/topic_catalog.h"
#include "broker/partitions/partition_table.h"
#include "common/logger.h"
#include "common/metrics.h"
#include "pipe/pipe_client.h"

#include <cstdint>
#include <functional>
#include <string>

namespace xylem::broker {

class Feed final : public pipe::PipeTarget {
 public:
  struct Hooks {
    // The first contact with a cluster, when this node knows none yet.
    std::function<Status(const ClusterId&)> adopt;
    std::function<void(std::uint64_t version)> topology_seen;
    // Before the copy is cut back or begun anew below what consumers may have been given. An error:
    // not now; the parent is asked again.
    std::function<Status(const Partition&, const std::string& why)> may_rebuild;
  };

  struct Context {
    Logger& logger;
    Metrics& metrics;
    PartitionTable& partitions;
    TopicCatalog& topics;
  };

  Feed(const Context& context, const ClusterId& cluster, Hooks hooks);

  Result<pipe::FetchPartition> position(const LogId& log) override;
  Status store(const pipe::FetchedPartition& fetched) override;
  Status repair(const pipe::FetchedPartition& fetched) override;
  void confirm(const LogId& log, std::uint64_t age_ms) override;
  bool accepts(const NodeId& parent, const ClusterId& cluster) override;

  void on_topology_version(std::uint64_t version) override { hooks_.topology_seen(version); }

 private:
  Status restart(Partition& partition, Offset start);
  [[nodiscard]] Status may_rebuild(const Partition& partition, const std::string& why) const;

  Context context_;
  ClusterId cluster_;
  Hooks hooks_;
  Counter& lost_history_;
  Counter& cut_back_;
};

}  // namespace xylem::broker
