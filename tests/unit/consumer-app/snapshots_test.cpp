#include "consumer-app/snapshots.h"

#include "tests/unit/consumer-app/event_reader.h"
#include "tests/unit/consumer-app/refreshing.h"
#include "tests/unit/consumer-app/served.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::consumer_app {
namespace {

using network::FrameType;

struct Snapped {
  Json head;
  std::map<std::string, std::string> values;
};

Snapped lines_of(std::string_view body) {
  Snapped read;
  while (!body.empty()) {
    const auto line = body.substr(0, body.find('\n'));
    body.remove_prefix(line.size() + 1);
    const auto json = Json::parse(line);
    if (read.head.is_null()) {
      read.head = json;
    } else {
      read.values[json.at("key")] = json.at("value");
    }
  }
  return read;
}

// The body of a chunked answer, as far as it has come.
std::string unchunked(std::string_view received) {
  std::string body;
  received.remove_prefix(received.find("\r\n\r\n") + 4);
  while (!received.empty()) {
    const auto line = received.find("\r\n");
    const auto bytes = std::stoul(std::string(received.substr(0, line)), nullptr, 16);
    if (bytes == 0 || received.size() < line + 2 + bytes + 2) break;
    body += received.substr(line + 2, bytes);
    received.remove_prefix(line + 2 + bytes + 2);
  }
  return body;
}

// One that is held in the middle: its reader does not read.
struct Snapping : Served {
  static constexpr int kKeys = 300;

  explicit Snapping(const Snapshots::Limits& limits = {}) {
    snapshot_limits = limits;
    world.first.add_topic("t", 1);
    for (int i = 0; i < kKeys; ++i) publish(*this, "t", {{"k" + std::to_string(i), old}});
    serve();
    REQUIRE(until_whole());
    REQUIRE(world.until([&] { return current().records == kKeys; }));
  }

  std::unique_ptr<network::testing::RawPeer> ask_and_stop_reading() {
    auto peer = std::make_unique<network::testing::RawPeer>();
    sockets->connect({"127.0.0.1", port}, 5'000, [&](Result<std::shared_ptr<network::Stream>> got) {
      REQUIRE(got);
      peer->stream = std::move(*got);
      peer->stream->set_events(peer.get());
    });
    REQUIRE(world.until([&] { return peer->stream != nullptr; }));
    peer->send("GET /api/query/snapshot HTTP/1.1\r\nHost: x\r\n\r\n");
    REQUIRE(world.until([&] { return peer->has("position"); }));
    peer->stream->pause_reading(true);
    return peer;
  }

  void replace_all(const std::string& value, std::uint64_t refresh_id) {
    auto& broker = world.first;
    send(broker, FrameType::kReset, refresh(refresh_id, broker));
    const auto to = subscriber(broker);
    broker.send_batch(*to.peer, to.id, {"t", PartitionId(0)}, make_batch(0, {{"new", value}}),
                      refresh_id);
    send(broker, FrameType::kReady, refresh(refresh_id, broker, 1));
    REQUIRE(until_value("new", value));
  }

  std::string old = std::string(64ULL * 1024, 'o');
  std::unique_ptr<network::Sockets> sockets = network::make_tcp_sockets(world.loop, 8);
};

TEST_CASE("snapshot: the whole copy, with the cursors that it is of") {
  Served daemon;
  daemon.world.first.add_topic("t", 2);
  publish(daemon, "t", {{"b", "1"}, {"a", "2"}, {"gone", "3"}});
  publish(daemon, "t", {{"gone", std::nullopt}});
  daemon.serve();
  REQUIRE(daemon.until_whole());
  REQUIRE(daemon.world.until([&] { return daemon.current().records == 4; }));
  const auto answer = daemon.get("/api/query/snapshot?topic=t");
  CHECK(answer.status == 200);
  CHECK(answer.header("content-type") == "application/x-ndjson");
  const auto read = lines_of(text_of(answer.body));
  CHECK(read.head.at("topic") == "t");
  CHECK(read.head.at("keys") == 2);
  CHECK(read.head.at("cursor").at("0") == 4);
  CHECK(read.values == std::map<std::string, std::string>{{"a", "2"}, {"b", "1"}});

  publish(daemon, "t", {{"c", "4"}});
  REQUIRE(daemon.until_value("c", "4"));
  EventReader changes(daemon, "?topic=t", read.head.at("position").get<std::string>());
  REQUIRE(changes.until_events(1));
  CHECK(changes.events.front().data.at("key") == "c");
}

TEST_CASE("snapshot: of nothing, and of what there is not") {
  Served daemon({"t", "u"});
  daemon.world.first.add_topic("t", 1);
  daemon.serve();
  REQUIRE(daemon.until_whole());
  const auto read = lines_of(text_of(daemon.get("/api/query/snapshot?topic=t").body));
  CHECK(read.head.at("keys") == 0);
  CHECK(read.values.empty());
  CHECK(daemon.json("/api/query/snapshot", 400).at("code") == "INVALID_REQUEST");
  CHECK(daemon.json("/api/query/snapshot?topic=x", 404).at("code") == "NOT_FOUND");
  CHECK(daemon.json("/api/query/snapshot?topic=u", 503).at("code") == "UNAVAILABLE");
  CHECK(daemon.json("/api/query/snapshot?topic=t&limit=1", 400).at("code") == "INVALID_REQUEST");
  CHECK(daemon.snapshots->open() == 0);
}

TEST_CASE("snapshot: changes and a refresh meanwhile are not in it") {
  Snapping daemon;
  const auto peer = daemon.ask_and_stop_reading();
  publish(daemon, "t", {{"k0", "changed"}, {"k299", std::nullopt}, {"late", "x"}});
  REQUIRE(daemon.until_value("late", "x"));
  daemon.replace_all("y", 9);
  CHECK(daemon.snapshots->open() == 1);
  peer->stream->pause_reading(false);
  REQUIRE(daemon.world.until([&] { return peer->has("\r\n0\r\n\r\n"); }));
  const auto read = lines_of(unchunked(peer->received));
  CHECK(read.head.at("cursor").at("0") == Snapping::kKeys);
  REQUIRE(read.values.size() == Snapping::kKeys);
  for (const auto& [key, value] : read.values) CHECK(value == daemon.old);
  CHECK(daemon.snapshots->open() == 0);
  CHECK(daemon.value("k0") == "-");
}

TEST_CASE("snapshot: as many at once as there may be") {
  Snapping daemon({.snapshots_max = 1});
  auto peer = daemon.ask_and_stop_reading();
  CHECK(daemon.json("/api/query/snapshot", 429).at("code") == "QUOTA_EXCEEDED");
  peer.reset();
  REQUIRE(daemon.world.until([&] { return daemon.snapshots->open() == 0; }));
  CHECK(daemon.get("/api/query/snapshot").status == 200);
}

TEST_CASE("snapshot: one that takes too long is cut, and does not look whole") {
  Snapping daemon({.time_limit_ms = 2'000});
  const auto peer = daemon.ask_and_stop_reading();
  REQUIRE(daemon.world.until([&] { return daemon.snapshots->open() == 0; }));
  peer->stream->pause_reading(false);
  REQUIRE(daemon.world.until([&] { return peer->has_ended; }));
  CHECK_FALSE(peer->has("\r\n0\r\n\r\n"));
}

TEST_CASE("snapshot: an end in the middle of one is clean") {
  Snapping daemon;
  const auto peer = daemon.ask_and_stop_reading();
  daemon.stop_serving();
  daemon.world.turn(5);
}

}  // namespace
}  // namespace xylem::consumer_app
