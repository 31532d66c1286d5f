// Subscriptions with a filter: what is sent, how cursors move on, and what a wrong filter is told.
#include "broker/delivery/filtered_batches.h"
#include "common/batch/batch_builder.h"
#include "tests/support/broker_world.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace xylem::testing {
namespace {

using network::Consumer;

Buffer batch_of(std::int64_t base, const std::vector<std::string>& keys, Compression codec) {
  BatchBuilder builder(codec);
  for (const auto& key : keys)
    REQUIRE(builder.add({.key = key, .value = std::string(100, 'v'), .headers = {}}));
  auto built = builder.build();
  REQUIRE(built);
  assign(*built, Offset(base), Epoch(3));
  return *built;
}

std::vector<std::string> keys_in(const broker::FilteredBatches& batches) {
  std::vector<std::string> keys;
  for (const auto& slice : batches.slices) {
    REQUIRE(check_batch(slice.bytes));
    auto reader = BatchReader::open(slice.bytes);
    REQUIRE(reader);
    while (const auto record = reader->next())
      keys.push_back(std::to_string((*record)->offset.value()) +
                     text_of(*(*record)->key).data()[0]);
  }
  return keys;
}

Offset end_of(const broker::FilteredBatches& batches) {
  return read_batch_header(batches.slices.back().bytes)->next_offset();
}

TEST_CASE("filtered batches: whole, made anew with their offsets, or stood for by an empty one") {
  const auto filter = *broker::RecordFilter::parse(R"(key ^= "a")");
  for (const auto codec : {Compression::kNone, Compression::kLz4}) {
    const auto whole = Slice::own(batch_of(0, {"a", "a"}, codec));
    const auto some = Slice::own(batch_of(2, {"b", "a", "b"}, codec));
    const auto none = Slice::own(batch_of(5, {"b", "b"}, codec));
    const auto all = broker::filtered({whole, some, none}, filter, 10'000);
    CHECK(keys_in(all) == std::vector<std::string>{"0a", "1a", "3a"});
    CHECK(all.slices.size() == 3);
    CHECK(all.slices.front().bytes.data() == whole.bytes.data());
    CHECK(end_of(all) == Offset(7));

    const auto behind =
        broker::filtered({none, Slice::own(batch_of(7, {"a"}, codec))}, filter, 10'000);
    CHECK(behind.slices.size() == 1);
    CHECK(end_of(behind) == Offset(8));
    const auto nothing = broker::filtered({none}, filter, 10'000);
    CHECK(nothing.bytes == kBatchHeaderBytes);
    CHECK(end_of(nothing) == Offset(7));
    const auto part = broker::filtered({whole, some, none}, filter, 1);
    CHECK(part.slices.size() == 1);
    CHECK(part.next == Offset(2));
  }
}

struct Receiver {
  Receiver(BrokerWorld& world, const std::string& filter)
      : consumer(world.client_context(),
                 {.brokers = BrokerWorld::addresses(),
                  .group = "g",
                  .topics = {"t"},
                  .filter = filter,
                  .credit_bytes = 10'000},
                 {.batch = {},
                  .message = [this](const auto&, const RecordView& record) -> Status {
                    keys.emplace_back(text_of(*record.key));
                    return {};
                  },
                  .error = [this](const Error& error) { errors.push_back(error); },
                  .reset = {},
                  .ready = {},
                  .cursor = {},
                  .subscribed = {}}) {
    consumer.start();
  }

  std::vector<std::string> keys;
  std::vector<Error> errors;
  Consumer consumer;
};

void produce(BrokerWorld& world, const std::vector<std::string>& keys) {
  network::Producer producer(world.client_context(),
                             {.brokers = BrokerWorld::addresses(), .linger_ms = 0});
  std::size_t acknowledged = 0;
  for (const auto& key : keys) {
    Record record{.key = key, .value = std::string(1'000, 'v'), .headers = {}};
    REQUIRE(producer.send_to("t", PartitionId(0), record, [&](const auto&) { ++acknowledged; }));
    REQUIRE(run_until(world.loop, [&] { return acknowledged > 0; }));
    acknowledged = 0;
  }
}

TEST_CASE("filtered delivery: only what matches comes, and what does not is behind the group") {
  BrokerWorld world;
  const auto topic = world.create("t");
  std::vector<std::string> keys;
  for (int i = 0; i < 400; ++i) keys.push_back(i % 100 == 7 ? "a" : "b");
  produce(world, keys);
  Receiver receiver(world, R"(key = "a")");
  const auto committed = [&] {
    const auto found = world.offsets->find({"g", "t", PartitionId(0)});
    return found ? found->next : Offset(0);
  };
  REQUIRE(run_until(world.loop, [&] { return committed() == Offset(400); }));
  CHECK(receiver.keys == std::vector<std::string>(4, "a"));
  produce(world, {"b", "b"});
  REQUIRE(run_until(world.loop, [&] { return committed() == Offset(402); }));
  CHECK(receiver.keys.size() == 4);
  CHECK(receiver.errors.empty());
}

TEST_CASE("filtered delivery: a partition whose handler fails does not hold up the others") {
  BrokerWorld world;
  world.create("t", 2);
  network::Producer producer(world.client_context(), {.brokers = BrokerWorld::addresses()});
  int acknowledged = 0;
  for (int i = 0; i < 2'000; ++i) {
    Record record{.key = i % 100 == 7 ? "a" : "b", .value = std::string(1'000, 'v'), .headers = {}};
    REQUIRE(
        producer.send_to("t", PartitionId(i % 2), record, [&](const auto&) { ++acknowledged; }));
  }
  REQUIRE(run_until(world.loop, [&] { return acknowledged == 2'000; }));
  int taken = 0;
  network::Consumer::Handlers handlers;
  handlers.message = [&](const auto& batch, const RecordView&) -> Status {
    if (batch.partition == PartitionId(1)) return fail(Errc::kIo, "not now");
    ++taken;
    return {};
  };
  handlers.error = [](const Error&) {};
  Consumer consumer(
      world.client_context(),
      {.brokers = BrokerWorld::addresses(), .topics = {"t"}, .filter = R"(key ^= "")"},
      std::move(handlers));
  consumer.start();
  REQUIRE(run_until(world.loop, [&] { return taken == 1'000; }));
}

TEST_CASE("filtered delivery: a filter that is none is refused, with what is wrong") {
  BrokerWorld world;
  world.create("t");
  Receiver receiver(world, "color = red");
  REQUIRE(run_until(world.loop, [&] { return !receiver.errors.empty(); }));
  CHECK(receiver.errors.front().code() == Errc::kInvalidRequest);
  CHECK(receiver.errors.front().what().contains("expected at character 1"));
}

}  // namespace
}  // namespace xylem::testing
