#include "registry/node_report.h"

#include "network/transport/transport.h"
#include "registry/json_fields.h"

#include <array>
#include <utility>

namespace xylem::registry {
namespace {

constexpr std::array<std::string_view, 3> kHealthNames{"HEALTHY", "DEGRADED", "UNHEALTHY"};
constexpr std::size_t kTextMax = 256;         // characters
constexpr std::size_t kErrorTextMax = 1'024;  // bytes kept of `lastError`
constexpr std::string_view kPipeScheme = "http://";

Status check_address(std::string_view text, std::string_view scheme) {
  if (text.empty()) return {};
  if (!text.starts_with(scheme))
    return fail(Errc::kInvalidRequest, "must start with " + std::string(scheme));
  auto address = network::Address::parse(text.substr(scheme.size()));
  if (!address) return pass(address);
  return {};
}

// Cuts at the start of a UTF-8 character.
std::string cut(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  auto end = bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  return text;
}

ClusterId read_uuid(JsonFields& fields, const char* name) {
  const auto text = fields.text(name, kTextMax);
  if (text.empty()) return {};
  auto id = Uuid::parse(text);
  if (!id) return fields.refuse(name, id.error().what()), ClusterId();
  return *id;
}

NodeAddresses read_addresses(JsonFields& report) {
  auto fields = report.object("addresses");
  NodeAddresses addresses{.tcp = fields.text("tcp", kTextMax),
                          .http = fields.text("http", kTextMax),
                          .pipe = fields.text("pipe", kTextMax)};
  const auto check = [&](const char* name, std::string_view text, std::string_view scheme) {
    if (auto good = check_address(text, scheme); !good) fields.refuse(name, good.error().what());
  };
  check("tcp", addresses.tcp, "");
  check("http", addresses.http, "");
  check("pipe", addresses.pipe, kPipeScheme);
  return addresses;
}

TopicReport read_topic(JsonFields fields) {
  TopicReport topic;
  topic.name = fields.text("name", kTopicNameMax);
  if (auto good = check_topic_name(topic.name); !good) fields.refuse("name", good.error().what());
  topic.incarnation.topic = read_uuid(fields, "topicId");
  topic.incarnation.generation =
      static_cast<std::uint32_t>(fields.number("generation", 0, 0, UINT32_MAX));
  topic.partition =
      PartitionId(static_cast<std::int32_t>(fields.number("partition", 0, 0, INT32_MAX)));
  topic.start = Offset(fields.number("start", 0, 0, INT64_MAX));
  topic.end = Offset(fields.number("end", 0, 0, INT64_MAX));
  topic.high_watermark = Offset(fields.number("highWatermark", 0, 0, INT64_MAX));
  topic.age_ms = fields.number("ageMs", kUnknownAge, kUnknownAge, INT64_MAX);
  return topic;
}

RefreshProgress read_refresh(JsonFields fields) {
  RefreshProgress refresh;
  if (auto id = refresh_id_of(fields.text("id", kTextMax)); id) {
    refresh.id = *id;
  } else {
    fields.refuse("id", id.error().what());
  }
  const auto phase = refresh_phase_of(fields.text("state", kTextMax));
  if (!phase)
    fields.refuse("state", "must be RESET_SENT, REPLAYING, READY_SENT, COMPLETED or ABORTED");
  refresh.phase = phase.value_or(RefreshPhase::kResetSent);
  auto consumers = fields.object("consumers");
  refresh.consumers = consumers.number("total", 0, 0, INT32_MAX);
  refresh.consumers_reset = consumers.number("reset", 0, 0, INT32_MAX);
  refresh.consumers_ready = consumers.number("ready", 0, 0, INT32_MAX);
  refresh.replayed = fields.number("replayed", 0, 0, INT64_MAX);
  refresh.to_replay = fields.number("toReplay", 0, 0, INT64_MAX);
  refresh.failure = cut(fields.text("failure", SIZE_MAX), kRefreshFailureMax);
  return refresh;
}

Health read_health(JsonFields& fields) {
  const auto name = fields.text("health", kTextMax);
  for (std::size_t i = 0; i < kHealthNames.size(); ++i)
    if (kHealthNames.at(i) == name) return static_cast<Health>(i);
  fields.refuse("health", "must be HEALTHY, DEGRADED or UNHEALTHY");
  return Health::kUnhealthy;
}

std::optional<Role> read_role_wish(JsonFields& fields) {
  const auto name = fields.text("roleWish", kTextMax);
  const auto role = role_of_name(name);
  if (!role && !name.empty()) fields.refuse("roleWish", "must be ROOT, L2, L3, POS, LOCAL or null");
  return role;
}

}  // namespace

std::string_view to_string(Health health) noexcept {
  return kHealthNames.at(static_cast<std::size_t>(health));
}

Result<NodeReport> decode_node_report(Bytes json) {
  auto document = JsonDocument::parse(json);
  if (!document) return pass(document, "node report");
  auto fields = document->fields();
  NodeReport report;
  if (auto location = Location::parse(fields.text("location", kTextMax)); location) {
    report.location = *std::move(location);
  } else {
    fields.refuse("location", location.error().what());
  }
  report.role_wish = read_role_wish(fields);
  report.cluster = read_uuid(fields, "clusterId");
  report.version = fields.text("version", kTextMax);
  report.instance = fields.text("instance", kTextMax);
  if (report.instance.empty()) fields.refuse("instance", "must be a text that is not empty");
  report.addresses = read_addresses(fields);
  report.topology_version = fields.number("topologyVersion", 0, 0, kTopologyVersionMax);
  report.health = read_health(fields);
  report.parent = fields.text("parent", kNodeIdMax);
  if (!report.parent.empty()) {
    if (auto good = check_node_id(report.parent); !good)
      fields.refuse("parent", good.error().what());
  }
  report.age_ms = fields.number("ageMs", kUnknownAge, kUnknownAge, INT64_MAX);
  report.last_error = cut(fields.text("lastError", SIZE_MAX), kErrorTextMax);
  fields.each("topics", kReportTopicsMax,
              [&](JsonFields topic) { report.topics.push_back(read_topic(std::move(topic))); });
  report.memory_bytes = fields.number("memoryBytes", 0, 0, INT64_MAX);
  report.uptime_ms = fields.number("uptimeMs", 0, 0, INT64_MAX);
  fields.each("refreshes", kReportRefreshesMax, [&](JsonFields refresh) {
    report.refreshes.push_back(read_refresh(std::move(refresh)));
  });
  if (auto good = document->status(); !good) return pass(good, "node report");
  return report;
}

}  // namespace xylem::registry
