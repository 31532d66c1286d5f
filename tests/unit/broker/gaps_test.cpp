// What retention has removed before a consumer came to it: told once, in order, with its bounds.
#include "broker/delivery/delivery_gaps.h"
#include "network/client/client_session.h"
#include "network/client/consumer.h"
#include "tests/support/asking_client.h"
#include "tests/support/broker_world.h"
#include "tests/support/fake_log.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace xylem::testing {
namespace {

using network::Consumer;
using network::Gap;
using network::GapReason;
using network::StartAt;

struct Gapped {
  explicit Gapped(const std::string& policies = "{}") : topic(world.create("t")) {
    std::optional<Result<broker::TopicDefinition>> altered;
    world.topics->alter("t", policies, [&](auto done) { altered = std::move(done); });
    REQUIRE(run_until(world.loop, [&] { return altered.has_value(); }));
    REQUIRE(*altered);
  }

  [[nodiscard]] broker::Partition& partition() const {
    return *world.partitions->find(topic.log(0));
  }

  void append(int batches) {
    for (int i = 0; i < batches; ++i) {
      bool is_done = false;
      partition().append(batch_of("v", 1), broker::Acks::kAll, [&](const auto& appended) {
        REQUIRE(appended);
        is_done = true;
      });
      REQUIRE(run_until(world.loop, [&] { return is_done; }));
    }
  }

  void drop_before(std::int64_t offset) {
    REQUIRE(partition().log()->drop_before(Offset(offset)));
    world.partitions->announce(partition());
  }

  void commit(std::int64_t next) {
    bool is_done = false;
    world.offsets->commit({"g", "t", PartitionId(0), {}}, {Offset(next), topic.incarnation},
                          [&](const Status& done) { is_done = done.has_value(); });
    REQUIRE(run_until(world.loop, [&] { return is_done; }));
  }

  [[nodiscard]] std::optional<Offset> committed() const {
    const auto found = world.offsets->find({"g", "t", PartitionId(0), {}});
    return found ? std::optional(found->next) : std::nullopt;
  }

  [[nodiscard]] Gap gap(std::int64_t from, std::int64_t to, GapReason reason = {}) const {
    return {"t", PartitionId(0), topic.incarnation, Offset(from), Offset(to), reason};
  }

  BrokerWorld world{Epoch(1)};
  broker::TopicDefinition topic;
};

struct Reader {
  Reader(Gapped& gapped, Consumer::Options options) {
    options.brokers = BrokerWorld::addresses();
    options.topics = {"t"};
    Consumer::Handlers handlers;
    handlers.message = [this](const auto&, const RecordView& record) -> Status {
      story.push_back("record " + std::to_string(record.offset.value()));
      return {};
    };
    handlers.gap = [this](const Gap& gap) {
      gaps.push_back(gap);
      story.push_back("gap");
    };
    handlers.error = [this](const Error& why) { errors.push_back(why); };
    handlers.cursor = [this](auto, auto) { return own; };
    consumer.emplace(gapped.world.client_context(), std::move(options), std::move(handlers));
    consumer->start();
  }

