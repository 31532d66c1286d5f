#include "broker/refresh/refreshes.h"

#include "broker/refresh/refresh_record.h"
#include "common/batch/batch_builder.h"
#include "tests/unit/broker/refresh/refresh_world.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem::testing {
namespace {

using broker::RefreshState;
using Values = std::vector<std::string>;

TEST_CASE("refreshes: a consumer is replayed to, swaps, and goes on without gap or double") {
  RefreshWorld world;
  world.create("t", 2);
  world.produce("t", {"a", "b", "c", "d"});
  CopyKeeper keeper(world, "t");
  REQUIRE(run_until(world.loop, [&] { return keeper.is_ready(0); }));  // it has caught up
  CHECK(keeper.values[0].size() == 4);
  CHECK(keeper.resets.empty());

  std::vector<RefreshState> heard;
  world.refreshes->on_change([&](const auto& status) { heard.push_back(status.state); });
  const auto id = world.start("t");
  REQUIRE(world.ends(id, RefreshState::kCompleted));
  CHECK(keeper.resets.size() == 1);
  CHECK(keeper.resets[0].reason == "test");
  CHECK(keeper.values[id].size() == 4);
  REQUIRE(keeper.is_ready(id));
  CHECK(keeper.readies.back().barrier.size() == 2);
  world.produce("t", {"e"});
  REQUIRE(run_until(world.loop, [&] { return keeper.values[0].size() == 5; }));
  CHECK(keeper.values[0].back() == "e");
  CHECK(keeper.values[id].size() == 4);
  const auto status = *world.refreshes->find(id);
  CHECK(status.consumers == 1);
  CHECK(status.consumers_ready == 1);
  CHECK(status.ended_at_ms);
  REQUIRE(run_until(world.loop,
                    [&] { return heard.size() >= 1 && heard.back() == RefreshState::kCompleted; }));
}

TEST_CASE("refreshes: what comes during the replay is in the old copy and in the new one") {
  RefreshWorld world;
  world.create("t");
  world.produce("t", {"a", "b"});
  CopyKeeper keeper(world, "t");
  REQUIRE(run_until(world.loop, [&] { return keeper.values[0].size() == 2; }));
  keeper.answers = false;
  const auto id = world.start("t");
  REQUIRE(run_until(world.loop, [&] { return keeper.resets.size() == 1; }));
  world.produce("t", {"c"});
  REQUIRE(run_until(world.loop, [&] { return keeper.values[0].size() == 3; }));
  CHECK(keeper.values[id].empty());  // nothing before RESET_ACK
  keeper.answer(network::FrameType::kResetAck, keeper.resets[0]);
  REQUIRE(run_until(world.loop, [&] { return keeper.is_ready(id); }));
  CHECK(keeper.values[id] == Values{"a", "b", "c"});
  CHECK(world.state(id) == RefreshState::kReadySent);
  // Between READY and its answer nothing comes; behind it, what is missing.
  world.produce("t", {"d"});
  CHECK(keeper.values[0].size() == 3);
  keeper.answer(network::FrameType::kReadyAck, keeper.readies.back());
  REQUIRE(run_until(world.loop, [&] { return keeper.values[0].size() == 4; }));
  CHECK(keeper.values[0].back() == "d");
  CHECK(world.ends(id, RefreshState::kCompleted));
}

TEST_CASE(
    "refreshes: a newer one takes the place of the older one; an id that is known is answered") {
  RefreshWorld world;
  world.create("t");
  world.produce("t", {"a"});
  CopyKeeper keeper(world, "t");
  REQUIRE(run_until(world.loop, [&] { return keeper.is_ready(0); }));
  keeper.answers = false;
  const auto first = world.start("t");
  REQUIRE(run_until(world.loop, [&] { return keeper.resets.size() == 1; }));
  keeper.answers = true;
  const auto second = world.start("t");
  CHECK(second > first);
  CHECK(world.state(first) == RefreshState::kAborted);
  REQUIRE(world.ends(second, RefreshState::kCompleted));
  CHECK(keeper.values[first].empty());
  CHECK(keeper.values[second] == Values{"a"});

  const auto again = world.refreshes->start("t", "other words", second);
  REQUIRE(again);
  CHECK(again->reason == "test");
  CHECK(world.refreshes->list().size() == 2);
  CHECK(world.refreshes->list()[0].id == second);
}

TEST_CASE("refreshes: what cannot be started says why") {
  RefreshWorld world;
  CHECK(world.refreshes->start("t", "", std::nullopt).error().code() == Errc::kUnavailable);
  REQUIRE(run_until(world.loop, [&] {
    return world.refreshes->start("t", "", std::nullopt).error().code() ==
           Errc::kUnknownTopicOrPartition;
  }));
  world.create("t");
  world.create("u");
  auto& refreshes = *world.refreshes;
  CHECK(refreshes.start("__topics", "", std::nullopt).error().code() == Errc::kInvalidRequest);
  CHECK(refreshes.start("t", std::string(501, 'x'), std::nullopt).error().code() ==
        Errc::kInvalidRequest);
  CHECK(refreshes.start("t", "", 0).error().code() == Errc::kInvalidRequest);
  CHECK(refreshes.start("t", "", 1ULL << 63U).error().code() == Errc::kInvalidRequest);
  REQUIRE(refreshes.start("t", "", 7));
  CHECK(refreshes.start("u", "", 7).error().code() == Errc::kInvalidRequest);
  CHECK(refreshes.start("t", "", 6).error().code() == Errc::kInvalidRequest);
  CHECK(refreshes.abort(99, "").error().code() == Errc::kNotFound);
  REQUIRE(world.ends(7, RefreshState::kCompleted));
  CHECK(refreshes.abort(7, "").error().code() == Errc::kInvalidRequest);
}

TEST_CASE("refreshes: stopped, the consumer goes on where it was") {
  RefreshWorld world;
  world.create("t");
  world.produce("t", {"a"});
  CopyKeeper keeper(world, "t");
  REQUIRE(run_until(world.loop, [&] { return keeper.is_ready(0); }));
  keeper.answers = false;
  const auto id = world.start("t");
  REQUIRE(run_until(world.loop, [&] { return keeper.resets.size() == 1; }));
  keeper.answer(network::FrameType::kResetAck, keeper.resets[0]);
  REQUIRE(run_until(world.loop, [&] { return keeper.is_ready(id); }));
  REQUIRE(world.refreshes->abort(id, "enough"));
  CHECK(world.refreshes->find(id)->failure == "enough");
  keeper.answer(network::FrameType::kReadyAck, keeper.readies.back());  // too late
  world.produce("t", {"b"});
  REQUIRE(run_until(world.loop, [&] { return keeper.values[0].size() == 2; }));
  CHECK(world.state(id) == RefreshState::kAborted);
  REQUIRE(run_until(world.loop, [&] { return keeper.is_ready(0); }));  // it hears that it is over
}

TEST_CASE("refreshes: a consumer that keeps no copy is passed by") {
  RefreshWorld world;
  world.create("t");
  world.produce("t", {"a"});
  std::size_t handled = 0;
  network::Consumer::Handlers handlers;
  handlers.message = [&](const auto&, const auto&) -> Status {
    ++handled;
    return {};
  };
  network::Consumer consumer(
      world.client_context(),
      {.brokers = BrokerWorld::addresses(), .topics = {"t"}, .start = network::StartAt::kEarliest},
      handlers);
  consumer.start();
  REQUIRE(run_until(world.loop, [&] { return handled == 1; }));
  const auto id = world.start("t");
  REQUIRE(world.ends(id, RefreshState::kCompleted));
  CHECK(handled == 1);
  CHECK(world.refreshes->find(id)->consumers == 1);
}

TEST_CASE("refreshes: members of a group that shares have no part in it") {
  RefreshWorld world;
  world.create("t");
  world.produce("t", {"a"});
  std::size_t handled = 0;
  std::size_t resets = 0;
  network::Consumer::Handlers handlers;
  handlers.message = [&](const auto&, const auto&) -> Status {
    ++handled;
    return {};
  };
  handlers.reset = [&](const auto&) { ++resets; };
  network::Consumer member(world.client_context(),
                           {.brokers = BrokerWorld::addresses(), .group = "g", .topics = {"t"}},
                           handlers);
  member.start();
  REQUIRE(run_until(world.loop, [&] { return handled == 1; }));
  const auto id = world.start("t");
  REQUIRE(world.ends(id, RefreshState::kCompleted));
  CHECK(world.refreshes->find(id)->consumers == 0);
  CHECK(resets == 0);
}

TEST_CASE("refreshes: after a restart of the broker it goes on under the same id") {
  RefreshWorld world;
  world.create("t");
  world.produce("t", {"a"});
  CopyKeeper keeper(world, "t");
  REQUIRE(run_until(world.loop, [&] { return keeper.is_ready(0); }));
  keeper.answers = false;
  const auto id = world.start("t");
  REQUIRE(run_until(world.loop, [&] { return keeper.resets.size() == 1; }));
  world.restart_refreshes();
  keeper.answer(network::FrameType::kResetAck, keeper.resets[0]);
  keeper.answers = true;
  REQUIRE(run_until(world.loop, [&] { return world.refreshes->find(id).has_value(); }));
  REQUIRE(world.ends(id, RefreshState::kCompleted));
  CHECK(keeper.resets.size() == 1);  // the second one was acknowledged without telling it
  CHECK(keeper.values[id] == Values{"a"});
  CHECK(world.refreshes->find(id)->reason == "test");
}

TEST_CASE("refreshes: one that goes away and comes back is taken through all of it") {
  RefreshWorld world;
  world.create("t");
  world.produce("t", {"a", "b"});
  auto keeper = std::make_unique<CopyKeeper>(world, "t");
  REQUIRE(run_until(world.loop, [&] { return keeper->is_ready(0); }));
  keeper->answers = false;
  const auto id = world.start("t");
  REQUIRE(run_until(world.loop, [&] { return keeper->resets.size() == 1; }));
  keeper.reset();
  REQUIRE(run_until(world.loop, [&] { return world.refreshes->find(id)->owed == 1; }));
  CHECK_FALSE(is_over(world.state(id)));  // it is waited for
  keeper = std::make_unique<CopyKeeper>(world, "t");
  REQUIRE(world.ends(id, RefreshState::kCompleted));
  CHECK(keeper->values[id] == Values{"a", "b"});
  CHECK(world.refreshes->find(id)->owed == 0);
}

TEST_CASE("refreshes: a topic that is deleted takes its refresh along") {
  RefreshWorld world;
  world.create("t");
  CopyKeeper keeper(world, "t");
  REQUIRE(run_until(world.loop, [&] { return keeper.is_ready(0); }));
  keeper.answers = false;
  const auto id = world.start("t");
  REQUIRE(run_until(world.loop, [&] { return keeper.resets.size() == 1; }));
  world.topics->remove("t", [](const auto& removed) { CHECK(removed); });
  REQUIRE(world.ends(id, RefreshState::kAborted));
  CHECK(world.refreshes->find(id)->failure.find("not here any more") != std::string::npos);
}

TEST_CASE("refresh record: read as it was written; anything else is corrupt") {
  broker::RefreshRecord record;
  record.definition = {.id = 77,
                       .topic = "t",
                       .incarnation = {TopicId::from_words(1, 2), 3},
                       .reason = "why \"not\"",
                       .started_by = "me",
                       .started_at_ms = 123,
                       .is_rebuild = true};
  record.status.state = RefreshState::kAborted;
  record.status.ended_at_ms = 456;
  record.status.barrier = {Offset(1), Offset(2)};
  record.status.failure = "stalled";
  record.owed = {{"one", 2}};
  const auto without = encode_refresh(record);
  CHECK(text_of(without).find("stalled\":") == std::string_view::npos);
  CHECK_FALSE(broker::decode_refresh(broker::refresh_id_text(77), without)->has_stalled);
  record.has_stalled = true;
  const auto bytes = encode_refresh(record);
  const auto read = broker::decode_refresh(broker::refresh_id_text(77), bytes);
  REQUIRE(read);
  CHECK(read->definition.id == 77);
  CHECK(read->definition.incarnation == record.definition.incarnation);
  CHECK(read->definition.reason == record.definition.reason);
  CHECK(read->definition.is_rebuild);
  CHECK(read->status.state == RefreshState::kAborted);
  CHECK(read->status.ended_at_ms == 456);
  CHECK(read->status.barrier == record.status.barrier);
  CHECK(read->status.failure == "stalled");
  CHECK(read->owed == record.owed);
  CHECK(read->has_stalled);
  CHECK_FALSE(broker::decode_refresh("77", bytes));
  for (std::size_t cut = 0; cut < bytes.size(); ++cut)
    CHECK_FALSE(broker::decode_refresh(broker::refresh_id_text(77), Bytes(bytes).first(cut)));
  CHECK_FALSE(broker::decode_refresh(broker::refresh_id_text(77), bytes_of("{}")));
}

TEST_CASE("refresh status: ids as text") {
  CHECK(broker::refresh_id_text(0xabc) == "0000000000000abc");
  CHECK(*broker::refresh_id_of("0000000000000abc") == 0xabc);
  for (const auto* bad : {"", "abc", "0000000000000000", "000000000000abcg", "0000000000000abc0"})
    CHECK_FALSE(broker::refresh_id_of(bad));
}

TEST_CASE("refreshes: an id far ahead of the clock is refused, as no later one could be above it") {
  RefreshWorld world;
  world.create("t");
  REQUIRE(world.ends(world.start("t"), RefreshState::kCompleted));
  const auto ahead = [&](std::int64_t ms) {
    return static_cast<std::uint64_t>(world.clock.wall_ms() + ms)
           << broker::Refreshes::kIdRandomBits;
  };
  constexpr auto kMax = broker::Refreshes::kIdAheadMaxMs;
  for (const auto absurd :
       std::vector<std::uint64_t>{ahead(kMax + 60'000), 1ULL << 62U, UINT64_MAX}) {
    const auto refused = world.refreshes->start("t", "", absurd);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::kInvalidRequest);
    CHECK(std::string(refused.error().what()).find("ahead of this broker's clock") !=
          std::string::npos);
  }
  CHECK(world.refreshes->start("t", "", ahead(kMax - 60'000)));
}

// A root broker's, which has not heard yet what was decided.
struct Authority final : broker::TopicAuthority {
  void create(broker::TopicDefinition, Done) override {}

  void alter(broker::TopicDefinition, Done) override {}

  void remove(const broker::TopicDefinition&, Done) override {}

  [[nodiscard]] Status is_current() const override {
    if (knows_all) return {};
    return fail(Errc::kUnavailable, "the catalog has not come yet");
  }

  bool knows_all = false;
};

TEST_CASE("refreshes: a topic that is not known before the catalog has come was not deleted") {
  Authority authority;
  RefreshWorld world;
  broker::RefreshRecord record;
  record.definition = {.id = 77, .topic = "t", .incarnation = {TopicId::from_words(1, 2), 0}};
  record.status.state = RefreshState::kReplaying;
  bool is_put = false;
  world.state_store()->put(std::string(broker::kRefreshKind), broker::refresh_id_text(77),
                           encode_refresh(record), [&](const Status&) { is_put = true; });
  REQUIRE(run_until(world.loop, [&] { return is_put; }));
  world.topics->start(authority);
  world.restart_refreshes();
  REQUIRE(run_until(world.loop, [&] { return world.refreshes->find(77).has_value(); }));
  CHECK(world.state(77) == RefreshState::kResetSent);
  CHECK(world.refreshes->start("t", "", std::nullopt).error().code() == Errc::kUnavailable);
  authority.knows_all = true;
  CHECK(world.ends(77, RefreshState::kAborted));
}

// Replays what the test says.
struct Replayed final : broker::RefreshConsumer {
  void send_refresh(network::FrameType type, const network::Refresh&) override {
    has_ready = has_ready || type == network::FrameType::kReady;
    ++told;
  }

  std::vector<Offset> begin_replay(std::uint64_t) override { return {Offset(0)}; }

  Result<std::size_t> push_replay() override {
    ++pushes;
    const auto before = std::exchange(at, next);
    return static_cast<std::size_t>(at - before);
  }

  [[nodiscard]] std::vector<Offset> replayed() const override { return {at}; }

  [[nodiscard]] std::vector<Offset> live() const override { return {Offset(3)}; }

  void hold_live() override {}

  void end_replay(bool) override {}

  Offset at;
  Offset next{1};
  int pushes = 0;
  int told = 0;
  bool has_ready = false;
};

TEST_CASE("refreshes: a replay whose end is removed from the log meanwhile gets READY") {
  RefreshWorld world;
  const auto topic = world.create("t");
  world.produce("t", {"a", "b", "c"});
  Replayed consumer;
  const auto seat =
      world.refreshes->sit({.consumer = consumer,
                            .name = "one",
                            .topic = "t",
                            .incarnation = topic.incarnation,
                            .cursors = {Offset(3)},
                            .high_watermarks = {Offset(4)}});  // no READY of the first time
  const auto id = world.start("t");
  REQUIRE(run_until(world.loop, [&] { return consumer.told > 0; }));
  seat.answered(network::FrameType::kResetAck, {.refresh_id = id});
  REQUIRE(run_until(world.loop, [&] { return consumer.pushes > 1; }));
  REQUIRE(world.partitions->find(topic.log(0))->log()->drop_before(Offset(3)));
  consumer.next = Offset(3);
  seat.wake();
  REQUIRE(run_until(world.loop, [&] { return consumer.at == Offset(3); }));
  CHECK_FALSE(consumer.has_ready);  // the first record is not acknowledged
  seat.acknowledged(
      {.topic = "t", .incarnation = topic.incarnation, .next_offset = Offset(1), .refresh_id = id});
  CHECK(consumer.has_ready);
  seat.answered(network::FrameType::kReadyAck, {.refresh_id = id});
  CHECK(world.ends(id, RefreshState::kCompleted));
}

}  // namespace
}  // namespace xylem::testing
