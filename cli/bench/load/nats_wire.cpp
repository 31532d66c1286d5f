#include "cli/bench/load/load_wire.h"
#include "cli/bench/load/nats_connection.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::cli {
namespace {

constexpr std::size_t kValues = 1'024;  // until they repeat

class NatsWire final : public LoadWire {
 public:
  NatsWire(network::Address broker, std::size_t record_bytes, Random& random)
      : broker_(std::move(broker)) {
    for (std::size_t i = 0; i < kValues; ++i) {
      values_.push_back(load_value(record_bytes, random));
      units_.push_back(nats_publication(values_.back()));
    }
  }

  Status open(From from) override {
    auto producer = NatsConnection::connect(broker_);
    if (!producer) return pass(producer);
    producer_.emplace(std::move(*producer));
    if (auto made = producer_->open_stream(); !made) return made;
    if (from == From::kNowhere) return {};
    auto consumer = NatsConnection::connect(broker_);
    if (!consumer) return pass(consumer);
    consumer_.emplace(std::move(*consumer));
    return consumer_->subscribe(*producer_, from == From::kEnd);
  }

  [[nodiscard]] LoadSocket& producer() override { return producer_->socket(); }

  [[nodiscard]] LoadSocket& consumer() override { return consumer_->socket(); }

  [[nodiscard]] Bytes unit(std::int64_t number) const override {
    return bytes_of(units_[static_cast<std::size_t>(number) % kValues]);
  }

  [[nodiscard]] std::int64_t unit_records() const override { return 1; }

  Status beat(LoadSocket& /*socket*/) override { return {}; }  // the server asks, we answer

  [[nodiscard]] std::int64_t records_there() const override { return 0; }

  Result<std::int64_t> take_acks() override { return producer_->take_acks(); }

  Status take_records(LoadTally& tally) override {
    return consumer_->take_values([&](Bytes value) -> Status {
      if (text_of(value) != values_[received_++ % kValues]) ++tally.misplaced;
      ++tally.records;
      return {};
    });
  }

 private:
  network::Address broker_;
  std::vector<std::string> values_;
  std::vector<std::string> units_;
  std::optional<NatsConnection> producer_;
  std::optional<NatsConnection> consumer_;
  std::size_t received_ = 0;
};

}  // namespace

std::unique_ptr<LoadWire> make_nats_wire(const network::Address& broker,
                                         std::size_t record_bytes,
                                         Random& random) {
  return std::make_unique<NatsWire>(broker, record_bytes, random);
}

}  // namespace xylem::cli