  std::optional<network::Cursor> own;
  std::vector<std::string> story;
  std::vector<Gap> gaps;
  std::vector<Error> errors;
  std::optional<Consumer> consumer;
};

using Story = std::vector<std::string>;

TEST_CASE("gaps: a committed offset below the log's start is told, whatever the reset is") {
  Gapped it;
  it.append(10);
  it.commit(3);
  it.drop_before(8);
  for (const auto reset : {StartAt::kEarliest, StartAt::kLatest}) {
    if (reset == StartAt::kLatest) {
      it.append(10);
      it.drop_before(18);
    }
    Reader reader(it, {.group = "g", .shares = false, .reset = reset});
    REQUIRE(run_until(it.world.loop, [&] { return reader.story.size() == 3; }));
    const bool is_second = reset == StartAt::kLatest;
    CHECK(reader.gaps == std::vector{is_second ? it.gap(10, 18) : it.gap(3, 8)});
    CHECK(reader.story == (is_second ? Story{"gap", "record 18", "record 19"}
                                     : Story{"gap", "record 8", "record 9"}));
    CHECK(reader.errors.empty());
    REQUIRE(
        run_until(it.world.loop, [&] { return it.committed() == Offset(is_second ? 20 : 10); }));
  }
  const auto counters = broker::gap_counters(it.world.metrics);
  CHECK(counters.gaps.value() == 2);
  CHECK(counters.records.value() == 13);
}

TEST_CASE("gaps: all is gone; the cursor is committed behind the gap, so that it is told once") {
  Gapped it;
  it.append(10);
  it.commit(3);
  it.drop_before(10);
  {
    Reader reader(it, {.group = "g", .shares = false});
    REQUIRE(run_until(it.world.loop, [&] { return it.committed() == Offset(10); }));
    CHECK(reader.gaps == std::vector{it.gap(3, 10)});
  }
  Reader again(it, {.group = "g", .shares = false});
  it.append(1);
  REQUIRE(run_until(it.world.loop, [&] { return !again.story.empty(); }));
  CHECK(again.story == Story{"record 10"});
}

// It has no credit for more than the first batch until it is resumed.
TEST_CASE("gaps: one that is slow is told between two records, in one piece") {
  Gapped it;
  it.append(2);
  Reader reader(it, {.start = StartAt::kEarliest, .credit_bytes = 1});
  REQUIRE(run_until(it.world.loop, [&] { return reader.story.size() == 2; }));
  reader.consumer->pause();
  it.append(10);
  it.drop_before(6);
  it.append(1);
  it.drop_before(9);
  reader.consumer->resume();
  REQUIRE(run_until(it.world.loop, [&] { return reader.story.back() == "record 12"; }));
  CHECK(reader.story == Story{"record 0", "record 1", "record 2", "gap", "record 9", "record 10",
                              "record 11", "record 12"});
  CHECK(reader.gaps == std::vector{it.gap(3, 9)});
  CHECK(reader.errors.empty());
}

TEST_CASE("gaps: a copy that was begun anew says so") {
  Gapped it;
  it.append(2);
  Reader reader(it, {.start = StartAt::kEarliest});
  REQUIRE(run_until(it.world.loop, [&] { return reader.story.size() == 2; }));
  REQUIRE(it.partition().restart_at(Offset(50)));
  it.world.partitions->announce(it.partition());
  REQUIRE(run_until(it.world.loop, [&] { return reader.gaps.size() == 1; }));
  CHECK(reader.gaps == std::vector{it.gap(2, 50, GapReason::kUpstream)});
}

TEST_CASE("gaps: an offset that was asked for is an error, and begins where the reset says") {
  Gapped it;
  it.append(4);
  it.drop_before(2);
  Reader reader(it, {.start = StartAt::kOffset, .start_offset = Offset(1)});
  REQUIRE(run_until(it.world.loop, [&] { return reader.story.size() == 2; }));
  CHECK(reader.story == Story{"record 2", "record 3"});
  REQUIRE_FALSE(reader.errors.empty());
  CHECK(reader.errors.front().code() == Errc::kOffsetOutOfRange);
}

TEST_CASE("gaps: own cursors: a gap where records go by age, anew where they are compacted") {
  for (const bool is_compacted : {false, true}) {
    CAPTURE(is_compacted);
    Gapped it(is_compacted ? R"({"cleanup":"compact"})" : "{}");
    it.append(6);
    it.drop_before(4);
    Reader reader(it, {.commit = Consumer::Commit::kOwnCursors});
    reader.own = network::Cursor{Offset(1), it.topic.incarnation};
    REQUIRE(
        run_until(it.world.loop, [&] { return reader.story.size() == (is_compacted ? 2U : 3U); }));
    CHECK(reader.gaps.empty() == is_compacted);
    CHECK(reader.errors.empty() != is_compacted);
    CHECK(reader.story.back() == "record 5");
  }
}

TEST_CASE("gaps: a group's member is told one, of a compacted topic as well") {
  Gapped it(R"({"cleanup":"compact"})");
  it.append(6);
  it.commit(1);
  it.drop_before(4);
  Reader reader(it, {.group = "g", .shares = false});
  REQUIRE(run_until(it.world.loop, [&] { return reader.story.size() == 3; }));
  CHECK(reader.gaps == std::vector{it.gap(1, 4)});
}

// As clients did before there were gaps.
TEST_CASE("gaps: who takes none is refused, or begins where its reset says") {
  Gapped it;
  it.append(6);
  it.commit(1);
  it.drop_before(4);
  std::vector<network::Frame> pushed;
  AskingClient client(it.world, [&](const auto& frame) { pushed.push_back(frame); });
  network::SubscribePartition wish{.partition = PartitionId(0), .start = StartAt::kCommitted};
  network::Subscribe asked{.topic = "t", .group = "g", .member = "m", .partitions = {wish}};
  const auto answer = network::answer_as<network::SubscribeAnswer>(
      network::FrameType::kSubscribe, client.ask(network::FrameType::kSubscribe, asked));
  REQUIRE(answer);
  CHECK(answer->partitions[0].cursor == Offset(4));
  it.drop_before(6);  // it has no credit: the error comes with the first that it is given
  wish = {.partition = PartitionId(0), .start = StartAt::kOffset, .offset = Offset(4)};
  asked.partitions = {wish};
  const auto refused = client.ask(network::FrameType::kSubscribe, asked);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kOffsetOutOfRange);
  CHECK(pushed.empty());
}

}  // namespace
}  // namespace xylem::testing
