#include "registry/node_report.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace xylem::registry {
namespace {

using Json = nlohmann::json;

const Json& full_report() {
  static const Json kReport = Json::parse(R"json({
    "location": "eu/berlin/s1", "roleWish": "POS", "clusterId": "0123456789abcdef0123456789abcdef",
    "version": "0.1.0", "instance": "00112233445566aa",
    "addresses": {"tcp": "h:9092", "http": "[::1]:8081", "pipe": "http://h:7081"},
    "topologyVersion": 12, "health": "DEGRADED", "parent": "l3-0", "ageMs": 1234,
    "lastError": "parent l3-1: refused",
    "topics": [{"name": "prices", "topicId": "00000000000000000000000000000001", "generation": 2,
                "partition": 3, "start": 4, "end": 10, "highWatermark": 9, "ageMs": 5}],
    "memoryBytes": 1000, "uptimeMs": 2000,
    "refreshes": [{"id": "00000000000000ff", "topic": "prices", "state": "REPLAYING",
                   "consumers": {"total": 3, "reset": 2, "ready": 1}, "replayed": 70,
                   "toReplay": 100, "failure": "none yet"}], "somethingNewer": {"x": [1]}})json");
  return kReport;
}

Result<NodeReport> decode(const std::string& text) { return decode_node_report(bytes_of(text)); }

TEST_CASE("node report: every field is read") {
  const auto report = decode(full_report().dump());
  REQUIRE(report);
  CHECK(report->location.text() == "eu/berlin/s1");
  CHECK(report->role_wish == Role::kPos);
  CHECK(report->cluster.text() == "0123456789abcdef0123456789abcdef");
  CHECK(report->version == "0.1.0");
  CHECK(report->instance == "00112233445566aa");
  CHECK(report->addresses ==
        NodeAddresses{.tcp = "h:9092", .http = "[::1]:8081", .pipe = "http://h:7081"});
  CHECK(report->topology_version == 12);
  CHECK(report->health == Health::kDegraded);
  CHECK(report->parent == "l3-0");
  CHECK(report->age_ms == 1234);
  CHECK(report->last_error == "parent l3-1: refused");
  REQUIRE(report->topics.size() == 1);
  const auto& topic = report->topics[0];
  CHECK(topic.name == "prices");
  CHECK(topic.incarnation == Incarnation{.topic = Uuid::from_words(0, 1), .generation = 2});
  CHECK(topic.partition == PartitionId(3));
  CHECK(topic.start == Offset(4));
  CHECK(topic.end == Offset(10));
  CHECK(topic.high_watermark == Offset(9));
  CHECK(topic.age_ms == 5);
  CHECK(report->memory_bytes == 1000);
  CHECK(report->uptime_ms == 2000);
  REQUIRE(report->refreshes.size() == 1);
  CHECK(report->refreshes[0] == RefreshProgress{.id = RefreshId(255),
                                                .phase = RefreshPhase::kReplaying,
                                                .consumers = 3,
                                                .consumers_reset = 2,
                                                .consumers_ready = 1,
                                                .replayed = 70,
                                                .to_replay = 100,
                                                .failure = "none yet"});
}

TEST_CASE("node report: an instance and a health are enough") {
  const auto report =
      decode(R"({"instance":"x","health":"HEALTHY","roleWish":null,"parent":null})");
  REQUIRE(report);
  CHECK_FALSE(report->role_wish);
  CHECK(report->cluster.is_nil());
  CHECK(report->age_ms == kUnknownAge);
  CHECK(report->topics.empty());
}

