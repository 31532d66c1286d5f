// One message of every kind, every field set.
#pragma once

#include "network/protocol/messages.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::network::testing {

inline const Incarnation kIncarnation{Uuid::from_words(0x0102030405060708, 0x090A0B0C0D0E0F10), 3};

inline const DataHeader kHeader{.topic = "prices",
                                .partition = PartitionId(2),
                                .incarnation = kIncarnation,
                                .first_offset = Offset(1'000),
                                .epoch = Epoch(5),
                                .batch_count = 7,
                                .acks = 1,
                                .refresh_id = 9,
                                .high_watermark = Offset(2'000)};

// A message, its bytes on the wire, and its decoder as "the bytes it would encode to again".
struct Sample {
  std::string name;
  Buffer bytes;
  std::function<Result<Buffer>(Bytes)> again;
};

template <class Message>
Sample sample(std::string name, const Message& message) {
  return {std::move(name), encode(message), [](Bytes bytes) -> Result<Buffer> {
            auto decoded = decode<Message>(bytes);
            if (!decoded) return pass(decoded);
            return encode(*decoded);
          }};
}

inline std::vector<Sample> session_samples() {
  const PartitionMetadata partition{.partition = PartitionId(1),
                                    .leader = "root-0",
                                    .leader_address = "root-0:9092",
                                    .epoch = Epoch(4),
                                    .log_start = Offset(10),
                                    .high_watermark = Offset(20)};
  return {
      sample("hello", Hello{.client_id = "till-7", .token = "secret"}),
      sample("hello answer", HelloAnswer{.node = "root-0",
                                         .role = "ROOT",
                                         .cluster = kIncarnation.topic,
                                         .payload_bytes_max = 16'777'216,
                                         .heartbeat_ms = 3'000}),
      sample("metadata request", MetadataRequest{.topics = {"a", "bc"}}),
      sample("metadata answer",
             MetadataAnswer{.topics = {{.name = "prices",
                                        .incarnation = kIncarnation,
                                        .partitions = {partition, PartitionMetadata()}}},
                            .unknown = {"gone"}}),
      sample("error", ErrorMessage{.code = 11, .text = "not the leader", .hint = "root-0:9092"}),
      sample("admin", Admin{.command = "topic.create", .json = R"({"name":"t"})"}),
      sample("hello answer, coordinators", HelloAnswer{.node = "root-0", .has_coordinators = true}),
      sample("metadata request, offsets",
             MetadataRequest{.topics = {"a"}, .group = "tills", .with_offsets = true}),
      sample("metadata answer, offsets",
             MetadataAnswer{.topics = {{.name = "a",
                                        .incarnation = kIncarnation,
                                        .partitions = {{.committed = Offset(15)}}}},
                            .unknown = {},
                            .coordinator_address = "root-1:9092"}),
      sample("metadata request, instance", MetadataRequest{.topics = {"a"},
                                                           .group = "tills",
                                                           .with_offsets = true,
                                                           .member = "till-7-1",
                                                           .instance = "till-7"}),
      sample("metadata answer, broadcast",
             MetadataAnswer{.topics = {{.name = "a",
                                        .incarnation = kIncarnation,
                                        .delivery = Delivery::kBroadcast}}}),
  };
}

inline std::vector<Sample> record_samples() {
  return {
      sample("produce ack", ProduceAck{.incarnation = kIncarnation,
                                       .base_offset = Offset(5),
                                       .next_offset = Offset(9),
                                       .replicas_synced = 2}),
      sample("delivery ack", DeliveryAck{.topic = "prices",
                                         .partition = PartitionId(1),
                                         .incarnation = kIncarnation,
                                         .next_offset = Offset(9),
                                         .credit_bytes = 4'096}),
      sample("fetch", Fetch{.topic = "prices",
                            .partition = PartitionId(1),
                            .incarnation = kIncarnation,
                            .cursor = Offset(77),
                            .bytes_max = 1'000,
                            .wait_ms = 500}),
      {"data header", encode_data_header(kHeader),
       [](Bytes bytes) -> Result<Buffer> {
         auto data = decode_data(Slice{nullptr, bytes});
         if (!data) return pass(data);
         return encode_data_header(data->header);
       }},
  };
}

inline std::vector<Sample> subscription_samples() {
  const SubscribePartition partition{.partition = PartitionId(3),
                                     .start = StartAt::kOffset,
                                     .reset = StartAt::kLatest,
                                     .offset = Offset(42),
                                     .incarnation = kIncarnation};
  return {
      sample("subscribe", Subscribe{.topic = "prices",
                                    .group = "tills",
                                    .member = "till-7",
                                    .partitions = {partition, SubscribePartition()},
                                    .every = partition,
                                    .credit_bytes = 65'536,
                                    .auto_commit = false}),
      sample("subscribe answer", SubscribeAnswer{.topic = "prices",
                                                 .incarnation = kIncarnation,
                                                 .partitions = {{.partition = PartitionId(1),
                                                                 .cursor = Offset(2),
                                                                 .log_start = Offset(1),
                                                                 .high_watermark = Offset(3)}},
                                                 .elsewhere = {}}),
      sample("subscribe answer, elsewhere",
             SubscribeAnswer{.topic = "prices",
                             .incarnation = kIncarnation,
                             .partitions = {},
                             .elsewhere = {{PartitionId(2), "root-1:9093"}, {PartitionId(4), ""}}}),
      sample("commit", CommitOffset{.group = "tills",
                                    .member = "till-7",
                                    .group_generation = 4,
                                    .topic = "prices",
                                    .partition = PartitionId(1),
                                    .incarnation = kIncarnation,
                                    .next_offset = Offset(9)}),
      sample("subscribe, counting",
             Subscribe{.topic = "prices", .group = "tills", .counts_deliveries = true}),
      sample(
          "subscribe answer, counting",
          SubscribeAnswer{.topic = "prices", .incarnation = kIncarnation, .dead_letter_after = 5}),
      sample("delivery failure", DeliveryFailure{.group = "tills",
                                                 .member = "till-7",
                                                 .topic = "prices",
                                                 .partition = PartitionId(1),
                                                 .incarnation = kIncarnation,
                                                 .offset = Offset(8),
                                                 .reason = "no such article"}),
      sample("delivery failure answer",
             DeliveryFailureAnswer{.deliveries = 5, .is_dead_lettered = true}),
      sample("refresh", Refresh{.topic = "prices",
                                .refresh_id = 12,
                                .incarnation = kIncarnation,
                                .reason = "retention outran it",
                                .barrier = {Offset(5), Offset(6)}}),
      sample("gap", Gap{.topic = "prices",
                        .partition = PartitionId(1),
                        .incarnation = kIncarnation,
                        .from = Offset(9),
                        .to = Offset(70),
                        .reason = GapReason::kUpstream}),
      sample("subscribe, instance",
             Subscribe{.topic = "prices",
                       .group = "tills",
                       .member = "till-7-1",
                       .partitions = {{.partition = PartitionId(1),
                                       .takes_gaps = TakesGaps::kUnlessCompacted}},
                       .every = SubscribePartition{.takes_gaps = TakesGaps::kYes},
                       .instance = "till-7"}),
      sample("commit, instance", CommitOffset{.group = "tills",
                                              .member = "till-7-1",
                                              .topic = "prices",
                                              .next_offset = Offset(9),
                                              .instance = "till-7"}),
  };
}

inline std::vector<Sample> group_samples() {
  const std::vector<TopicPartitions> some = {{"prices", {PartitionId(1), PartitionId(4)}},
                                             {"rules", {}}};
  return {
      sample("group beat", GroupBeat{.group = "tills",
                                     .member = "till-7-1",
                                     .instance = "till-7",
                                     .topics = {"prices", "rules"},
                                     .assignor = "sticky",
                                     .owned = some,
                                     .generation = 12,
                                     .leaves = true}),
      sample("group assignment", GroupAssignment{.group = "tills",
                                                 .generation = 13,
                                                 .assigned = some,
                                                 .beat_ms = 3'000,
                                                 .session_ms = 10'000}),
      sample("group assignment, broadcast",
             GroupAssignment{
                 .group = "tills", .generation = 13, .assigned = some, .broadcast = {"rules"}}),
  };
}

inline std::vector<Sample> samples() {
  auto all = session_samples();
  for (auto& one : record_samples()) all.push_back(std::move(one));
  for (auto& one : subscription_samples()) all.push_back(std::move(one));
  for (auto& one : group_samples()) all.push_back(std::move(one));
  return all;
}

}  // namespace xylem::network::testing
