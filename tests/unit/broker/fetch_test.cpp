// The pull form of delivery: FETCH.
#include "common/batch/batch.h"
#include "common/batch/batch_builder.h"
#include "network/client/client_session.h"
#include "network/protocol/messages.h"
#include "tests/support/broker_world.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

namespace xylem::testing {
namespace {

using network::Fetch;
using network::Frame;
using network::FrameType;

// A topic of one partition, and a client that has said HELLO.
struct Fetching {
  Fetching() : topic(world.create("t")) {
    session.emplace(world.client_context(),
                    network::ClientSession::Options{.brokers = BrokerWorld::addresses()},
                    network::ClientSession::Handlers());
    session->start();
    REQUIRE(run_until(world.loop, [&] { return session->is_ready(); }));
  }

  void publish(const std::string& value) {
    BatchBuilder builder;
    REQUIRE(builder.add({.key = "k", .value = value}));
    bool is_there = false;
    world.partitions->find(topic.log(0))
        ->append(*builder.build(), broker::Acks::kAll,
                 [&](const auto& done) { is_there = done.has_value(); });
    REQUIRE(run_until(world.loop, [&] { return is_there; }));
  }

  void begin(Fetch request) {
    request.topic = "t";
    answer.reset();
    session->request(FrameType::kFetch, network::payload_of(request), 60'000,
                     [this](auto said) { answer = std::move(said); });
  }

  network::Data end() {
    REQUIRE(run_until(world.loop, [&] { return answer.has_value(); }));
    REQUIRE(*answer);
    auto data = network::decode_data((*answer)->payload);
    REQUIRE(data);
    return std::move(*data);
  }

  network::Data fetch(const Fetch& request) {
    begin(request);
    return end();
  }

  BrokerWorld world;
  broker::TopicDefinition topic;
  std::optional<network::ClientSession> session;
  std::optional<Result<Frame>> answer;
};

TEST_CASE("fetch: what follows the cursor, as much as was asked for, one batch at least") {
  Fetching it;
  for (const auto* value : {"a", "b", "c"}) it.publish(value);
  const auto all = it.fetch({.cursor = Offset(1)});
  CHECK(all.header.batch_count == 2);
  CHECK(all.header.first_offset == Offset(1));
  CHECK(all.header.high_watermark == Offset(3));
  CHECK(all.header.incarnation == it.topic.log(0).incarnation);
  CHECK(read_batch_header(all.batches.bytes)->base_offset == Offset(1));
  const auto one = it.fetch({.cursor = Offset(0), .bytes_max = 1});
  CHECK(one.header.batch_count == 1);
  CHECK(one.batches.bytes.size() < all.batches.bytes.size());
}

TEST_CASE("fetch: who has everything waits as long as it likes") {
  Fetching it;
  it.publish("a");
  SUBCASE("not at all") { CHECK(it.fetch({.cursor = Offset(1)}).header.batch_count == 0); }
  SUBCASE("until its time is over") {
    CHECK(it.fetch({.cursor = Offset(1), .wait_ms = 5}).header.batch_count == 0);
  }
  SUBCASE("until there is something") {
    it.begin({.cursor = Offset(1), .wait_ms = 60'000});
    run_for(it.world.loop, 10);
    REQUIRE_FALSE(it.answer);
    it.publish("b");
    CHECK(it.end().header.batch_count == 1);
  }
}

TEST_CASE("fetch: a cursor that is not in the log is refused") {
  Fetching it;
  it.publish("a");
  it.begin({.cursor = Offset(-1)});
  REQUIRE(run_until(it.world.loop, [&] { return it.answer.has_value(); }));
  REQUIRE_FALSE(*it.answer);
  CHECK(it.answer->error().code() == Errc::kOffsetOutOfRange);
}

}  // namespace
}  // namespace xylem::testing
