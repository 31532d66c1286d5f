#include "consumer-app/change_streams.h"

#include "common/batch/batch_builder.h"
#include "tests/unit/consumer-app/event_reader.h"
#include "tests/unit/consumer-app/refreshing.h"
#include "tests/unit/consumer-app/served.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace xylem::consumer_app {
namespace {

using network::FrameType;

// A daemon whose topic has two partitions and is whole.
struct Changing : Served {
  explicit Changing(const ChangeStreams::Limits& limits = {}) {
    change_limits = limits;
    world.first.add_topic("t", 2);
  }

  void begin() {
    serve();
    REQUIRE(until_whole());
    REQUIRE(world.until([&] { return applied() != nullptr && applied()->whole; }));
  }

  [[nodiscard]] const CopyState* applied() const {
    const auto found = applier->applied().find("t");
    return found == applier->applied().end() || !found->second.current ? nullptr
                                                                       : &*found->second.current;
  }

  void publish_to(int partition, const std::vector<KeyValue>& records) {
    auto& log = world.first.topics.at("t").partitions.at(static_cast<std::size_t>(partition));
    log.batches.push_back(log_batch(log, records));
    world.first.push_all();
  }

  [[nodiscard]] bool until_caught_up() {
    return world.until([&] {
      for (int p = 0; p < 2; ++p) {
        const Offset end =
            world.first.topics.at("t").partitions.at(static_cast<std::size_t>(p)).end;
        const auto next = applied()->cursors.find(PartitionId(p));
        if (end > (next == applied()->cursors.end() ? Offset() : next->second)) return false;
      }
      return true;
    });
  }

  // The broker refreshes the topic by what it has in these batches.
  void refresh_to(std::uint64_t id, const std::vector<std::vector<Buffer>>& partitions) {
    auto& broker = world.first;
    const auto acked = broker.count(FrameType::kReadyAck);
    send(broker, FrameType::kReset, refresh(id, broker));
    const auto to = subscriber(broker);
    auto ready = refresh(id, broker);
    ready.barrier.clear();
    for (const auto& batches : partitions) {
      const PartitionId partition(static_cast<std::int32_t>(ready.barrier.size()));
      ready.barrier.emplace_back();
      for (const auto& batch : batches) {
        broker.send_batch(*to.peer, to.id, {"t", partition}, batch, id);
        ready.barrier.back() = read_batch_header(batch)->next_offset();
      }
    }
    send(broker, FrameType::kReady, ready);
    REQUIRE(world.until([&] { return broker.count(FrameType::kReadyAck) > acked; }));
  }

