// What clients are told of partitions that a broker does not have.
#include "common/batch/batch_builder.h"
#include "network/client/client_session.h"
#include "network/protocol/messages.h"
#include "tests/support/broker_world.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace xylem::testing {
namespace {

using network::Frame;
using network::FrameType;

const broker::Leader kOther{.node = "root-1", .tcp = "root-1:9093", .http = ""};

// A topic of three partitions, of which the last one is not here; a client that has said HELLO.
struct Moves {
  Moves() : topic(world.create("t", 3)) {
    world.leaders[PartitionId(2)] = kOther;
    REQUIRE(world.partitions->remove(topic.log(2)));
    network::ClientSession::Handlers handlers;
    handlers.frame = [this](const Frame& frame) { pushed.push_back(frame); };
    session.emplace(world.client_context(),
                    network::ClientSession::Options{.brokers = BrokerWorld::addresses()}, handlers);
    session->start();
    REQUIRE(run_until(world.loop, [&] { return session->is_ready(); }));
  }

  Result<Frame> ask(FrameType type, const std::vector<Slice>& pieces) {
    std::optional<Result<Frame>> answer;
    id = session->request(type, pieces, xylem::testing::kGiveUpMs,
                          [&](auto said) { answer = std::move(said); });
    REQUIRE(run_until(world.loop, [&] { return answer.has_value(); }));
    return std::move(*answer);
  }

  network::SubscribeAnswer subscribe(network::Subscribe request) {
    request.topic = "t";
    request.credit_bytes = 1'000'000;
    const auto answer = network::answer_as<network::SubscribeAnswer>(
        FrameType::kSubscribe, ask(FrameType::kSubscribe, network::payload_of(request)));
    REQUIRE(answer);
    return *answer;
  }

  network::SubscribeAnswer subscribe_to_all() {
    return subscribe({.member = "m", .partitions = {}, .every = network::SubscribePartition()});
  }

  Error next_error() {
    REQUIRE(run_until(world.loop,
                      [&] { return !pushed.empty() && pushed.back().type == FrameType::kError; }));
    CHECK(pushed.back().id == id);
    return network::to_error(*network::decode<network::ErrorMessage>(pushed.back().payload.bytes));
  }

  // The number of frames after one record more in that partition: as many as expected, or too many.
  std::size_t pushed_after_append(int partition, std::size_t expected) {
    BatchBuilder builder;
    REQUIRE(builder.add({.key = "k", .value = "v"}));
    bool is_there = false;
    world.partitions->find(topic.log(partition))
        ->append(*builder.build(), broker::Acks::kAll,
                 [&](const auto& done) { is_there = done.has_value(); });
    REQUIRE(run_until(world.loop, [&] { return is_there && pushed.size() >= expected; }));
    run_for(world.loop, 10);
    return pushed.size();
  }

