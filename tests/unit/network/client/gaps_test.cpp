// GAP frames at the consumer: told in order and once, the cursor behind them, and what is none.
#include "network/client/consumer.h"
#include "tests/support/client_world.h"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace xylem::network {
namespace {

using testing::batch_of;
using testing::ClientWorld;
using testing::FakeBroker;
using Peer = FakeBroker::Peer;
using Story = std::vector<std::string>;

constexpr PartitionId kFirst{0};

std::string text_of_gap(const Gap& gap) {
  return "gap " + std::to_string(gap.from.value()) + "-" + std::to_string(gap.to.value());
}

// A broker of which a test decides each frame after SUBSCRIBE.
struct Told : ClientWorld {
  Told() {
    options.brokers = {first.address};
    options.topics = {"t"};
    options.group = "g";
    options.shares = false;
    options.backoff_ms = 1;
    options.backoff_max_ms = 4;
    options.retry_schedule = {.first_ms = 1, .max_ms = 4, .doubling_tries = 3};
    first.add_topic("t", 1).partitions[0].end = Offset(100);  // of which a test tells some
    first.hook = [this](Peer& peer, const Frame& frame) {
      if (frame.type != FrameType::kSubscribe) return false;
      subscribed = frame.id;
      last = &peer;
      return false;
    };
    handlers.message = [this](const DeliveredBatch&, const RecordView& record) -> Status {
      if (fails) return fail(Errc::kUnavailable, "not now");
      story.emplace_back(xylem::text_of(record.value.value()));
      return {};
    };
    handlers.gap = [this](const Gap& gap) { story.push_back(text_of_gap(gap)); };
    handlers.error = [this](const Error& why) { errors.push_back(why); };
  }

  void start() {
    consumer.emplace(context, options, handlers);
    consumer->start();
    REQUIRE(until([this] { return !first.subscribes.empty(); }));
  }

  void tell(std::int64_t from, std::int64_t to) const {
    last->answer(FrameType::kGap, subscribed,
                 Gap{.topic = "t",
                     .partition = kFirst,
                     .incarnation = first.topics.at("t").incarnation,
                     .from = Offset(from),
                     .to = Offset(to)});
  }

  void push(const std::string& value, std::int64_t offset) const {
    const DataHeader header{.topic = "t",
                            .partition = kFirst,
                            .incarnation = first.topics.at("t").incarnation,
                            .first_offset = Offset(offset),
                            .epoch = Epoch(3),
                            .batch_count = 1};
    const std::array pieces = {Slice::own(encode_data_header(header)),
                               Slice::own(batch_of({value}, Offset(offset)))};
    last->connection->send(FrameType::kData, subscribed, pieces);
  }

  [[nodiscard]] std::optional<Offset> acknowledged() const {
    return first.acks.empty() ? std::nullopt : std::optional(first.acks.back().next_offset);
  }

  Consumer::Options options;
  Consumer::Handlers handlers;
  bool fails = false;
  std::uint64_t subscribed = 0;
  Peer* last = nullptr;
  Story story;
  std::vector<Error> errors;
  std::optional<Consumer> consumer;
};

TEST_CASE("gaps: told between the batches around it, and acknowledged") {
  Told world;
  world.start();
  world.push("a", 0);
  world.tell(1, 7);
  world.push("b", 7);
  world.tell(8, 20);
  REQUIRE(world.until([&] { return world.acknowledged() == Offset(20); }));
  CHECK(world.story == Story{"a", "gap 1-7", "b", "gap 8-20"});
  CHECK(world.errors.empty());
  CHECK(world.first.subscribes[0].every->takes_gaps == TakesGaps::kYes);
}

TEST_CASE("gaps: one waits for the handler that fails before it, and grows meanwhile") {
  Told world;
  world.fails = true;
  world.start();
  world.push("a", 0);
  world.tell(1, 7);
  world.tell(7, 9);
  REQUIRE(world.until([&] { return world.errors.size() > 2; }));
  CHECK(world.story.empty());
  world.fails = false;
  REQUIRE(world.until([&] { return world.story.size() == 2; }));
  CHECK(world.story == Story{"a", "gap 1-9"});
}

TEST_CASE("gaps: what was not told yet is told by the next connection, what was is not") {
  Told world;
  world.start();
  world.tell(0, 5);
  REQUIRE(world.until([&] { return world.story.size() == 1; }));
  world.consumer->pause();
  world.tell(5, 9);
  world.last->connection->close();
  REQUIRE(world.until([&] { return world.first.subscribes.size() == 2; }));
  const auto again = world.first.subscribes[1].partitions.at(0);
  CHECK(again.offset == Offset(5));
  CHECK(again.takes_gaps == TakesGaps::kYes);
  world.consumer->resume();
  world.tell(5, 12);
  world.tell(5, 12);  // a second word about the same
  REQUIRE(world.until([&] { return world.acknowledged() == Offset(12); }));
  CHECK(world.story == Story{"gap 0-5", "gap 5-12"});
}

TEST_CASE("gaps: one that leaves out more than it says, or is of something else, is not trusted") {
  Told world;
  world.start();
  std::int64_t from = 3;
  SUBCASE("it begins above what comes next") { world.tell(from, 7); }
  SUBCASE("of another incarnation") {
    from = 0;
    world.first.topics.at("t").incarnation.generation = 9;
    world.tell(from, 7);
    world.first.topics.at("t").incarnation.generation = 0;
  }
  REQUIRE(world.until([&] { return world.first.subscribes.size() == 2; }));
  CHECK(world.story.empty());
  REQUIRE_FALSE(world.errors.empty());
  CHECK(world.errors.front().code() == Errc::kCorrupt);
}

TEST_CASE("gaps: who asks for an offset takes none there, who has no group all of a topic") {
  Told world;
  SUBCASE("an offset") {
    world.options.start = StartAt::kOffset;
    world.start();
    CHECK(world.first.subscribes[0].every->takes_gaps == TakesGaps::kNo);
  }
  SUBCASE("no group") {
    world.options.group.clear();
    world.start();
    CHECK(world.first.subscribes[0].every->takes_gaps == TakesGaps::kUnlessCompacted);
  }
}

TEST_CASE("gaps: no handler is needed") {
  Told world;
  world.handlers.gap = nullptr;
  world.start();
  world.tell(0, 4);
  world.push("b", 4);
  REQUIRE(world.until([&] { return world.story.size() == 1; }));
  CHECK(world.story == Story{"b"});
}

}  // namespace
}  // namespace xylem::network