  void refresh_both(std::uint64_t id) {
    const auto& partitions = world.first.topics.at("t").partitions;
    refresh_to(id, {partitions[0].batches, partitions[1].batches});
  }
};

std::vector<std::string> keys_of(const std::vector<ChangeEvent>& events) {
  std::vector<std::string> keys;
  for (const auto& one : events)
    keys.push_back(one.event == "change" ? one.data.at("key").get<std::string>() : one.event);
  return keys;
}

using Keys = std::vector<std::string>;

TEST_CASE("changes: from now on, each as what it is") {
  Changing daemon;
  daemon.publish_to(0, {{"before", "x"}});
  daemon.begin();
  EventReader reader(daemon, "");
  REQUIRE(reader.until([&] { return reader.comments() == 1; }));
  daemon.publish_to(0, {{"a", "1"}, {"bin", "\xFF\x01"}, {std::nullopt, "no key"}});
  daemon.publish_to(0, {{"a", std::nullopt}});
  REQUIRE(reader.until_events(3));
  const auto& message = reader.events[0].data;
  CHECK(reader.events[0].event == "change");
  CHECK(message.at("type") == "MESSAGE");
  CHECK(message.at("topic") == "t");
  CHECK(message.at("partition") == 0);
  CHECK(message.at("offset") == 1);
  CHECK(message.at("key") == "a");
  CHECK(message.at("value") == "1");
  CHECK(message.at("timestamp") == 1'001);
  CHECK(message.at("headers") == Json::object());
  CHECK(reader.events[1].data.at("value") == "/wE=");
  CHECK(reader.events[1].data.at("encoding") == "base64");
  CHECK(reader.events[2].data.at("type") == "DELETE");
  CHECK(reader.events[2].data.at("offset") == 4);
  CHECK(reader.events[2].data.at("value").is_null());
  CHECK(reader.copy.size() == 1);
}

TEST_CASE(
    "changes: from the start, all in order, and on from any event without gap or repetition") {
  Changing daemon;
  for (int i = 0; i < 6; ++i)
    daemon.publish_to(i % 2, {{"k" + std::to_string(i), "1"}, {"k" + std::to_string(i), "2"}});
  daemon.publish_to(0, {{"k0", std::nullopt}});
  daemon.begin();
  REQUIRE(daemon.world.until([&] { return daemon.current().records == 13; }));
  EventReader all(daemon, "?from=start");
  REQUIRE(all.until_events(13));
  for (const int partition : {0, 1}) {
    std::int64_t next = 0;
    for (const auto& one : all.events)
      if (one.data.at("partition") == partition) CHECK(one.data.at("offset") == next++);
    CHECK(next == (partition == 0 ? 7 : 6));
  }
  CHECK_FALSE(all.copy.contains("k0"));
  for (std::size_t at = 0; at < all.events.size(); ++at) {
    std::map<std::pair<int, int>, int> seen;
    const auto note = [&](const ChangeEvent& one) {
      ++seen[{one.data.at("partition").get<int>(), one.data.at("offset").get<int>()}];
    };
    for (std::size_t i = 0; i <= at; ++i) note(all.events[i]);
    EventReader rest(daemon, "?from=start", all.events[at].id);
    REQUIRE(rest.until_events(12 - at));
    rest.until([&] { return rest.comments() == 1; });
    daemon.world.turn(2);
    rest.take();
    CHECK(rest.events.size() == 12 - at);
    for (const auto& one : rest.events) note(one);
    CHECK(seen.size() == 13);
    for (const auto& [where, times] : seen) CHECK(times == 1);
  }
}

TEST_CASE("changes: one that ends before any event came misses nothing either") {
  Changing daemon;
  daemon.publish_to(0, {{"before", "x"}});
  daemon.begin();
  std::string id;
  {
    EventReader reader(daemon, "");
    REQUIRE(reader.until([&] { return reader.comments() == 1; }));
    id = reader.last_id();
  }
  daemon.publish_to(0, {{"a", "1"}});
  REQUIRE(daemon.until_value("a", "1"));
  EventReader again(daemon, "", id);
  REQUIRE(again.until_events(1));
  CHECK(keys_of(again.events) == Keys{"a"});
}

TEST_CASE("changes: by prefix, which moves the position too") {
  Changing daemon({.heartbeat_ms = 5});
  daemon.begin();
  EventReader reader(daemon, "?topic=t&prefix=a%2F");
  REQUIRE(reader.until([&] { return reader.comments() >= 1; }));
  daemon.publish_to(0, {{"a", "-"}, {"a/1", "1"}, {"b/1", "-"}, {"a/2", "2"}});
  for (int i = 0; i < 20; ++i) daemon.publish_to(0, {{"other", "-"}});
  REQUIRE(reader.until([&] { return reader.last_id().find("0.24") != std::string::npos; }));
  CHECK(keys_of(reader.events) == Keys{"a/1", "a/2"});
  CHECK(reader.comments() > 1);
}

TEST_CASE("changes: what cannot be is refused") {
  Changing daemon;
  daemon.begin();
  CHECK(daemon.json("/api/query/changes?topic=other", 404).at("code") == "NOT_FOUND");
  for (const auto* bad : {"from=then", "form=now"})
    CHECK(daemon.json(std::string("/api/query/changes?") + bad, 400).at("code") ==
          "INVALID_REQUEST");
  CHECK(daemon.get("/api/query/changes", {{"Last-Event-ID", "7"}}).status == 400);
}

TEST_CASE("changes: as many streams as there may be") {
  Changing daemon({.streams_max = 2});
  daemon.begin();
  EventReader first(daemon, "");
  auto second = std::make_unique<EventReader>(daemon, "");
  REQUIRE(daemon.world.until([&] { return daemon.changes->streams() == 2; }));
  CHECK(daemon.json("/api/query/changes", 429).at("code") == "QUOTA_EXCEEDED");
  second.reset();
  REQUIRE(daemon.world.until([&] { return daemon.changes->streams() == 1; }));
  EventReader third(daemon, "");
  REQUIRE(third.until([&] { return third.comments() == 1; }));
}

TEST_CASE(
    "changes: a refresh is a reset, the new copy, and ready: nothing of both in one stretch") {
  Changing daemon;
  daemon.publish_to(0, {{"a", "old"}, {"gone", "old"}, {"z", "old"}});
  daemon.begin();
  EventReader reader(daemon, "?from=start");
  REQUIRE(reader.until_events(3));
  const auto before = reader.events.back().id;
  daemon.refresh_to(9,
                    {{make_batch(0, {{"a", "new"}, {"b", "new"}}), make_batch(2, {{"z", "old"}})}});
  REQUIRE(reader.until_event("ready"));
  CHECK(keys_of(reader.events) == Keys{"a", "gone", "z", "reset", "a", "b", "z", "ready"});
  CHECK(reader.events[3].data.at("reason") == "refresh");
  CHECK(reader.events[3].data.at("topic") == "t");
  CHECK(reader.copy ==
        std::map<std::string, std::string>{{"a", "new"}, {"b", "new"}, {"z", "old"}});
  daemon.publish_to(0, {{"c", "live"}});
  REQUIRE(reader.until_events(9));
  CHECK(reader.events.back().data.at("value") == "live");

  EventReader late(daemon, "", before);  // was away during the refresh
  REQUIRE(late.until_event("ready"));
  CHECK(late.events.front().data.at("reason") == "refresh");
  CHECK(late.copy.size() == 4);
  for (std::size_t i = 3; i < 7; ++i) {  // went away in the middle of the reset
    EventReader torn(daemon, "", reader.events[i].id);
    REQUIRE(torn.until_event("ready"));
    CHECK(torn.events.front().event == "reset");
    CHECK(torn.events.front().data.at("reason") == "resumed");
    CHECK(torn.copy.size() == 4);
  }
  EventReader behind(daemon, "", reader.events[7].id);  // after it
  REQUIRE(behind.until_events(1));
  CHECK(keys_of(behind.events) == Keys{"c"});
}

TEST_CASE("changes: what the log no longer has is told by a reset, with the copy as it is") {
  Changing daemon;
  daemon.publish_to(0, {{"a", "1"}});
  daemon.publish_to(0, {{"a", std::nullopt}, {"b", "1"}});
  daemon.publish_to(0, {{"c", "1"}});
  daemon.begin();
  EventReader reader(daemon, "?from=start");
  REQUIRE(reader.until_events(4));
  const LogId id{daemon.world.first.topics.at("t").incarnation, PartitionId(0)};
  REQUIRE((*daemon.storage->open({"t", id}, {}))->drop_before(Offset(3)));
  EventReader late(daemon, "", reader.events[0].id);
  REQUIRE(late.until_event("ready"));
  CHECK(keys_of(late.events) == Keys{"reset", "b", "c", "ready"});
  CHECK(late.events.front().data.at("reason") == "history");
  EventReader from_start(daemon, "?from=start");
  REQUIRE(from_start.until_event("ready"));
  CHECK(keys_of(from_start.events) == Keys{"reset", "b", "c", "ready"});
  EventReader near(daemon, "", reader.events[2].id);
  REQUIRE(near.until_events(1));
  CHECK(keys_of(near.events) == Keys{"c"});
}

TEST_CASE("changes: a reader that takes nothing costs a page, and gets all once it reads") {
  constexpr int kRecords = 400;
  const std::string value(64ULL * 1024, 'v');
  Changing daemon;
  daemon.begin();
  EventReader slow(daemon, "");
  EventReader other(daemon, "?prefix=k399");
  REQUIRE(slow.until([&] { return slow.comments() == 1; }));
  REQUIRE(other.until([&] { return other.comments() == 1; }));
  slow.peer().stream->pause_reading(true);
  for (int i = 0; i < kRecords; ++i) daemon.publish_to(0, {{"k" + std::to_string(i), value}});
  REQUIRE(other.until_events(1));  // nobody else notices
  const auto& sent = daemon.metrics.counter("xylem_consumer_change_bytes_total", "");
  const double before = sent.value();
  CHECK(before < 0.8 * kRecords * static_cast<double>(value.size()));
  slow.peer().stream->pause_reading(false);
  REQUIRE(slow.until_events(kRecords));
  for (int i = 0; i < kRecords; ++i)
    CHECK(slow.events[static_cast<std::size_t>(i)].data.at("offset") == i);
}

TEST_CASE("changes: position and copy survive a view that is made again from the log") {
  Changing daemon;
  daemon.publish_to(0, {{"a", "1"}, {"b", "1"}});
  daemon.begin();
  std::string id;
  {
    EventReader reader(daemon, "?from=start");
    REQUIRE(reader.until_events(1));
    id = reader.events.front().id;
  }
  daemon.stop_serving();
  daemon.lose_view();
  daemon.begin();
  EventReader again(daemon, "", id);
  daemon.publish_to(0, {{"c", "1"}});
  REQUIRE(again.until_events(2));
  CHECK(keys_of(again.events) == Keys{"b", "c"});
}

TEST_CASE("changes: a topic that is not there yet is told from its first record on") {
  Served daemon({"t", "later"});
  daemon.world.first.add_topic("t", 1);
  daemon.serve();
  EventReader reader(daemon, "");
  REQUIRE(reader.until([&] { return reader.comments() == 1; }));
  daemon.world.first.add_topic("later", 1).incarnation = kSecond;
  publish(daemon, "later", {{"a", "1"}});
  publish(daemon, "t", {{"b", "1"}});
  REQUIRE(reader.until_events(2));
  auto keys = keys_of(reader.events);
  std::ranges::sort(keys);
  CHECK(keys == Keys{"a", "b"});
}

TEST_CASE("changes: an end with streams open is clean") {
  Changing daemon;
  daemon.publish_to(0, {{"a", "1"}});
  daemon.begin();
  EventReader reader(daemon, "?from=start");
  REQUIRE(daemon.world.until([&] { return daemon.changes->streams() == 1; }));
  daemon.stop_serving();
  daemon.world.turn(5);
}

// A reader that leaves and comes back, while keys change and the topic is refreshed: whenever it
// has caught up and is not being reset, what it holds is what the view holds.
TEST_CASE("changes: a copy kept by the stream alone is the view, whatever happens") {
  for (const std::uint64_t seed : {11, 12, 13, 14}) {
    Changing daemon;
    daemon.begin();
    Random random(seed);
    std::uint64_t refreshes = 0;
    auto reader = std::make_unique<EventReader>(daemon, "?from=start");
    for (int round = 0; round < 60; ++round) {
      for (std::uint64_t i = random.below(5); i > 0; --i) {
        const auto key = random.below(8);
        const KeyValue record{
            "k" + std::to_string(key),
            random.below(3) == 0 ? std::nullopt : std::optional(std::to_string(round))};
        daemon.publish_to(static_cast<int>(key % 2), {record});
      }
      if (random.below(4) == 0) {
        REQUIRE(daemon.until_caught_up());
        daemon.refresh_both(++refreshes + 100);
      }
      if (random.below(3) == 0) {
        if (random.below(2) == 0) reader->take();
        const auto id = reader->last_id();
        auto copy = reader->copy;
        reader = std::make_unique<EventReader>(daemon, "?from=start", id);
        reader->copy = std::move(copy);
      }
    }
    REQUIRE(daemon.until_caught_up());
    std::map<std::string, std::string> expected;
    const auto keys = daemon.reader->keys("t", {.limit = 100});
    REQUIRE(keys);
    for (const auto& key : *keys) expected[key] = daemon.value(key);
    CHECK(reader->until([&] { return !reader->is_replacing && reader->copy == expected; }));
  }
}

}  // namespace
}  // namespace xylem::consumer_app
