// A broker for tests of clients: logs in memory, whole batches, credit, and a hook that may answer
// any frame in its own way.
#pragma once

#include "common/batch/batch.h"
#include "common/batch/batch_builder.h"
#include "common/batch/record.h"
#include "network/protocol/messages.h"
#include "network/transport/transport.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::testing {

// What a partition knows of one idempotent producer: of its epoch every batch, by first sequence.
struct FakeProducer {
  std::int16_t epoch = -1;
  std::int32_t next = 0;
  std::map<std::int32_t, network::ProduceAck> stored;
};

struct FakePartition {
  std::vector<Buffer> batches;
  Offset end;
  std::map<std::int64_t, FakeProducer> producers;
  std::optional<std::string> elsewhere;  // it is not here; the leader's "host:port" or nothing
};

struct FakeTopic {
  Incarnation incarnation{.topic = Uuid::from_words(1, 2), .generation = 0};
  std::vector<FakePartition> partitions;
  std::string leader;  // "host:port"; empty: the broker itself
  std::uint32_t dead_letter_after = 0;
};

inline Buffer batch_of(const std::vector<std::string>& values, Offset base) {
  BatchBuilder builder;
  for (const auto& value : values) {
    Record record{.key = "k-" + value, .value = value};
    record.timestamp_ms = 1;
    (void)builder.add(record);
  }
  auto batch = *builder.build();
  assign(batch, base, Epoch(3));
  return batch;
}

inline std::vector<std::string> values_of(Bytes batch) {
  std::vector<std::string> values;
  auto reader = BatchReader::open(batch);
  while (auto record = reader->next()) values.emplace_back(text_of((*record)->value.value()));
  return values;
}

class FakeBroker {
 public:
  struct Peer final : network::ConnectionHandler {
    struct Subscribed {
      network::Subscribe asked;
      std::map<PartitionId, Offset> cursors;
      std::int64_t credit_bytes = 0;
    };

    FakeBroker* broker = nullptr;
    std::shared_ptr<network::Connection> connection;
    std::map<std::uint64_t, Subscribed> subscriptions;

    void on_frame(network::Frame frame) override { broker->take(*this, frame); }

    void on_closed(const Error& /*why*/) override {
      connection.reset();
      subscriptions.clear();
    }

    template <class Message>
    void answer(network::FrameType type, std::uint64_t id, const Message& message) {
      const auto payload = Slice::own(network::encode(message));
      connection->send(type, id, {&payload, 1});
    }

    void refuse(std::uint64_t id, Errc code, std::string hint = {}) {
      answer(network::FrameType::kError, id,
             network::to_message(Error(code, "refused", std::move(hint))));
    }
  };

  struct Produced {
    std::string topic;
    PartitionId partition;
    std::int8_t acks;
    std::vector<std::string> values;
  };

  // True: the hook has dealt with the frame.
  using Hook = std::function<bool(Peer&, const network::Frame&)>;

  FakeBroker(network::MemoryHub& hub, std::uint16_t port)
      : address{.host = "broker", .port = port}, server_(hub.make_server()) {
    listen();
  }

  // On TCP, at any free port.
  explicit FakeBroker(std::unique_ptr<network::NetworkServer> tcp)
      : address{.host = "127.0.0.1", .port = 0}, server_(std::move(tcp)) {
    address.port = listen();
  }

  // As a broker that died.
  void stop() {
    for (auto& peer : peers) peer.connection.reset();
    server_.reset();
  }

  FakeTopic& add_topic(const std::string& name, std::size_t partition_count) {
    auto& topic = topics[name];
    topic.partitions.resize(partition_count);
    return topic;
  }

  void append(const std::string& topic, int partition, const std::vector<std::string>& values) {
    auto& log = topics.at(topic).partitions.at(static_cast<std::size_t>(partition));
    store(log, batch_of(values, log.end));
    push_all();
  }

