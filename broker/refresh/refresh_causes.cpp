// Refreshes that the broker begins itself: its own copy of a compacted topic is cut back or begun
// anew, so that consumers may have what is not true any more. Topics with retention get none: their
// consumers are told of the gap, where there is one.
#include "broker/refresh/refreshes.h"

#include <algorithm>

namespace xylem::broker {
namespace {

constexpr std::size_t kRemovedMax = 1'000;  // topics that are remembered
constexpr const char* kByBroker = "the broker itself";

bool is_refreshed(const TopicDefinition& topic) {
  return topic.cleanup == storage::Cleanup::kCompact && !topic.is_internal();
}

}  // namespace

Status Refreshes::may_rebuild(const Partition& partition, const std::string& why) {
  const auto log = partition.id();
  const auto* topic = context_.topics.find(log.incarnation);
  if (topic == nullptr || !is_refreshed(*topic)) return {};
  if (!is_loaded_) return fail(Errc::kUnavailable, "this broker is just starting");
  auto* entry = newest_of(topic->name);
  const bool is_gathering = entry != nullptr && !entry->run.is_open() &&
                            !is_over(entry->run.state()) && entry->run.definition().is_rebuild &&
                            entry->run.definition().incarnation == log.incarnation;
  if (is_gathering && entry->is_written) {
    entry->lost.erase(log.partition);
    return {};
  }
  if (!is_gathering) {
    begin_rebuild(*topic, why);
    entry = newest_of(topic->name);
  }
  entry->lost.insert(log.partition);
  return fail(Errc::kUnavailable, "the refresh of \"" + topic->name + "\" is being written down");
}

void Refreshes::begin_rebuild(const TopicDefinition& topic, const std::string& why) {
  begin(topic, {.id = next_id(),
                .topic = topic.name,
                .incarnation = topic.incarnation,
                .reason = why,
                .started_by = kByBroker,
                .started_at_ms = context_.clock.wall_ms(),
                .is_rebuild = true});
}

// Only a topic that comes from elsewhere is filled by and by.
void Refreshes::on_topic(const TopicDefinition& topic, bool removed) {
  if (!is_refreshed(topic) || context_.topics.is_owner()) return;
  if (removed) {
    stalled_.erase(topic.name);
    if (removed_.size() < kRemovedMax) removed_.insert(topic.name);
    return;
  }
  const bool is_here = context_.partitions.find(topic.log(0)) != nullptr;
  if (!is_here || removed_.erase(topic.name) == 0 || !is_loaded_) return;
  begin_rebuild(topic, "the topic was begun anew");
}

// A rebuilding copy that did not move, so that its refresh ended, moves again.
void Refreshes::on_moved(const Partition& partition) {
  if (stalled_.empty() || !stalled_.contains(partition.topic())) return;
  const auto* topic = context_.topics.find(partition.id().incarnation);
  if (topic != nullptr) begin_rebuild(*topic, "the copy that did not come further does again");
}

// It ended, but the broker's own copy has not all of it yet.
bool Refreshes::still_lacks(const RefreshRun& run) const {
  return run.has_stalled() && run.definition().is_rebuild &&
         stalled_.contains(run.definition().topic);
}

const Refreshes::Entry* Refreshes::rebuilding(const Incarnation& incarnation) const {
  for (auto one = all_.rbegin(); one != all_.rend(); ++one) {
    const auto& run = one->second.run;
    if (run.definition().incarnation != incarnation || !run.definition().is_rebuild) continue;
    if (!is_over(run.state()) || still_lacks(run)) return &one->second;
  }
  return nullptr;
}

Status Refreshes::may_subscribe(const TopicDefinition& topic) const {
  const auto* entry = rebuilding(topic.incarnation);
  if (entry == nullptr || entry->run.barrier()) return {};
  for (std::int32_t p = 0; p < topic.partitions; ++p) {
    const auto* partition = context_.partitions.find(topic.log(p));
    if (partition != nullptr && !partition->parent_high_watermark())
      return fail(Errc::kUnavailable,
                  "how much of \"" + topic.name + "\" there is to get is not known yet", "retry");
  }
  return {};
}

Offset Refreshes::high_watermark(const Partition& partition) const {
  const auto own = partition.high_watermark();
  const auto* entry = rebuilding(partition.id().incarnation);
  if (entry == nullptr) return own;
  const auto p = static_cast<std::size_t>(partition.id().partition.value());
  const auto& barrier = entry->run.barrier();
  if (barrier) return p < barrier->size() ? std::max(own, (*barrier)[p]) : own;
  return std::max(own, partition.parent_high_watermark().value_or(own));
}

}  // namespace xylem::broker
