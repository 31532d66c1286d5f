#include "cli/bench/route.h"
#include "network/client/consumer.h"
#include "network/client/producer.h"

#include <optional>
#include <utility>

namespace xylem::cli {
namespace {

constexpr std::size_t kInFlightMax = 5;  // batches: a record need not wait for another one's sync

class BrokerRoute final : public Route {
 public:
  BrokerRoute(ClientRuntime& runtime, BrokerRouteOptions options)
      : runtime_(runtime), options_(std::move(options)) {}

  void open(Events events) override {
    events_ = std::move(events);
    producer_.emplace(runtime_.context(),
                      network::Producer::Options{.brokers = options_.produce_to,
                                                 .client_id = "xylem-bench",
                                                 .linger_ms = 0,
                                                 .in_flight_max = kInFlightMax});
    network::Consumer::Options options{
        .brokers = options_.consume_from, .client_id = "xylem-bench", .topics = {options_.topic}};
    options.start = network::StartAt::kLatest;
    network::Consumer::Handlers handlers;
    handlers.message = [this](const network::DeliveredBatch&, const RecordView& record) -> Status {
      if (record.value) events_.received(*record.value);
      return {};
    };
    handlers.error = [this](const Error& error) { events_.failed(error); };
    handlers.subscribed = [this](const network::SubscribeAnswer& answer) {
      if (!answer.elsewhere.empty() || std::exchange(is_ready_, true)) return;
      events_.ready();
    };
    consumer_.emplace(runtime_.context(), std::move(options), std::move(handlers));
    consumer_->start();
  }

  void send(std::vector<std::string> values) override {
    for (auto& value : values) {
      Record record;
      record.value = std::move(value);
      const auto sent = producer_->send(options_.topic, std::move(record),
                                        [this](const Result<network::Producer::Delivered>& done) {
                                          if (!done) return events_.failed(done.error());
                                          events_.acknowledged();
                                        });
      if (!sent) return events_.failed(sent.error());
    }
  }

 private:
  ClientRuntime& runtime_;
  BrokerRouteOptions options_;
  Events events_;
  bool is_ready_ = false;
  std::optional<network::Producer> producer_;
  std::optional<network::Consumer> consumer_;
};

}  // namespace

std::unique_ptr<Route> make_broker_route(ClientRuntime& runtime,
                                         const BrokerRouteOptions& options) {
  return std::make_unique<BrokerRoute>(runtime, options);
}

}  // namespace xylem::cli
