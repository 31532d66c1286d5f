// Records that are delivered later: parked in `__delayed` by whoever leads the partition that a
// target's records wait in [network/client/delayed_topic.h], and promoted by it when they are due.
//
// A root alone opens that topic's partitions with the first delayed record; in a root tier of
// several the controller makes it.
//
// Threads: the loop's.
#pragma once

#include "broker/delayed/delayed_log.h"
#include "broker/delayed/target_partitions.h"
#include "common/metrics.h"
#include "network/client/delayed_topic.h"

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace xylem::broker {

class DelayedRecords {
 public:
  static constexpr std::uint64_t kTickMs = 100;

  struct Context {
    network::ClientContext client;
    Metrics& metrics;
    PartitionTable& partitions;
    TopicCatalog& topics;
  };

  struct Hooks {
    // `__delayed` as it is now.
    std::function<TopicDefinition()> home;
    // Where clients find who leads a log, "host:port"; empty: nobody does now, or this broker.
    std::function<std::string(const LogId&)> leader_address;
    // Makes its partitions where this broker is alone; elsewhere nothing.
    std::function<Status()> open;
  };

  // What waits here for one topic.
  struct Waiting {
    std::uint64_t records = 0;
    std::uint64_t bytes = 0;
    std::optional<std::int64_t> next_due_ms;
  };

  struct View {
    std::map<TopicId, Waiting> topics;
    std::vector<PartitionId> led;      // of `__delayed`
    std::vector<PartitionId> reading;  // led, and not read back yet
  };

  DelayedRecords(const Context& context, Hooks hooks);
  ~DelayedRecords();
  DelayedRecords(const DelayedRecords&) = delete;
  DelayedRecords& operator=(const DelayedRecords&) = delete;

  [[nodiscard]] TopicDefinition home() const { return hooks_.home(); }

  // Whose leader parks what is for that partition.
  [[nodiscard]] LogId home_of(const TopicDefinition& topic, PartitionId partition) const;

  // As DelayedLog::park. kNotLeader: the hint is the address of who does.
  void park(const TopicDefinition& topic,
            PartitionId partition,
            Bytes batch,
            Acks acks,
            Partition::AppendDone done);

  // Of the partitions that this broker leads.
  [[nodiscard]] View view() const;

 private:
  using Log = std::shared_ptr<DelayedLog>;  // null: another broker leads it

  void on_moved(const Partition& partition);
  void look(PartitionId partition);
  void tick();
  void count() const;

  Context context_;
  Hooks hooks_;
  TargetPartitions targets_;
  DelayedLog::Context log_context_;
  Gauge& parked_;
  std::array<Log, network::kDelayedPartitions> logs_;
  bool is_removal_due_ = false;
  Timer ticker_;
};

}  // namespace xylem::broker
