#include "cli/bench/load/load_wire.h"
#include "common/batch/batch.h"
#include "network/protocol/messages.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::cli {
namespace {

using network::FrameType;

constexpr std::uint32_t kCreditBytes = 4 * 1024 * 1024;  // as a Consumer's
constexpr std::uint64_t kSubscription = 1;

struct FrameIn {
  FrameType type;
  std::uint64_t id;
  Bytes payload;
};

Buffer frame(FrameType type, std::uint64_t id, Bytes payload) {
  const auto head = network::encode_frame_header(type, id, payload.size());
  Buffer whole(head.begin(), head.end());
  append(payload, whole);
  return whole;
}

// The first frame of the input; nullopt: it has not arrived completely.
std::optional<FrameIn> peek(Bytes input) {
  if (input.size() < network::kFrameHeaderBytes) return std::nullopt;
  const std::size_t bytes = load_be<std::uint32_t>(input.subspan(9));
  if (input.size() - network::kFrameHeaderBytes < bytes) return std::nullopt;
  return FrameIn{static_cast<FrameType>(input[0]), load_be<std::uint64_t>(input.subspan(1)),
                 input.subspan(network::kFrameHeaderBytes, bytes)};
}

void take(LoadSocket& socket, const FrameIn& frame) {
  socket.take(network::kFrameHeaderBytes + frame.payload.size());
}

std::unexpected<Error> unexpected(const FrameIn& frame) {
  if (frame.type == FrameType::kError) {
    const auto said = network::decode<network::ErrorMessage>(frame.payload);
    if (said) return std::unexpected(network::to_error(*said));
  }
  return fail(Errc::kCorrupt,
              "an unexpected frame of type " + std::to_string(static_cast<int>(frame.type)));
}

// Sends a request; the answer's payload. Only while nothing is pushed.
Result<Buffer> exchange(LoadSocket& socket, FrameType type, Bytes payload) {
  if (auto sent = socket.send_all(frame(type, kSubscription, payload)); !sent) return pass(sent);
  std::optional<FrameIn> answer;
  while (!(answer = peek(socket.input()))) {
    if (auto waited = socket.wait(); !waited) return pass(waited);
  }
  Result<Buffer> said = Buffer(answer->payload.begin(), answer->payload.end());
  if (answer->type != type) said = unexpected(*answer);
  take(socket, *answer);
  return said;
}

Result<LoadSocket> greet(const network::Address& broker) {
  auto socket = LoadSocket::connect(broker);
  if (!socket) return socket;
  const auto hello = network::encode(network::Hello{.client_id = "xylem-bench"});
  if (auto said = exchange(*socket, FrameType::kHello, hello); !said) return pass(said);
  return socket;
}

class NativeWire final : public LoadWire {
 public:
  NativeWire(network::Address broker, LoadTopic topic, const LoadBatches& batches)
      : broker_(std::move(broker)), topic_(std::move(topic)), batches_(batches) {
    const auto header =
        network::encode_data_header({.topic = topic_.name, .batch_count = 1, .acks = -1});
    for (std::size_t i = 0; i < batches_.count(); ++i) {
      Buffer payload = header;
      append(batches_.at(static_cast<std::int64_t>(i)), payload);
      units_.push_back(frame(FrameType::kData, i, payload));
    }
  }

  Status open(From from) override {
    auto producer = greet(broker_);
    if (!producer) return pass(producer);
    producer_.emplace(std::move(*producer));
    if (auto made = make_topic(); !made) return made;
    if (from == From::kNowhere) return {};
    auto consumer = greet(broker_);
    if (!consumer) return pass(consumer);
    consumer_.emplace(std::move(*consumer));
    return subscribe(from);
  }

  [[nodiscard]] LoadSocket& producer() override { return *producer_; }

  [[nodiscard]] LoadSocket& consumer() override { return *consumer_; }

  [[nodiscard]] Bytes unit(std::int64_t number) const override {
    return units_[static_cast<std::size_t>(number) % units_.size()];
  }

  [[nodiscard]] std::int64_t unit_records() const override { return batches_.records(); }

  Status beat(LoadSocket& socket) override {
    return socket.send_all(frame(FrameType::kHeartbeat, 0, {}));
  }

  [[nodiscard]] std::int64_t records_there() const override { return records_there_; }

