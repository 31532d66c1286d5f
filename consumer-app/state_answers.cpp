// The answers about the daemon itself.
#include "consumer-app/answers.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace xylem::consumer_app {
namespace {

using Json = nlohmann::ordered_json;

// Text from outside (an error's words) may be no UTF-8; dump() must not fail over it.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json refresh_json(const CopyState& current, const std::optional<CopyState>& shadow) {
  if (shadow)
    return {
        {"state", "REPLAYING"}, {"refreshId", shadow->refresh_id}, {"records", shadow->records}};
  return {{"state", current.whole ? "SERVING" : "FILLING"},
          {"refreshId", current.refresh_id},
          {"records", 0}};
}

}  // namespace

std::string stats_json(const std::vector<std::string>& topics,
                       const Copies& copies,
                       const LogSize& size,
                       const Activity& activity) {
  std::int64_t keys = 0;
  std::int64_t records = 0;
  Json cursor = Json::object();
  Json by_topic = Json::object();
  for (const auto& topic : topics) {
    Json& offsets = cursor[topic] = Json::object();
    const auto found = copies.find(topic);
    const TopicCopies both = found == copies.end() ? TopicCopies() : found->second;
    const CopyState current = both.current.value_or(CopyState());
    for (const auto& [partition, next] : current.cursors)
      offsets[std::to_string(partition.value())] = next.value();
    keys += current.keys;
    records += current.records;
    const auto lag = activity.lag.find(topic);
    const auto told = activity.gaps.find(topic);
    const Gaps gaps = told == activity.gaps.end() ? Gaps() : told->second;
    by_topic[topic] = {{"keys", current.keys},
                       {"records", current.records},
                       {"topicId", current.incarnation.topic.text()},
                       {"generation", current.incarnation.generation},
                       {"whole", current.whole},
                       {"lag", lag == activity.lag.end() ? 0 : lag->second},
                       {"gaps", gaps.count},
                       {"gapRecords", gaps.records},
                       {"refresh", refresh_json(current, both.shadow)}};
  }
  const double seconds = static_cast<double>(activity.uptime_ms) / 1'000;
  return dump({{"keys", keys},
               {"records", records},
               {"cursor", cursor},
               {"segments", size.segments},
               {"bytes", size.bytes},
               {"connected", activity.connected},
               {"uptimeSeconds", seconds},
               {"appliedRecords", activity.records_applied},
               {"appliedPerSecond",
                seconds > 0 ? static_cast<double>(activity.records_applied) / seconds : 0},
               {"changeStreams", activity.change_streams},
               {"snapshots", activity.snapshots},
               {"topics", by_topic}});
}

std::string segments_json(const std::vector<StoredSegment>& segments) {
  Json all = Json::array();
  for (const auto& [log, info] : segments) {
    all.push_back({{"topic", log.topic},
                   {"topicId", log.id.incarnation.topic.text()},
                   {"generation", log.id.incarnation.generation},
                   {"partition", log.id.partition.value()},
                   {"baseOffset", info.base_offset.value()},
                   {"endOffset", info.end_offset.value()},
                   {"bytes", info.bytes},
                   {"sealed", info.sealed},
                   {"path", info.path}});
  }
  return dump({{"segments", all}});
}

std::string_view Health::status() const {
  if (!failure.empty()) return "UNHEALTHY";
  return connected && is_ready() ? "HEALTHY" : "DEGRADED";
}

bool Health::is_ready() const {
  return std::ranges::all_of(topics, [](const auto& topic) { return topic.whole; });
}

std::string health_json(const Health& health) {
  Json topics = Json::object();
  for (const auto& topic : health.topics) {
    topics[topic.topic] = {{"whole", topic.whole},
                           {"rebuilding", topic.rebuilding},
                           {"lag", topic.lag},
                           {"failure", topic.failure}};
  }
  return dump({{"status", health.status()},
               {"connected", health.connected},
               {"ready", health.is_ready()},
               {"failure", health.failure},
               {"lastError", health.last_error},
               {"topics", topics}});
}

}  // namespace xylem::consumer_app
