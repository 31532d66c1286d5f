#include "cli/bench/load/load_wire.h"
#include "cli/bench/load/native_connection.h"
#include "cli/bench/load/native_subscriber.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::cli {
namespace {

using network::FrameType;

class NativeWire final : public LoadWire {
 public:
  NativeWire(network::Address broker, LoadTopic topic, const LoadBatches& batches)
      : broker_(std::move(broker)), topic_(std::move(topic)), batches_(batches) {
    const auto header =
        network::encode_data_header({.topic = topic_.name, .batch_count = 1, .acks = -1});
    for (std::size_t i = 0; i < batches_.count(); ++i) {
      Buffer payload = header;
      append(batches_.at(static_cast<std::int64_t>(i)), payload);
      units_.push_back(native_frame(FrameType::kData, i, payload));
    }
  }

  Status open(From from) override {
    auto producer = connect_native(broker_);
    if (!producer) return pass(producer);
    producer_.emplace(std::move(*producer));
    if (auto made = make_native_topic(*producer_, topic_.name, topic_.flush); !made) return made;
    if (from == From::kNowhere) return {};
    const auto start = from == From::kEnd ? network::StartAt::kLatest : network::StartAt::kEarliest;
    auto consumer = NativeSubscriber::open(broker_, topic_.name, start);
    if (!consumer) return pass(consumer);
    consumer_.emplace(std::move(*consumer));
    return {};
  }

  [[nodiscard]] LoadSocket& producer() override { return *producer_; }

  [[nodiscard]] LoadSocket& consumer() override { return consumer_->socket(); }

  [[nodiscard]] Bytes unit(std::int64_t number) const override {
    return units_[static_cast<std::size_t>(number) % units_.size()];
  }

  [[nodiscard]] std::int64_t unit_records() const override { return batches_.records(); }

  Status beat(LoadSocket& socket) override { return beat_native(socket); }

  [[nodiscard]] std::int64_t records_there() const override { return consumer_->records_there(); }

  Result<std::int64_t> take_acks() override {
    std::int64_t count = 0;
    while (const auto ack = peek_native(producer_->input())) {
      if (ack->type == FrameType::kAck) {
        if (ack->id != static_cast<std::uint64_t>(acked_) % units_.size())
          return fail(Errc::kCorrupt, "acknowledged out of order");
        ++acked_;
        ++count;
      } else if (ack->type != FrameType::kHeartbeat) {
        return unexpected_native(*ack);
      }
      take_native(*producer_, *ack);
    }
    return count;
  }

  Status take_records(LoadTally& tally) override {
    return consumer_->take([&](const NativeSubscriber::Pushed& pushed) -> Status {
      const bool is_known = topic_.is_strange || pushed.header.crc == batches_.crc_at(received_);
      if (!is_known || !pushed.is_next) tally.misplaced += pushed.header.record_count;
      tally.records += pushed.header.record_count;
      ++received_;
      return {};
    });
  }

 private:
  network::Address broker_;
  LoadTopic topic_;
  const LoadBatches& batches_;
  std::vector<Buffer> units_;
  std::optional<LoadSocket> producer_;
  std::optional<NativeSubscriber> consumer_;
  std::int64_t acked_ = 0;
  std::int64_t received_ = 0;  // batches
};

}  // namespace

std::unique_ptr<LoadWire> make_native_wire(const network::Address& broker,
                                           const LoadTopic& topic,
                                           const LoadBatches& batches) {
  return std::make_unique<NativeWire>(broker, topic, batches);
}

}  // namespace xylem::cli