  // As a broker that lost the partition to `leader`: whoever subscribed to it is told.
  void move_away(const std::string& topic, int partition, const std::string& leader) {
    const PartitionId moved(partition);
    topics.at(topic).partitions.at(static_cast<std::size_t>(partition)).elsewhere = leader;
    for (auto& peer : peers) {
      std::erase_if(peer.subscriptions, [&](const auto& one) {
        const bool is_ended = one.second.asked.topic == topic && one.second.cursors.contains(moved);
        if (is_ended) peer.refuse(one.first, Errc::kNotLeader, leader);
        return is_ended;
      });
    }
  }

  void push_all() {
    for (auto& peer : peers)
      for (auto& [id, subscribed] : peer.subscriptions) push(peer, id, subscribed);
  }

  // Frames of that type that came in.
  [[nodiscard]] std::size_t count(network::FrameType type) const {
    return static_cast<std::size_t>(std::ranges::count(received, type));
  }

  // The peers that are connected.
  [[nodiscard]] std::size_t connected() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(peers, [](const Peer& peer) { return peer.connection != nullptr; }));
  }

  network::Address address;
  std::map<std::string, FakeTopic> topics;
  Hook hook;
  std::uint32_t heartbeat_ms = 0;
  // Where groups have coordinators: whom this broker takes for it; empty: it knows nobody.
  std::optional<std::string> coordinator;
  std::map<PartitionId, Offset> committed;  // of the one group, in the one topic
  std::list<Peer> peers;
  std::vector<network::FrameType> received;
  std::vector<Produced> produced;
  std::vector<network::Subscribe> subscribes;
  std::vector<network::DeliveryAck> acks;
  std::vector<network::CommitOffset> commits;
  std::vector<network::GroupBeat> beats;

 private:
  using FrameType = network::FrameType;

  std::uint16_t listen() {
    const auto port = server_->listen(address, [this](std::shared_ptr<network::Connection> one) {
      auto& peer = peers.emplace_back();
      peer.broker = this;
      peer.connection = std::move(one);
      peer.connection->set_handler(&peer);
      peer.connection->allow_large_payloads();
    });
    return port.value_or(0);
  }

  static void store(FakePartition& log, Buffer batch) {
    log.end = read_batch_header(batch)->next_offset();
    log.batches.push_back(std::move(batch));
  }

  void take(Peer& peer, const network::Frame& frame) {
    received.push_back(frame.type);
    if (hook && hook(peer, frame)) return;
    const auto payload = frame.payload.bytes;
    switch (frame.type) {
      case FrameType::kHello:
        return peer.answer(frame.type, frame.id,
                           network::HelloAnswer{.node = "fake",
                                                .role = "ROOT",
                                                .payload_bytes_max = 1 << 24,
                                                .heartbeat_ms = heartbeat_ms,
                                                .has_coordinators = coordinator.has_value()});
      case FrameType::kMetadata:
        return describe(peer, frame.id, *network::decode<network::MetadataRequest>(payload));
      case FrameType::kData:
        return produce(peer, frame.id, *network::decode_data(frame.payload));
      case FrameType::kSubscribe:
        return subscribe(peer, frame.id, *network::decode<network::Subscribe>(payload));
      case FrameType::kAck:
        return refill(peer, frame.id, *network::decode<network::DeliveryAck>(payload));
      case FrameType::kCommitOffset:
        return commit(peer, frame);
      case FrameType::kAssignment:
        return answer_beat(peer, frame.id, *network::decode<network::GroupBeat>(payload));
      default:
        return;
    }
  }

  [[nodiscard]] bool is_elsewhere() const { return coordinator && *coordinator != address.text(); }

  void commit(Peer& peer, const network::Frame& frame) {
    if (is_elsewhere()) return peer.refuse(frame.id, Errc::kNotLeader, *coordinator);
    commits.push_back(*network::decode<network::CommitOffset>(frame.payload.bytes));
    committed[commits.back().partition] = commits.back().next_offset;
    peer.connection->send(frame.type, frame.id, {});
  }

  // A group has one member at most here, who gets everything.
  void answer_beat(Peer& peer, std::uint64_t id, const network::GroupBeat& beat) {
    if (is_elsewhere()) return peer.refuse(id, Errc::kNotLeader, *coordinator);
    beats.push_back(beat);
    network::GroupAssignment assignment{.group = beat.group, .generation = 1};
    for (const auto& name : beat.topics) {
      const auto topic = topics.find(name);
      if (topic == topics.end()) continue;
      auto& all = assignment.assigned.emplace_back();
      all.topic = name;
      for (std::size_t index = 0; index < topic->second.partitions.size(); ++index)
        all.partitions.emplace_back(static_cast<std::int32_t>(index));
    }
    peer.answer(FrameType::kAssignment, id, assignment);
  }

  void describe(Peer& peer, std::uint64_t id, const network::MetadataRequest& request) {
    if (request.with_offsets && is_elsewhere())
      return peer.refuse(id, Errc::kNotLeader, *coordinator);
    network::MetadataAnswer answer{.coordinator_address = coordinator.value_or("")};
    for (const auto& name : request.topics) {
      const auto topic = topics.find(name);
      if (topic == topics.end()) {
        answer.unknown.push_back(name);
        continue;
      }
      network::TopicMetadata one{.name = name, .incarnation = topic->second.incarnation};
      for (std::size_t index = 0; index < topic->second.partitions.size(); ++index) {
        const auto& leader =
            topic->second.partitions[index].elsewhere.value_or(topic->second.leader);
        one.partitions.push_back({.partition = PartitionId(static_cast<std::int32_t>(index)),
                                  .leader = "fake",
                                  .leader_address = leader.empty() ? address.text() : leader,
                                  .epoch = Epoch(3)});
        const auto known = committed.find(one.partitions.back().partition);
        if (request.with_offsets && known != committed.end())
          one.partitions.back().committed = known->second;
      }
      answer.topics.push_back(std::move(one));
    }
    peer.answer(FrameType::kMetadata, id, answer);
  }

  void produce(Peer& peer, std::uint64_t id, const network::Data& data) {
    const auto& header = data.header;
    const auto topic = topics.find(header.topic);
    if (topic == topics.end()) return peer.refuse(id, Errc::kUnknownTopicOrPartition);
    if (!topic->second.leader.empty() && topic->second.leader != address.text())
      return peer.refuse(id, Errc::kNotLeader, topic->second.leader);
    auto& log = topic->second.partitions.at(static_cast<std::size_t>(header.partition.value()));
    Buffer batch(data.batches.bytes.begin(), data.batches.bytes.end());
    if (!check_batch_deeply(batch)) return peer.refuse(id, Errc::kCorrupt);
    const auto sent = *read_batch_header(batch);
    auto& producer = log.producers[sent.producer_id];
    if (sent.producer_id >= 0) {
      if (sent.producer_epoch > producer.epoch && sent.base_sequence == 0)
        producer = {.epoch = sent.producer_epoch, .next = 0, .stored = {}};
      const auto known = producer.stored.find(sent.base_sequence);
      if (sent.producer_epoch == producer.epoch && known != producer.stored.end())
        return peer.answer(FrameType::kAck, id, known->second);
      if (sent.producer_epoch != producer.epoch || sent.base_sequence != producer.next)
        return peer.refuse(id, Errc::kOutOfOrderSequence);
    }
    const auto base = log.end;
    assign(batch, base, Epoch(3));
    produced.push_back({header.topic, header.partition, header.acks, values_of(batch)});
    store(log, std::move(batch));
    const network::ProduceAck ack{.incarnation = topic->second.incarnation,
                                  .base_offset = base,
                                  .next_offset = log.end,
                                  .replicas_synced = 1};
    producer.stored[sent.base_sequence] = ack;
    producer.next = sequence_after(sent.base_sequence, sent.record_count);
    if (header.acks != 0) peer.answer(FrameType::kAck, id, ack);
    push_all();
  }

  void subscribe(Peer& peer, std::uint64_t id, const network::Subscribe& asked) {
    subscribes.push_back(asked);
    const auto found = topics.find(asked.topic);
    if (found == topics.end()) return peer.refuse(id, Errc::kUnknownTopicOrPartition);
    auto& topic = found->second;
    std::erase_if(peer.subscriptions, [&](const auto& older) {
      return older.second.asked.topic == asked.topic && older.second.asked.member == asked.member;
    });
    auto& subscribed = peer.subscriptions[id];
    subscribed.asked = asked;
    subscribed.credit_bytes = asked.credit_bytes;
    network::SubscribeAnswer answer{.topic = asked.topic, .incarnation = topic.incarnation};
    answer.dead_letter_after = asked.counts_deliveries ? topic.dead_letter_after : 0;
    for (std::size_t index = 0; index < topic.partitions.size(); ++index) {
      const PartitionId partition(static_cast<std::int32_t>(index));
      const auto listed =
          std::ranges::find(asked.partitions, partition, &network::SubscribePartition::partition);
      if (listed == asked.partitions.end() && !asked.every) continue;
      if (const auto& leader = topic.partitions[index].elsewhere) {
        answer.elsewhere.push_back({partition, *leader});
        continue;
      }
      const auto& where = listed == asked.partitions.end() ? *asked.every : *listed;
      const auto end = topic.partitions[index].end;
      Offset cursor;
      const auto start = where.start == network::StartAt::kCommitted ? where.reset : where.start;
      if (start == network::StartAt::kLatest) cursor = end;
      if (start == network::StartAt::kOffset && where.offset <= end) cursor = where.offset;
      subscribed.cursors[partition] = cursor;
      answer.partitions.push_back(
          {.partition = partition, .cursor = cursor, .log_start = {}, .high_watermark = end});
    }
    peer.answer(FrameType::kSubscribe, id, answer);
    push(peer, id, subscribed);
  }

  void push(Peer& peer, std::uint64_t id, Peer::Subscribed& subscribed) {
    auto& topic = topics.at(subscribed.asked.topic);
    for (auto& [partition, cursor] : subscribed.cursors) {
      const auto& log = topic.partitions.at(static_cast<std::size_t>(partition.value()));
      for (const auto& batch : log.batches) {
        const auto header = *read_batch_header(batch);
        if (header.next_offset() <= cursor) continue;
        if (subscribed.credit_bytes <= 0) return;
        send_batch(peer, id, {subscribed.asked.topic, partition}, batch);
        subscribed.credit_bytes -= static_cast<std::int64_t>(batch.size());
        cursor = header.next_offset();
      }
    }
  }

 public:
  void send_batch(Peer& peer,
                  std::uint64_t id,
                  const std::pair<std::string, PartitionId>& where,
                  const Buffer& batch,
                  std::uint64_t refresh_id = 0) {
    const auto& topic = topics.at(where.first);
    const network::DataHeader header{
        .topic = where.first,
        .partition = where.second,
        .incarnation = topic.incarnation,
        .first_offset = Offset(load_be<std::int64_t>(batch)),
        .epoch = Epoch(3),
        .batch_count = 1,
        .refresh_id = refresh_id,
        .high_watermark = topic.partitions.at(static_cast<std::size_t>(where.second.value())).end};
    const std::array pieces = {Slice::own(network::encode_data_header(header)), Slice::copy(batch)};
    peer.connection->send(FrameType::kData, id, pieces);
  }

 private:
  void refill(Peer& peer, std::uint64_t id, const network::DeliveryAck& ack) {
    acks.push_back(ack);
    const auto subscribed = peer.subscriptions.find(id);
    if (subscribed == peer.subscriptions.end()) return;
    subscribed->second.credit_bytes += ack.credit_bytes;
    push(peer, id, subscribed->second);
  }

  std::unique_ptr<network::NetworkServer> server_;
};

}  // namespace xylem::testing
