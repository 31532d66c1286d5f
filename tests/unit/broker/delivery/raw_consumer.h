// A consumer without a library: it subscribes once, to all of "t", acknowledges as it is told, and
// is lost without a word.
#pragma once

#include "common/batch/batch_builder.h"
#include "network/client/client_session.h"
#include "tests/support/broker_world.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

namespace xylem::testing {

class RawConsumer {
 public:
  static network::Subscribe whole(const std::string& group,
                                  const std::string& member,
                                  const std::string& instance = {}) {
    network::Subscribe subscribe{.topic = "t", .group = group, .member = member};
    subscribe.every = network::SubscribePartition{};
    subscribe.credit_bytes = 1 << 20;
    subscribe.instance = instance;
    subscribe.counts_deliveries = !group.empty();
    return subscribe;
  }

  RawConsumer(BrokerWorld& world, const network::Subscribe& subscribe) : world_(world) {
    network::ClientSession::Handlers handlers;
    handlers.ready = [this](const auto&) { is_ready_ = true; };
    handlers.frame = [this](const network::Frame& frame) { take(frame); };
    handlers.lost = [this](const auto&) { is_ready_ = false; };
    session_.emplace(
        world.client_context(),
        network::ClientSession::Options{
            .brokers = BrokerWorld::addresses(), .client_id = "raw", .backoff_ms = 60'000},
        std::move(handlers));
    session_->start();
    REQUIRE(run_until(world.loop, [&] { return is_ready_; }));
    session_->request(network::FrameType::kSubscribe, network::payload_of(subscribe), kGiveUpMs,
                      [this](const auto& answer) {
                        REQUIRE(answer);
                        id_ = answer->id;
                        told = *network::decode<network::SubscribeAnswer>(answer->payload.bytes);
                      });
    REQUIRE(run_until(world.loop, [&] { return told.has_value(); }));
  }

  [[nodiscard]] bool is_given(std::size_t records) {
    return run_until(world_.loop, [&] { return given.size() >= records; });
  }

  [[nodiscard]] bool is_told(Errc code) {
    return run_until(world_.loop, [&] { return !errors.empty(); }) && errors.front().code() == code;
  }

  // Without credit: only how far it is. The broker has seen it: it has answered what came after.
  void acknowledge(const Incarnation& incarnation, Offset next, std::uint32_t credit_bytes) {
    const network::DeliveryAck ack{.topic = "t",
                                   .partition = PartitionId(0),
                                   .incarnation = incarnation,
                                   .next_offset = next,
                                   .credit_bytes = credit_bytes};
    session_->send(network::FrameType::kAck, id_, network::payload_of(ack));
    bool is_answered = false;
    session_->request(network::FrameType::kMetadata,
                      network::payload_of(network::MetadataRequest{.topics = {"t"}}), kGiveUpMs,
                      [&](const auto& /*answer*/) { is_answered = true; });
    REQUIRE(run_until(world_.loop, [&] { return is_answered; }));
  }

  // The broker has seen it.
  void die() {
    const auto before = world_.clients->connections();
    session_->reconnect(Error(Errc::kCancelled, "killed"));
    REQUIRE(run_until(world_.loop, [&] { return world_.clients->connections() < before; }));
  }

  std::vector<Offset> given;
  std::vector<Error> errors;
  std::optional<network::SubscribeAnswer> told;

 private:
  void take(const network::Frame& frame) {
    if (frame.id != id_) return;
    if (frame.type == network::FrameType::kError)
      errors.push_back(
          network::to_error(*network::decode<network::ErrorMessage>(frame.payload.bytes)));
    if (frame.type != network::FrameType::kData) return;
    const auto data = network::decode_data(frame.payload);
    for (auto left = data->batches.bytes; !left.empty();) {
      const auto header = read_batch_header(left);
      auto reader = BatchReader::open(left.first(header->bytes));
      while (auto record = reader->next()) given.push_back((*record)->offset);
      left = left.subspan(header->bytes);
    }
  }

  BrokerWorld& world_;
  bool is_ready_ = false;
  std::uint64_t id_ = 0;
  std::optional<network::ClientSession> session_;
};

// With a topic "t" that counts deliveries.
struct CountingWorld : BrokerWorld {
  explicit CountingWorld(std::int32_t dead_letter_after = 5, std::int32_t partition_count = 1) {
    topic = create("t", partition_count, dead_letter_after);
  }

  void append(int records, std::int32_t partition = 0) {
    auto* log = partitions->find(topic.log(partition));
    REQUIRE(log != nullptr);
    const auto end = log->high_watermark() + records;
    for (int i = 0; i < records; ++i) {
      BatchBuilder builder;
      REQUIRE(builder.add(Record{.key = "k", .value = "v"}));
      log->append(*builder.build(), broker::Acks::kAll,
                  [](const auto& appended) { CHECK(appended); });
    }
    REQUIRE(run_until(loop, [&] { return log->high_watermark() == end; }));
  }

  [[nodiscard]] const broker::DeliveryCount* count(const std::string& group = "g") {
    return counts->find({group, "t", PartitionId(0)});
  }

  // It is a member of the group, which has all that is free.
  void join(const std::string& group, const std::string& member, const std::string& instance = {}) {
    broker::Group::Beat beat{.member = member, .instance = instance, .client = "c"};
    beat.topics = {"t"};
    REQUIRE(memberships->beat(group, beat, [](const auto&) { return true; }));
  }

  broker::TopicDefinition topic;
};

}  // namespace xylem::testing
