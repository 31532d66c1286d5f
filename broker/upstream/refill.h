// Pulls what damage took out of this broker's logs, exactly that, and puts it back in its place.
//
// It asks the parents over a pipe session of its own, which lives as long as something is missing:
// the cursor is where the missing range begins, and its end bounds the answer. Batches beyond the
// end prove that the parent has nothing else in between. A parent that cannot help (its history
// differs, or begins later) leaves what was done before: the log is cut back to the damage, and the
// main session pulls on from there. One that does not know, or is itself behind, is asked again.
//
// Threads: the loop's.
#pragma once

#include "broker/partitions/partition_table.h"
#include "common/logger.h"
#include "common/metrics.h"
#include "common/timer.h"
#include "pipe/routed_client.h"
#include "storage/partition_log.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

namespace xylem::broker {

class Refill final : private pipe::PipeTarget {
 public:
  struct Context {
    pipe::PipeClient::Context pipe;
    pipe::PipeConnector& connector;
    PartitionTable& partitions;
    std::function<bool(const NodeId&, const ClusterId&)> accepts;  // as PipeTarget
  };

  // `options` are the main session's.
  Refill(const Context& context, pipe::PipeClient::Options options);
  ~Refill() override;
  Refill(const Refill&) = delete;
  Refill& operator=(const Refill&) = delete;

  void set_parents(std::vector<pipe::Parent> parents);
  void set_cluster(const ClusterId& cluster);

  // Something about the partition changed: perhaps what is missing.
  void look_at(const Partition& partition);
  void remove(const LogId& log);

  // How many partitions miss something.
  [[nodiscard]] std::size_t missing() const { return wanted_.size(); }

 private:
  struct Wanted {
    bool is_blocked = false;  // a request could not list it
    bool is_filled = false;   // in part at least
    // The last batch given to the log; it may not be written yet.
    std::optional<storage::LastBatch> last;
    std::uint64_t bytes = 0;
  };

  Result<pipe::FetchPartition> position(const LogId& log) override;
  Status store(const pipe::FetchedPartition& fetched) override;
  Status repair(const pipe::FetchedPartition& fetched) override;

  void confirm(const LogId&, std::uint64_t) override {}

  bool accepts(const NodeId& parent, const ClusterId& cluster) override {
    return context_.accepts(parent, cluster);
  }

  void on_topology_version(std::uint64_t) override {}

  void want(const LogId& log);
  void give_up(Partition& partition, const std::string& why);

  Context context_;
  pipe::PipeClient::Options options_;
  Gauge& missing_gauge_;
  Counter& repaired_;
  Counter& given_up_;
  std::vector<pipe::Parent> parents_;
  std::map<LogId, Wanted> wanted_;
  std::optional<pipe::RoutedClient> client_;
  Timer done_;  // ends the session outside its own callbacks
};

}  // namespace xylem::broker