TEST_CASE("node report: what is wrong is named") {
  struct Case {
    const char* pointer;
    Json value;
    const char* named;
  };

  const Case cases[] = {
      {"/instance", "", "instance"},
      {"/instance", 7, "instance: must be a text"},
      {"/health", "FINE", "health"},
      {"/health", nullptr, "health"},
      {"/location", "eu//x", "location"},
      {"/roleWish", "KING", "roleWish"},
      {"/clusterId", "12", "clusterId"},
      {"/version", std::string(257, 'v'), "version: is longer than 256"},
      {"/addresses", "h:1", "addresses: must be an object"},
      {"/addresses/tcp", "no port", "addresses.tcp"},
      {"/addresses/http", "h:99999", "addresses.http"},
      {"/addresses/pipe", "h:1", "addresses.pipe: must start with http://"},
      {"/addresses/pipe", "http://", "addresses.pipe"},
      {"/topologyVersion", -1, "topologyVersion"},
      {"/topologyVersion", kTopologyVersionMax + 1, "topologyVersion"},
      {"/topologyVersion", 1.5, "topologyVersion"},
      {"/topologyVersion", UINT64_MAX, "topologyVersion"},
      {"/parent", "not an id!", "parent"},
      {"/ageMs", -2, "ageMs"},
      {"/ageMs", "1", "ageMs: must be an integer"},
      {"/topics", Json::object(), "topics: must be an array"},
      {"/topics/0", 3, "topics[0]: must be an object"},
      {"/topics/0/name", "a/b", "topics[0].name"},
      {"/topics/0/end", -1, "topics[0].end"},
      {"/topics/0/partition", std::int64_t{INT32_MAX} + 1, "topics[0].partition"},
      {"/topics/0/topicId", "xyz", "topics[0].topicId"},
      {"/memoryBytes", -1, "memoryBytes"},
      {"/refreshes", 1, "refreshes: must be an array"},
      {"/refreshes/0/id", "00000000000000FF", "refreshes[0].id"},
      {"/refreshes/0/id", "ff", "refreshes[0].id"},
      {"/refreshes/0/state", "BUSY", "refreshes[0].state"},
      {"/refreshes/0/consumers", 3, "refreshes[0].consumers: must be an object"},
      {"/refreshes/0/consumers/ready", -1, "refreshes[0].consumers.ready"},
      {"/refreshes/0/replayed", -1, "refreshes[0].replayed"},
      {"/refreshes/0/toReplay", "x", "refreshes[0].toReplay"},
  };
  for (const auto& each : cases) {
    CAPTURE(each.pointer);
    auto json = full_report();
    json[Json::json_pointer(each.pointer)] = each.value;
    const auto report = decode(json.dump());
    REQUIRE_FALSE(report);
    CHECK(report.error().code() == Errc::kInvalidRequest);
    CAPTURE(report.error().what());
    CHECK(report.error().what().find(each.named) != std::string::npos);
  }
}

TEST_CASE("node report: no more topics than the limit") {
  auto json = full_report();
  while (json["topics"].size() <= kReportTopicsMax) json["topics"].push_back(json["topics"][0]);
  CHECK_FALSE(decode(json.dump()));
  json["topics"].erase(0);
  CHECK(decode(json.dump()));
}

TEST_CASE("node report: no more refreshes than the limit, and no long failures") {
  auto json = full_report();
  json["refreshes"][0]["failure"] = std::string(10'000, 'x');
  while (json["refreshes"].size() <= kReportRefreshesMax)
    json["refreshes"].push_back(json["refreshes"][0]);
  CHECK_FALSE(decode(json.dump()));
  json["refreshes"].erase(0);
  const auto report = decode(json.dump());
  REQUIRE(report);
  CHECK(report->refreshes[0].failure.size() == kRefreshFailureMax);
}

TEST_CASE("node report: a long last error is cut between characters") {
  auto json = full_report();
  json["lastError"] = std::string(1'023, 'x') + "\xC3\xA4 and more";
  const auto report = decode(json.dump());
  REQUIRE(report);
  CHECK(report->last_error == std::string(1'023, 'x'));
}

TEST_CASE("node report: every cut is refused") {
  const auto text = full_report().dump();
  for (std::size_t size = 0; size < text.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(decode(text.substr(0, size)));
  }
}

TEST_CASE("node report: deep nesting is refused before it is built") {
  const auto nested = [](int levels) {
    return R"({"instance":"x","health":"HEALTHY","x":)" +
           std::string(static_cast<std::size_t>(levels), '[') +
           std::string(static_cast<std::size_t>(levels), ']') + "}";
  };
  CHECK(decode(nested(15)));
  const auto report = decode(nested(100'000));
  REQUIRE_FALSE(report);
  CHECK(report.error().what().find("deeper") != std::string::npos);
}

TEST_CASE("node report: JSON that is no object, or no UTF-8") {
  for (const std::string text : {"[]", "7", "null", "\"x\"", "{\"instance\":\"\xFF\"}"})
    CHECK_FALSE(decode(text));
}

}  // namespace
}  // namespace xylem::registry
