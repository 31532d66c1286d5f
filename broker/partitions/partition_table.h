// Every partition this broker has, and the one place that says "something moved".
//
// Where a log is damaged that this broker does not own, all up to the damage is served, and what
// was lost is pulled again: everybody below serves a prefix without a gap.
//
// Owns: the partitions and their logs' listeners. Threads: the loop's.
#pragma once

#include "broker/partitions/partition.h"
#include "broker/topics/topic_definition.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/logger.h"
#include "common/result.h"
#include "common/timer.h"
#include "storage/storage_engine.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

namespace xylem::broker {

class PartitionTable {
 public:
  using Observer = std::function<void(Partition&)>;

  struct Options {
    std::size_t segment_bytes_max = 64ULL * 1024 * 1024;
    std::int64_t flush_interval_ms = 50;
    std::uint64_t retention_check_ms = 10'000;
    // What this broker does with partitions it does not own: the parent still has them.
    storage::Flush pulled_flush = storage::Flush::kInterval;
  };

  struct Context {
    Loop& loop;
    const Clock& clock;
    Logger& logger;
    storage::StorageEngine& storage;
  };

  PartitionTable(const Context& context, const Options& options);
  ~PartitionTable();
  PartitionTable(const PartitionTable&) = delete;
  PartitionTable& operator=(const PartitionTable&) = delete;

  // Opens the partition's log. `leadership`: the epoch this broker leads it in; kNoEpoch: pulled.
  Result<Partition*> open(const TopicDefinition& topic, PartitionId partition, Epoch leadership);

  // As one of several replicas; `replication` outlives the table. What there is of an earlier
  // generation is carried over; that one was forgotten.
  Result<Partition*> open(const TopicDefinition& topic,
                          PartitionId partition,
                          Replication& replication);

  // New policies for a partition that is open.
  void apply(const TopicDefinition& topic, PartitionId partition);

  // Its log stays in the storage.
  void forget(const LogId& id);

  // Forgets the partition and retires its files.
  Status remove(const LogId& id);

  // Null: not here.
  [[nodiscard]] Partition* find(const LogId& id) const;
  [[nodiscard]] std::vector<Partition*> all() const;

  // Called on the loop after a partition's high watermark or log start moved. Observers live as
  // long as the table; they must not open or remove partitions inside the call.
  void observe(Observer observer) { observers_.push_back(std::move(observer)); }

  // A partition was opened, or is about to go away.
  void on_opened(std::function<void(const Partition&)> hook) { opened_.push_back(std::move(hook)); }

  void on_removed(std::function<void(const LogId&)> hook) { removed_.push_back(std::move(hook)); }

  // A damaged copy was cut back after it was opened: what is gone must be pulled again.
  void on_cut_back(std::function<void(const Partition&)> hook) {
    cut_back_.push_back(std::move(hook));
  }

  // Cuts a damaged copy back to the damage: the parent cannot fill it.
  void give_up_lost(Partition& partition);

  // Tells the observers when high watermark, log start or what was brought in differ from what they
  // were told last.
  void announce(Partition& partition);

 private:
  struct Entry {
    std::unique_ptr<Partition> partition;
    Offset announced_end;
    Offset announced_start;
    std::uint64_t announced_brought_in = 0;
  };

  Result<Partition*> open(const TopicDefinition& topic,
                          PartitionId partition,
                          Epoch leadership,
                          Replication* replication);
  [[nodiscard]] storage::LogOptions options_of(const TopicDefinition& topic, bool is_pulled) const;
  void on_log_progress(const LogId& id);
  bool cut_lost_tail(Partition& partition) const;
  bool report_cut(const Partition& partition, const Result<bool>& cut) const;
  void retain();

  Context context_;
  Options options_;
  std::unordered_map<LogId, Entry> entries_;
  std::vector<Observer> observers_;
  std::vector<std::function<void(const Partition&)>> opened_;
  std::vector<std::function<void(const LogId&)>> removed_;
  std::vector<std::function<void(const Partition&)>> cut_back_;
  Timer retention_timer_;
};

}  // namespace xylem::broker
