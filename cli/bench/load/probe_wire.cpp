#include "cli/bench/load/probe_wire.h"

#include "cli/bench/load/native_connection.h"
#include "cli/bench/load/native_subscriber.h"
#include "cli/bench/load/nats_connection.h"
#include "common/batch/batch_builder.h"
#include "common/clock.h"

#include <deque>
#include <optional>
#include <utility>

namespace xylem::cli {
namespace {

using network::FrameType;

constexpr auto kTopic = "bench-push";

class NativeProbeWire final : public ProbeWire {
 public:
  NativeProbeWire(network::Address broker, std::string flush)
      : broker_(std::move(broker)),
        flush_(std::move(flush)),
        header_(network::encode_data_header({.topic = kTopic, .batch_count = 1, .acks = -1})) {}

  Status open() override {
    auto producer = connect_native(broker_);
    if (!producer) return pass(producer);
    producer_.emplace(std::move(*producer));
    if (auto made = make_native_topic(*producer_, kTopic, flush_); !made) return made;
    auto consumer = NativeSubscriber::open(broker_, kTopic, network::StartAt::kLatest);
    if (!consumer) return pass(consumer);
    consumer_.emplace(std::move(*consumer));
    return {};
  }

  [[nodiscard]] LoadSocket& producer() override { return *producer_; }

  [[nodiscard]] LoadSocket& consumer() override { return consumer_->socket(); }

  Status encode(std::span<const std::string> values, Buffer& output) override {
    BatchBuilder builder;
    for (const auto& value : values) {
      Record record;
      record.value = value;
      record.timestamp_ms = clock_.wall_ms();
      if (auto added = builder.add(record); !added) return added;
    }
    auto batch = builder.build();
    if (!batch) return pass(batch);
    const auto head =
        network::encode_frame_header(FrameType::kData, sent_++, header_.size() + batch->size());
    append(head, output);
    append(header_, output);
    append(*batch, output);
    unacknowledged_.push_back(std::ssize(values));
    return {};
  }

  Result<std::int64_t> take_acks() override {
    std::int64_t values = 0;
    while (const auto ack = peek_native(producer_->input())) {
      if (ack->type == FrameType::kAck) {
        if (unacknowledged_.empty() || ack->id != acked_++)
          return fail(Errc::kCorrupt, "acknowledged out of order");
        values += unacknowledged_.front();
        unacknowledged_.pop_front();
      } else if (ack->type != FrameType::kHeartbeat) {
        return unexpected_native(*ack);
      }
      take_native(*producer_, *ack);
    }
    return values;
  }

  Status take_values(const std::function<Status(Bytes)>& on_value) override {
    return consumer_->take([&](const NativeSubscriber::Pushed& pushed) -> Status {
      if (!pushed.is_next) return fail(Errc::kCorrupt, "a batch is out of place");
      auto reader = BatchReader::open(pushed.batch);
      if (!reader) return std::unexpected(reader.error());
      while (auto record = reader->next()) {
        if (!*record) return std::unexpected(record->error());
        if (!(*record)->value) return fail(Errc::kCorrupt, "a record without a value");
        if (auto handled = on_value(*(*record)->value); !handled) return handled;
      }
      return {};
    });
  }

  Status beat() override {
    if (auto said = beat_native(*producer_); !said) return said;
    return beat_native(consumer_->socket());
  }

 private:
  network::Address broker_;
  std::string flush_;
  Buffer header_;
  SystemClock clock_;
  std::optional<LoadSocket> producer_;
  std::optional<NativeSubscriber> consumer_;
  std::uint64_t sent_ = 0;                   // batches
  std::uint64_t acked_ = 0;                  // batches
  std::deque<std::int64_t> unacknowledged_;  // values of each batch
};

class NatsProbeWire final : public ProbeWire {
 public:
  explicit NatsProbeWire(network::Address broker) : broker_(std::move(broker)) {}

  Status open() override {
    auto producer = NatsConnection::connect(broker_);
    if (!producer) return pass(producer);
    producer_.emplace(std::move(*producer));
    if (auto made = producer_->open_stream(); !made) return made;
    auto consumer = NatsConnection::connect(broker_);
    if (!consumer) return pass(consumer);
    consumer_.emplace(std::move(*consumer));
    return consumer_->subscribe(*producer_, true);
  }

  [[nodiscard]] LoadSocket& producer() override { return producer_->socket(); }

  [[nodiscard]] LoadSocket& consumer() override { return consumer_->socket(); }

  Status encode(std::span<const std::string> values, Buffer& output) override {
    for (const auto& value : values) append(bytes_of(nats_publication(value)), output);
    return {};
  }

  Result<std::int64_t> take_acks() override { return producer_->take_acks(); }

  Status take_values(const std::function<Status(Bytes)>& on_value) override {
    return consumer_->take_values(on_value);
  }

  Status beat() override { return {}; }  // the server asks, we answer

 private:
  network::Address broker_;
  std::optional<NatsConnection> producer_;
  std::optional<NatsConnection> consumer_;
};

}  // namespace

std::unique_ptr<ProbeWire> make_native_probe_wire(const network::Address& broker,
                                                  const std::string& flush) {
  return std::make_unique<NativeProbeWire>(broker, flush);
}

std::unique_ptr<ProbeWire> make_nats_probe_wire(const network::Address& broker) {
  return std::make_unique<NatsProbeWire>(broker);
}

}  // namespace xylem::cli
