#include "broker/refresh/refresh_record.h"

#include "broker/json/json_text.h"
#include "broker/topics/topic_definition.h"

#include <nlohmann/json.hpp>

#include <utility>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;

// Everything of the record but its id; throws what nlohmann throws.
RefreshRecord read(const Json& json) {
  RefreshRecord record;
  auto& definition = record.definition;
  definition.topic = json.at("topic").get<std::string>();
  const auto topic = Uuid::parse(json.at("topicId").get<std::string>());
  definition.incarnation = {topic.value_or(Uuid()), json.at("generation").get<std::uint32_t>()};
  definition.reason = json.at("reason").get<std::string>();
  definition.started_by = json.at("startedBy").get<std::string>();
  definition.started_at_ms = json.at("startedAt").get<std::int64_t>();
  definition.is_rebuild = json.at("rebuild").get<bool>();
  const auto state = refresh_state_of(json.at("state").get<std::string>());
  record.status.state = state.value_or(RefreshState::kAborted);
  if (!json.at("endedAt").is_null())
    record.status.ended_at_ms = json.at("endedAt").get<std::int64_t>();
  const auto& barrier = json.at("barrier");
  for (std::size_t p = 0; p < barrier.size() && p < kPartitionsMax; ++p)
    record.status.barrier.emplace_back(barrier.at(p).get<std::int64_t>());
  for (const auto& [name, count] : json.at("owed").items()) {
    if (record.owed.size() < RefreshRun::kOwedMax) record.owed[name] = count.get<std::size_t>();
  }
  record.status.failure = json.at("failure").get<std::string>();
  record.has_stalled = json.value("stalled", false);
  return record;
}

}  // namespace

Buffer encode_refresh(const RefreshRecord& record) {
  const auto& definition = record.definition;
  auto barrier = Json::array();
  for (const auto offset : record.status.barrier) barrier.push_back(offset.value());
  auto owed = Json::object();
  for (const auto& [name, count] : record.owed) owed[name] = count;
  Json ended;
  if (record.status.ended_at_ms) ended = *record.status.ended_at_ms;
  Json json = {{"topic", definition.topic},
               {"topicId", definition.incarnation.topic.text()},
               {"generation", definition.incarnation.generation},
               {"state", to_string(record.status.state)},
               {"reason", definition.reason},
               {"startedBy", definition.started_by},
               {"startedAt", definition.started_at_ms},
               {"endedAt", std::move(ended)},
               {"rebuild", definition.is_rebuild},
               {"barrier", std::move(barrier)},
               {"owed", std::move(owed)},
               {"failure", record.status.failure}};
  if (record.has_stalled) json["stalled"] = true;
  const auto text = json_text(json);
  const auto bytes = bytes_of(text);
  return {bytes.begin(), bytes.end()};
}

Result<RefreshRecord> decode_refresh(std::string_view key, Bytes value) {
  const auto id = refresh_id_of(key);
  const auto json = parse_json_object(text_of(value), "a refresh");
  if (!id || !json) return fail(Errc::kCorrupt, "a refresh in state.db is malformed");
  try {
    auto record = read(*json);
    record.definition.id = *id;
    return record;
  } catch (const Json::exception& why) {
    return fail(Errc::kCorrupt, "a refresh in state.db is malformed: " + std::string(why.what()));
  }
}

}  // namespace xylem::broker
