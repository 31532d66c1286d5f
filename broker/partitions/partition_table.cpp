#include "broker/partitions/partition_table.h"

#include <algorithm>
#include <utility>

namespace xylem::broker {
namespace {

// Compacted, and read as a whole: what is in the active segment is not compacted yet.
constexpr std::size_t kInternalSegmentBytesMax = 16ULL * 1024 * 1024;

}  // namespace

PartitionTable::PartitionTable(const Context& context, const Options& options)
    : context_(context), options_(options), retention_timer_(context.loop) {
  retention_timer_.start(options_.retention_check_ms, options_.retention_check_ms,
                         [this] { retain(); });
}

PartitionTable::~PartitionTable() {
  for (auto& [id, entry] : entries_) entry.partition->log()->set_listener(nullptr);
}

storage::LogOptions PartitionTable::options_of(const TopicDefinition& topic, bool is_pulled) const {
  return {.flush = is_pulled ? options_.pulled_flush : topic.flush,
          .flush_interval_ms = options_.flush_interval_ms,
          .segment_bytes_max = topic.is_internal()
                                   ? std::min(options_.segment_bytes_max, kInternalSegmentBytesMax)
                                   : options_.segment_bytes_max,
          .cleanup = topic.cleanup,
          .retention_bytes = topic.retention_bytes,
          .retention_ms = topic.retention_ms,
          .tombstone_retention_ms = topic.tombstone_retention_ms};
}

Result<Partition*> PartitionTable::open(const TopicDefinition& topic,
                                        PartitionId partition,
                                        Epoch leadership) {
  return open(topic, partition, leadership, nullptr);
}

Result<Partition*> PartitionTable::open(const TopicDefinition& topic,
                                        PartitionId partition,
                                        Replication& replication) {
  const storage::LogName name{topic.name, {topic.incarnation, partition}};
  if (auto carried = context_.storage.carry_over(name); !carried)
    return pass(carried, "carry over " + topic.name + "/" + std::to_string(partition.value()));
  return open(topic, partition, kNoEpoch, &replication);
}

Result<Partition*> PartitionTable::open(const TopicDefinition& topic,
                                        PartitionId partition,
                                        Epoch leadership,
                                        Replication* replication) {
  const LogId id{topic.incarnation, partition};
  if (auto* known = find(id)) return known;
  const bool is_pulled = leadership == kNoEpoch && replication == nullptr;
  auto log = context_.storage.open({topic.name, id}, options_of(topic, is_pulled));
  if (!log) return pass(log, "open " + topic.name + "/" + std::to_string(partition.value()));
  (*log)->set_options(options_of(topic, is_pulled));  // it may have been open before
  auto made = std::make_unique<Partition>(topic.name, *log, context_.clock, replication);
  auto* opened = made.get();
  if (leadership != kNoEpoch) opened->lead(leadership);
  cut_lost_tail(*opened);
  entries_.emplace(id, Entry{std::move(made), opened->high_watermark(), (*log)->start_offset()});
  (*log)->set_listener([this, id] { on_log_progress(id); });
  for (const auto& hook : opened_) hook(*opened);
  for (const auto& observer : observers_) observer(*opened);
  return opened;
}

void PartitionTable::apply(const TopicDefinition& topic, PartitionId partition) {
  if (auto* known = find({topic.incarnation, partition})) {
    const bool is_pulled = !known->is_leader() && !known->is_replicated();
    known->log()->set_options(options_of(topic, is_pulled));
  }
}

void PartitionTable::forget(const LogId& id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  found->second.partition->log()->set_listener(nullptr);
  const auto gone = std::move(found->second.partition);
  entries_.erase(found);
  for (const auto& hook : removed_) hook(id);
  for (const auto& observer : observers_) observer(*gone);
}

Status PartitionTable::remove(const LogId& id) {
  if (find(id) == nullptr) return {};
  forget(id);
  return context_.storage.remove(id);
}

Partition* PartitionTable::find(const LogId& id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : found->second.partition.get();
}

std::vector<Partition*> PartitionTable::all() const {
  std::vector<Partition*> partitions;
  partitions.reserve(entries_.size());
  for (const auto& [id, entry] : entries_) partitions.push_back(entry.partition.get());
  return partitions;
}

void PartitionTable::on_log_progress(const LogId& id) {
  auto* partition = find(id);
  if (partition == nullptr) return;
  if (cut_lost_tail(*partition)) {
    for (const auto& hook : cut_back_) hook(*partition);
  }
  partition->on_log_progress();  // what it settles may open and remove partitions
  if (find(id) == partition) announce(*partition);
}

bool PartitionTable::cut_lost_tail(Partition& partition) const {
  return report_cut(partition, partition.cut_lost_tail());
}

void PartitionTable::give_up_lost(Partition& partition) {
  if (!report_cut(partition, partition.give_up_lost())) return;
  for (const auto& hook : cut_back_) hook(partition);
  announce(partition);
}

bool PartitionTable::report_cut(const Partition& partition, const Result<bool>& done) const {
  if (!done) {
    context_.logger.error("partition.damaged", {{"topic", partition.topic()},
                                                {"partition", partition.id().partition.value()},
                                                {"error", done.error().what()}});
  } else if (*done) {
    context_.logger.warn("partition.pulled_again",
                         {{"topic", partition.topic()},
                          {"partition", partition.id().partition.value()},
                          {"from", partition.log()->end_offset().value()}});
  }
  return done && *done;
}

void PartitionTable::announce(Partition& partition) {
  auto& entry = entries_.at(partition.id());
  const auto end = partition.high_watermark();
  const auto start = partition.log()->start_offset();
  const auto brought_in = partition.log()->brought_in();
  if (end == entry.announced_end && start == entry.announced_start &&
      brought_in == entry.announced_brought_in)
    return;
  entry.announced_end = end;
  entry.announced_start = start;
  entry.announced_brought_in = brought_in;
  for (const auto& observer : observers_) observer(partition);
}

void PartitionTable::retain() {
  for (auto* partition : all()) {
    if (partition->is_replicated()) partition->log()->set_final_below(partition->high_watermark());
    auto done = partition->log()->retain();
    if (!done) {
      context_.logger.warn("retention.failed",
                           {{"topic", partition->topic()}, {"error", done.error().what()}});
    }
    if (!partition->is_leader()) partition->on_log_progress();  // what held it may be gone
    announce(*partition);
  }
}

}  // namespace xylem::broker