  Result<std::int64_t> take_acks() override {
    std::int64_t count = 0;
    while (const auto ack = peek(producer_->input())) {
      if (ack->type == FrameType::kAck) {
        if (ack->id != static_cast<std::uint64_t>(acked_) % units_.size())
          return fail(Errc::kCorrupt, "acknowledged out of order");
        ++acked_;
        ++count;
      } else if (ack->type != FrameType::kHeartbeat) {
        return unexpected(*ack);
      }
      take(*producer_, *ack);
    }
    return count;
  }

  Status take_records(LoadTally& tally) override {
    while (const auto pushed = peek(consumer_->input())) {
      if (pushed->type == FrameType::kData) {
        if (auto checked = check(pushed->payload, tally); !checked) return checked;
      } else if (pushed->type != FrameType::kHeartbeat) {
        return unexpected(*pushed);
      }
      take(*consumer_, *pushed);
    }
    return give_credit();
  }

 private:
  Status make_topic() {
    const network::Admin create{
        .command = "topic.create",
        .json = nlohmann::json{{"name", topic_.name}, {"flush", topic_.flush}}.dump()};
    const auto created = exchange(*producer_, FrameType::kAdmin, network::encode(create));
    if (created || created.error().code() == Errc::kAlreadyExists) return {};
    return std::unexpected(created.error());
  }

  Status subscribe(From from) {
    network::Subscribe request{.topic = topic_.name, .credit_bytes = kCreditBytes};
    request.auto_commit = false;
    request.partitions.push_back(
        {.start = from == From::kEnd ? network::StartAt::kLatest : network::StartAt::kEarliest});
    auto said = exchange(*consumer_, FrameType::kSubscribe, network::encode(request));
    if (!said) return pass(said);
    const auto answer = network::decode<network::SubscribeAnswer>(*said);
    if (!answer) return std::unexpected(answer.error());
    incarnation_ = answer->incarnation;
    if (answer->partitions.empty()) return fail(Errc::kCorrupt, "no partition is subscribed");
    next_ = answer->partitions.front().cursor;
    records_there_ = answer->partitions.front().high_watermark - next_;
    return {};
  }

  Status check(Bytes payload, LoadTally& tally) {
    std::uint32_t header_bytes = 0;  // a size-prefixed FlatBuffer, little-endian
    if (payload.size() >= sizeof header_bytes)
      std::memcpy(&header_bytes, payload.data(), sizeof header_bytes);
    const auto skipped = sizeof header_bytes + header_bytes;
    if (skipped > payload.size()) return fail(Errc::kCorrupt, "a data header is cut");
    for (auto left = payload.subspan(skipped); !left.empty();) {
      const auto batch = check_batch(left);
      if (!batch) return std::unexpected(batch.error());
      const bool is_known = topic_.is_strange || batch->crc == batches_.crc_at(received_);
      const bool is_it = is_known && batch->base_offset == next_;
      if (!is_it) tally.misplaced += batch->record_count;
      tally.records += batch->record_count;
      ++received_;
      next_ = batch->next_offset();
      owed_bytes_ += batch->bytes;
      left = left.subspan(batch->bytes);
    }
    return {};
  }

  Status give_credit() {
    if (owed_bytes_ < kCreditBytes / 4) return {};
    const network::DeliveryAck ack{.topic = topic_.name,
                                   .incarnation = incarnation_,
                                   .next_offset = next_,
                                   .credit_bytes = static_cast<std::uint32_t>(owed_bytes_)};
    owed_bytes_ = 0;
    return consumer_->send_all(frame(FrameType::kAck, kSubscription, network::encode(ack)));
  }

  network::Address broker_;
  LoadTopic topic_;
  const LoadBatches& batches_;
  std::vector<Buffer> units_;
  std::optional<LoadSocket> producer_;
  std::optional<LoadSocket> consumer_;
  std::int64_t acked_ = 0;
  std::int64_t received_ = 0;  // batches
  std::int64_t records_there_ = 0;
  Offset next_;
  Incarnation incarnation_;
  std::size_t owed_bytes_ = 0;  // of credit
};

}  // namespace

std::unique_ptr<LoadWire> make_native_wire(const network::Address& broker,
                                           const LoadTopic& topic,
                                           const LoadBatches& batches) {
  return std::make_unique<NativeWire>(broker, topic, batches);
}

Status delete_native_topic(const network::Address& broker, const std::string& name) {
  auto socket = greet(broker);
  if (!socket) return pass(socket);
  const network::Admin remove{.command = "topic.delete",
                              .json = nlohmann::json{{"name", name}}.dump()};
  const auto removed = exchange(*socket, FrameType::kAdmin, network::encode(remove));
  if (!removed) return std::unexpected(removed.error());
  return {};
}

}  // namespace xylem::cli
