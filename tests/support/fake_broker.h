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

struct FakePartition {
  std::vector<Buffer> batches;
  Offset end;
};

struct FakeTopic {
  Incarnation incarnation{.topic = Uuid::from_words(1, 2), .generation = 0};
  std::vector<FakePartition> partitions;
  std::string leader;  // "host:port"; empty: the broker itself
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
  std::list<Peer> peers;
  std::vector<network::FrameType> received;
  std::vector<Produced> produced;
  std::vector<network::Subscribe> subscribes;
  std::vector<network::DeliveryAck> acks;
  std::vector<network::CommitOffset> commits;

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
                                                .heartbeat_ms = heartbeat_ms});
      case FrameType::kMetadata:
        return describe(peer, frame.id, *network::decode<network::MetadataRequest>(payload));
      case FrameType::kData:
        return produce(peer, frame.id, *network::decode_data(frame.payload));
      case FrameType::kSubscribe:
        return subscribe(peer, frame.id, *network::decode<network::Subscribe>(payload));
      case FrameType::kAck:
        return refill(peer, frame.id, *network::decode<network::DeliveryAck>(payload));
      case FrameType::kCommitOffset:
        commits.push_back(*network::decode<network::CommitOffset>(payload));
        return peer.connection->send(frame.type, frame.id, {});
      default:
        return;
    }
  }

  void describe(Peer& peer, std::uint64_t id, const network::MetadataRequest& request) {
    network::MetadataAnswer answer;
    for (const auto& name : request.topics) {
      const auto topic = topics.find(name);
      if (topic == topics.end()) {
        answer.unknown.push_back(name);
        continue;
      }
      network::TopicMetadata one{.name = name, .incarnation = topic->second.incarnation};
      for (std::size_t index = 0; index < topic->second.partitions.size(); ++index) {
        const auto& leader = topic->second.leader;
        one.partitions.push_back({.partition = PartitionId(static_cast<std::int32_t>(index)),
                                  .leader = "fake",
                                  .leader_address = leader.empty() ? address.text() : leader,
                                  .epoch = Epoch(3)});
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
    const auto base = log.end;
    assign(batch, base, Epoch(3));
    produced.push_back({header.topic, header.partition, header.acks, values_of(batch)});
    store(log, std::move(batch));
    if (header.acks != 0)
      peer.answer(FrameType::kAck, id,
                  network::ProduceAck{.incarnation = topic->second.incarnation,
                                      .base_offset = base,
                                      .next_offset = log.end,
                                      .replicas_synced = 1});
    push_all();
  }

  void subscribe(Peer& peer, std::uint64_t id, const network::Subscribe& asked) {
    subscribes.push_back(asked);
    const auto found = topics.find(asked.topic);
    if (found == topics.end()) return peer.refuse(id, Errc::kUnknownTopicOrPartition);
    auto& topic = found->second;
    auto& subscribed = peer.subscriptions[id];
    subscribed.asked = asked;
    subscribed.credit_bytes = asked.credit_bytes;
    network::SubscribeAnswer answer{.topic = asked.topic, .incarnation = topic.incarnation};
    for (std::size_t index = 0; index < topic.partitions.size(); ++index) {
      const PartitionId partition(static_cast<std::int32_t>(index));
      const auto listed =
          std::ranges::find(asked.partitions, partition, &network::SubscribePartition::partition);
      if (listed == asked.partitions.end() && !asked.every) continue;
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
