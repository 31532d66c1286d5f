#include "tests/unit/broker/admin/cold_topic.h"
#include "tests/unit/broker/admin/records_world.h"
#include "tests/unit/broker/admin/stream_peer.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::testing {
namespace {

Json offsets_of(const std::vector<StreamPeer::Event>& events) {
  auto offsets = Json::array();
  for (const auto& event : events) offsets.push_back(event.data["offset"]);
  return offsets;
}

// A stream that is refused: its problem document.
Json refusal(RecordsWorld& world,
             const std::string& query,
             int status,
             const std::string& id = {}) {
  StreamPeer peer(world, query, id);
  REQUIRE(run_until(world.broker.loop, [&] { return peer.raw.has("\r\n\r\n{"); }));
  CHECK(peer.raw.has("HTTP/1.1 " + std::to_string(status)));
  const auto body = peer.raw.received.find("\r\n\r\n{") + 4;
  return Json::parse(peer.raw.received.substr(body), nullptr, false);
}

TEST_CASE(
    "record stream: what is there and what comes, each record as in a page, with its position") {
  RecordsWorld world;
  world.append(2);
  StreamPeer peer(world);
  CHECK(peer.raw.has("text/event-stream"));
  peer.wait_for("record", 2);
  world.append(1);
  const auto records = peer.wait_for("record", 3);
  CHECK(offsets_of(records) == Json({0, 1, 2}));
  const auto prefix = world.topic.incarnation.topic.text().substr(0, 16) + ".0@";
  CHECK(records[0].id == prefix + "1");
  CHECK(records[2].id == prefix + "3");
  const auto page = world.page("");
  for (std::size_t i = 0; i < records.size(); ++i) CHECK(records[i].data == page["records"][i]);
  const auto open = peer.named("open");
  REQUIRE(open.size() == 1);
  CHECK(open[0].id == prefix + "0");
  CHECK(open[0].data["topicId"] == world.topic.incarnation.topic.text());
  CHECK(open[0].data["partitions"][0]["highWatermark"] == 2);
}

TEST_CASE("record stream: every position resumes exactly behind its event, over all partitions") {
  RecordsWorld world(3);
  for (std::int32_t p = 0; p < 3; ++p) world.append(p + 2, "v", p);
  StreamPeer peer(world);
  const auto all = peer.wait_for("record", 9);
  for (std::size_t at = 0; at < all.size(); ++at) {
    CAPTURE(all[at].id);
    StreamPeer again(world, "", all[at].id);
    const auto rest = again.wait_for("record", all.size() - at - 1);
    std::map<std::pair<int, int>, int> seen;
    for (std::size_t i = 0; i <= at; ++i) ++seen[{all[i].data["partition"], all[i].data["offset"]}];
    for (const auto& event : rest) ++seen[{event.data["partition"], event.data["offset"]}];
    CHECK(seen.size() == 9);
    for (const auto& [record, times] : seen) CHECK(times == 1);
  }
}

TEST_CASE(
    "record stream: an idle one that began at the latest resumes there by its opening event") {
  RecordsWorld world;
  world.append(2);
  std::string id;
  {
    StreamPeer peer(world, "?from=latest");
    id = peer.wait_for("open", 1)[0].id;
  }
  world.append(1);
  StreamPeer again(world, "?from=latest", id);
  CHECK(offsets_of(again.wait_for("record", 1)) == Json({2}));
}

TEST_CASE("record stream: some partitions of a topic, each from the same place") {
  RecordsWorld world(3);
  for (std::int32_t p = 0; p < 3; ++p) world.append(3, "v", p);
  StreamPeer peer(world, "?partition=2,0&from=1");
  const auto records = peer.wait_for("record", 4);
  for (const auto& record : records) CHECK(record.data["partition"] != 1);
  CHECK(records.back().id.ends_with("@3,2:3"));
}

TEST_CASE("record stream: what retention removed is an event, and what follows comes") {
  RecordsWorld world;
  world.append(4);
  StreamPeer peer(world);
  const auto first = peer.wait_for("record", 4);
  world.append(4);
  peer.wait_for("record", 8);
  world.drop_before(7);
  StreamPeer again(world, "", first[1].id);
  CHECK(offsets_of(again.wait_for("record", 1)) == Json({7}));
  const auto gap = again.wait_for("gap", 1)[0];
  CHECK(gap.data ==
        Json({{"topic", "t"}, {"partition", 0}, {"from", 2}, {"to", 7}, {"reason", "retention"}}));
  CHECK(gap.id.ends_with("@7"));
  CHECK(peer.named("gap").empty());
  CHECK(refusal(world, "?from=2", 416)["start"] == 7);
  StreamPeer reset(world, "?from=2&reset=earliest");
  CHECK(offsets_of(reset.wait_for("record", 1)) == Json({7}));
}

TEST_CASE("record stream: a log that begins anew further on tells its open streams of the gap") {
  RecordsWorld world;
  world.append(2);
  StreamPeer peer(world);
  peer.wait_for("record", 2);
  REQUIRE(world.partition().restart_at(Offset(50)));
  world.broker.partitions->announce(world.partition());
  const auto gap = peer.wait_for("gap", 1)[0];
  CHECK(gap.data["from"] == 2);
  CHECK(gap.data["to"] == 50);
}

TEST_CASE("record stream: the topic's deletion ends it with an event") {
  RecordsWorld world;
  world.append(1);
  StreamPeer peer(world);
  const auto id = peer.wait_for("record", 1)[0].id;
  world.remove_topic();
  const auto end = peer.wait_for("end", 1)[0];
  CHECK(end.data["code"] == "UNKNOWN_TOPIC_OR_PARTITION");
  REQUIRE(run_until(world.broker.loop, [&] { return peer.is_over(); }));
  CHECK(refusal(world, "", 404, id)["code"] == "UNKNOWN_TOPIC_OR_PARTITION");

  world.topic = world.broker.create("t");
  world.append(1);
  CHECK(refusal(world, "", 409, id)["code"] == "STALE_GENERATION");
  StreamPeer anew(world, "?reset=earliest", id);
  CHECK(offsets_of(anew.wait_for("record", 1)) == Json({0}));
  CHECK(anew.wait_for("reset", 1)[0].data["lost"] == id);
}

TEST_CASE(
    "record stream: a topic that grows is followed, and a position from before knows what is new") {
  RecordsWorld world;
  world.append(1);
  StreamPeer peer(world);
  StreamPeer one(world, "?partition=0");
  const auto before = peer.wait_for("record", 1)[0].id;
  std::optional<Result<broker::TopicDefinition>> grown;
  world.broker.topics->alter("t", R"({"partitions":3})",
                             [&](auto done) { grown = std::move(done); });
  REQUIRE(run_until(world.broker.loop, [&] { return grown.has_value(); }));
  REQUIRE(*grown);
  world.append(2, "v", 2);
  CHECK(peer.wait_for("record", 3).back().id.ends_with("@1,0,2"));
  StreamPeer again(world, "", before);
  again.wait_for("record", 2);
  CHECK(one.named("record").size() == 1);
  // The other way round it would leave out what it had before.
  CHECK(refusal(world, "?partition=0", 400, peer.named("record").back().id)["code"] ==
        "INVALID_REQUEST");
}

TEST_CASE("record stream: a partition that leaves ends it, and is named with its broker") {
  RecordsWorld world(2);
  world.append(1);
  StreamPeer peer(world);
  peer.wait_for("record", 1);
  world.broker.leaders[PartitionId(1)] = {
      .node = "root-2", .tcp = "two:9092", .http = "two:8081", .epoch = Epoch(3)};
  world.broker.partitions->forget(world.topic.log(1));
  const auto end = peer.wait_for("end", 1)[0];
  CHECK(end.data["code"] == "NOT_LEADER");
  CHECK(end.data["hint"] == "two:8081");
  CHECK(refusal(world, "", 421)["hint"] == "two:8081");
  StreamPeer here(world, "?partition=0");
  here.wait_for("record", 1);
}

TEST_CASE("record stream: requests that cannot be are refused before they are streams") {
  RecordsWorld world(2);
  CHECK(refusal(world, "?partition=2", 404)["code"] == "UNKNOWN_TOPIC_OR_PARTITION");
  for (const auto* bad : {"?partition=", "?partition=x", "?partition=0,", "?partition=0,0",
                          "?partition=-1", "?from=x", "?reset=x", "?limit=1"}) {
    CAPTURE(bad);
    CHECK(refusal(world, bad, 400)["code"] == "INVALID_REQUEST");
  }
  CHECK(refusal(world, "", 400, "nonsense")["code"] == "INVALID_REQUEST");
  std::string many = "?partition=0";
  for (std::size_t p = 1; p <= broker::kStreamPartitionsMax; ++p) many += "," + std::to_string(p);
  CHECK(refusal(world, many, 400)["hint"].get<std::string>().find("partition=") !=
        std::string::npos);
  const auto head = world.ask("HEAD", "/api/v1/topics/t/stream");
  CHECK(head.status == 200);
  CHECK(head.body.empty());
}

TEST_CASE(
    "record stream: records that the disk must bring in first are not waited for by the loop") {
  ColdTopic cold;
  auto& world = cold.world;
  cold.disk.hold(true);
  StreamPeer peer(world.broker.loop, world.port, "");
  REQUIRE(run_until(world.broker.loop, [&] { return cold.disk.asked > 0; }));
  CHECK(world.ask("GET", "/healthz").status == 200);
  CHECK(peer.named("record").empty());
  cold.disk.hold(false);
  const auto end = world.broker.partitions->find(cold.topic.log(0))->high_watermark().value();
  const auto last = "@" + std::to_string(end) + "\n";
  REQUIRE(run_until(world.broker.loop, [&] { return peer.has_lately(last); }));
  const auto records = peer.named("record");
  REQUIRE(records.size() == static_cast<std::size_t>(end));
  for (std::size_t i = 0; i < records.size(); ++i) CHECK(records[i].data["offset"] == i);
}

TEST_CASE("record stream: what cannot be read ends it, and is said to be so") {
  ColdTopic cold;
  auto& world = cold.world;
  cold.disk.is_bad = true;
  StreamPeer peer(world.broker.loop, world.port, "");
  CHECK(peer.wait_for("end", 1)[0].data["code"] == "CORRUPT");
  CHECK(peer.named("record").empty());
}

TEST_CASE(
    "record stream: a reader that takes nothing costs what its connection holds, and nobody else") {
  RecordsWorld world;
  constexpr int kRecords = 24'000;
  StreamPeer slow(world);
  slow.wait_for("open", 1);
  slow.raw.stream->pause_reading(true);
  for (int i = 0; i < kRecords / 100; ++i) world.append(100, std::string(1'000, 'v'));
  const auto& streamed =
      world.broker.metrics.counter("xylem_broker_http_streamed_records_total", "");
  StreamPeer fast(world);
  const auto last = "@" + std::to_string(kRecords) + "\n";
  REQUIRE(run_until(world.broker.loop, [&] { return fast.has_lately(last); }));
  // What the kernel's buffers took of it, and no more.
  CHECK(streamed.value() < kRecords + kRecords / 2);
  slow.raw.stream->pause_reading(false);
  REQUIRE(run_until(world.broker.loop, [&] { return slow.has_lately(last); }));
  CHECK(streamed.value() == 2 * kRecords);
  const auto records = slow.named("record");
  REQUIRE(records.size() == kRecords);
  for (std::size_t i = 0; i < records.size(); ++i) REQUIRE(records[i].data["offset"] == i);
}

// A server of its own, with limits of its own.
struct SmallServer {
  explicit SmallServer(RecordsWorld& world) : server(world.broker.loop, {}) {
    add_stream_routes(server, world.admin, {.streams_max = 2, .heartbeat_ms = 20});
    const auto got = server.listen({"127.0.0.1", 0});
    REQUIRE(got);
    port = *got;
  }

  network::HttpServer server;
  std::uint16_t port = 0;
};

TEST_CASE("record stream: comments keep idle ones alive") {
  RecordsWorld world;
  SmallServer small(world);
  StreamPeer peer(world.broker.loop, small.port, "");
  REQUIRE(run_until(world.broker.loop, [&] { return peer.raw.count(": heartbeat\n\n") >= 2; }));
  CHECK(peer.events().size() == 1);
}

TEST_CASE("record stream: there are no more than may be, and one that leaves makes room") {
  RecordsWorld world;
  SmallServer small(world);
  auto& loop = world.broker.loop;
  const auto& open = world.broker.metrics.gauge("xylem_broker_http_streams", "");
  auto first = std::make_unique<StreamPeer>(loop, small.port, "");
  StreamPeer second(loop, small.port, "");
  StreamPeer third(loop, small.port, "");
  REQUIRE(run_until(loop, [&] { return third.raw.has("QUOTA_EXCEEDED"); }));
  CHECK(third.raw.has("HTTP/1.1 429"));
  CHECK(open.value() == 2);
  first.reset();
  REQUIRE(run_until(loop, [&] { return open.value() == 1; }));
  StreamPeer fourth(loop, small.port, "");
  fourth.wait_for("open", 1);
  world.append(1);
  fourth.wait_for("record", 1);
  second.wait_for("record", 1);
}

TEST_CASE("record stream: the server may go while streams are open") {
  RecordsWorld world;
  StreamPeer peer(world);
  peer.wait_for("open", 1);
  world.server.reset();
  world.append(1);
  REQUIRE(run_until(world.broker.loop, [&] { return peer.raw.has_ended; }));
  CHECK_FALSE(peer.is_over());
}

}  // namespace
}  // namespace xylem::testing
