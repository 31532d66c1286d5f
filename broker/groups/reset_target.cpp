#include "broker/groups/reset_target.h"

#include "common/config/point_in_time.h"

#include <algorithm>
#include <optional>
#include <string>

namespace xylem::broker {
namespace {

using Offsets = std::vector<std::pair<TopicPartition, Offset>>;

// nullopt: an end. Else milliseconds since 1970.
Result<std::optional<std::int64_t>> moment_of(const std::string& to, std::int64_t now_ms) {
  if (to == "earliest" || to == "latest") return std::nullopt;
  auto moment = parse_point_in_time(to, now_ms);
  if (!moment)
    return fail(Errc::kInvalidRequest, "\"to\": \"" + to + "\" is no place to go to",
                "earliest, latest, or a moment as 2026-11-22T10:00:00Z, 90m (so long ago), or "
                "milliseconds since 1970; offsets are named by \"offsets\"");
  return *moment;
}

Result<Offset> place_in(const Partition& partition,
                        const std::string& to,
                        const std::optional<std::int64_t>& moment_ms) {
  if (to == "earliest") return partition.log()->start_offset();
  if (!partition.knows_committed())
    return fail(Errc::kUnavailable,
                "how far \"" + partition.topic() + "\" is committed is not known yet", "retry");
  if (!moment_ms) return partition.high_watermark();
  auto found = partition.log()->offset_for_time(*moment_ms);
  if (!found) return found;
  return std::min(*found, partition.high_watermark());
}

}  // namespace

Result<Offsets> offsets_at(const ResetTarget& target,
                           const TopicDefinition& topic,
                           const std::function<const Partition*(std::int32_t partition)>& here,
                           std::int64_t now_ms) {
  auto moment_ms = moment_of(target.to, now_ms);
  if (!moment_ms) return pass(moment_ms);
  const auto only = target.partition;
  if (only && only->value() >= topic.partitions)
    return fail(Errc::kUnknownTopicOrPartition,
                "no partition " + std::to_string(only->value()) + " of \"" + topic.name + "\"");
  Offsets offsets;
  for (std::int32_t p = 0; p < topic.partitions; ++p) {
    if (only && only->value() != p) continue;
    const auto* partition = here(p);
    if (partition == nullptr)
      return fail(Errc::kInvalidRequest,
                  "partition " + std::to_string(p) + " of \"" + topic.name +
                      "\" is led by another broker, and only that one knows where it ends",
                  "use xylem groups reset, which asks them all, or name the offsets");
    auto place = place_in(*partition, target.to, *moment_ms);
    if (!place) return pass(place);
    offsets.emplace_back(TopicPartition{topic.name, PartitionId(p)}, *place);
  }
  return offsets;
}

}  // namespace xylem::broker