  BrokerWorld world;
  broker::TopicDefinition topic;
  std::vector<Frame> pushed;
  std::uint64_t id = 0;  // of the last request
  std::optional<network::ClientSession> session;
};

TEST_CASE("partition moves: SUBSCRIBE serves what is here and names who has the rest") {
  Moves it;
  SUBCASE("every one") {
    const auto answer = it.subscribe_to_all();
    REQUIRE(answer.partitions.size() == 2);
    REQUIRE(answer.elsewhere.size() == 1);
    CHECK(answer.elsewhere[0].partition == PartitionId(2));
    CHECK(answer.elsewhere[0].leader_address == "root-1:9093");
    CHECK(it.pushed_after_append(1, 1) == 1);
  }
  SUBCASE("listed ones") {
    const auto answer = it.subscribe(
        {.partitions = {{.partition = PartitionId(1)}, {.partition = PartitionId(2)}}});
    CHECK(answer.partitions.size() == 1);
    CHECK(answer.elsewhere.size() == 1);
  }
  SUBCASE("nothing that is here") {
    const auto answer = it.subscribe({.partitions = {{.partition = PartitionId(2)}}});
    CHECK(answer.partitions.empty());
    CHECK(answer.elsewhere.size() == 1);
  }
  SUBCASE("this broker is named itself, or there is no such partition: nobody is known") {
    it.world.leaders[PartitionId(2)] = {.node = "broker", .tcp = "broker:9092", .http = ""};
    const auto answer = it.subscribe(
        {.partitions = {{.partition = PartitionId(2)}, {.partition = PartitionId(9)}}});
    REQUIRE(answer.elsewhere.size() == 2);
    CHECK(answer.elsewhere[0].leader_address.empty());
    CHECK(answer.elsewhere[1].leader_address.empty());
  }
}

TEST_CASE("partition moves: a later SUBSCRIBE of the same member takes the first one's place") {
  Moves it;
  it.subscribe_to_all();
  it.subscribe({.member = "m", .partitions = {{.partition = PartitionId(1)}}});
  CHECK(it.pushed_after_append(0, 0) == 0);
  CHECK(it.pushed_after_append(1, 1) == 1);
  CHECK(it.pushed[0].id == it.id);
  it.subscribe({.member = "m"});
  CHECK(it.pushed_after_append(1, 1) == 1);
}

TEST_CASE("partition moves: one that goes away ends the subscription, which says where it is") {
  Moves it;
  it.subscribe_to_all();
  it.world.leaders[PartitionId(1)] = kOther;
  REQUIRE(it.world.partitions->remove(it.topic.log(1)));
  const auto why = it.next_error();
  CHECK(why.code() == Errc::kNotLeader);
  CHECK(why.hint() == "root-1:9093");
  CHECK(it.pushed_after_append(0, 1) == 1);  // the ERROR: nothing is pushed any more
}

TEST_CASE("partition moves: a topic that changes or grows here goes on") {
  Moves it;
  it.subscribe_to_all();
  const auto grow = [&](const std::string& json) {
    bool is_done = false;
    it.world.topics->alter("t", json, [&](const auto& done) { is_done = done.has_value(); });
    REQUIRE(run_until(it.world.loop, [&] { return is_done; }));
    run_for(it.world.loop, 10);
  };
  grow(R"({"retentionMs":100000})");
  grow(R"({"partitions":4})");
  CHECK(it.pushed.empty());
  CHECK(it.pushed_after_append(3, 1) == 1);
}

TEST_CASE("partition moves: FETCH, DATA and METADATA name who leads the partition") {
  Moves it;
  const auto fetched =
      it.ask(FrameType::kFetch,
             network::payload_of(network::Fetch{.topic = "t", .partition = PartitionId(2)}));
  REQUIRE_FALSE(fetched);
  CHECK(fetched.error().code() == Errc::kNotLeader);
  CHECK(fetched.error().hint() == "root-1:9093");

  BatchBuilder builder;
  REQUIRE(builder.add({.key = "k", .value = "v"}));
  const network::DataHeader header{
      .topic = "t", .partition = PartitionId(2), .batch_count = 1, .acks = -1};
  const auto produced = it.ask(FrameType::kData, {Slice::own(network::encode_data_header(header)),
                                                  Slice::own(*builder.build())});
  REQUIRE_FALSE(produced);
  CHECK(produced.error().code() == Errc::kNotLeader);
  CHECK(produced.error().hint() == "root-1:9093");

  const auto metadata = network::answer_as<network::MetadataAnswer>(
      FrameType::kMetadata,
      it.ask(FrameType::kMetadata, network::payload_of(network::MetadataRequest{{"t"}})));
  REQUIRE(metadata);
  CHECK(metadata->topics.at(0).partitions.at(2).leader == "root-1");
  CHECK(metadata->topics.at(0).partitions.at(0).leader.empty());
}

TEST_CASE("partition moves: a fetch that waits is told when its partition goes") {
  Moves it;
  std::optional<Result<Frame>> answer;
  const network::Fetch fetch{.topic = "t", .partition = PartitionId(1), .wait_ms = 60'000};
  it.session->request(FrameType::kFetch, network::payload_of(fetch), 60'000,
                      [&](auto said) { answer = std::move(said); });
  run_for(it.world.loop, 10);
  REQUIRE_FALSE(answer);
  REQUIRE(it.world.partitions->remove(it.topic.log(1)));
  REQUIRE(run_until(it.world.loop, [&] { return answer.has_value(); }));
  REQUIRE_FALSE(*answer);
  CHECK(answer->error().code() == Errc::kNotLeader);
}

}  // namespace
}  // namespace xylem::testing
