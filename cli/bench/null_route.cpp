#include "cli/bench/route.h"
#include "common/batch/batch_builder.h"

#include <array>
#include <map>
#include <utility>

namespace xylem::cli {
namespace {

constexpr std::uint64_t kConnectTimeoutMs = 5'000;

// One of the two connections; what it hears goes to `on_frame`.
class NullEnd final : public network::ConnectionHandler {
 public:
  using Heard = std::function<void(const network::Frame&)>;
  using Failed = std::function<void(const Error&)>;

  NullEnd(std::shared_ptr<network::Connection> connection, Heard heard, Failed failed)
      : connection_(std::move(connection)), heard_(std::move(heard)), failed_(std::move(failed)) {
    connection_->set_handler(this);
    connection_->allow_large_payloads();
  }

  ~NullEnd() override { connection_->set_handler(nullptr); }

  NullEnd(const NullEnd&) = delete;
  NullEnd& operator=(const NullEnd&) = delete;

  void on_frame(network::Frame frame) override { heard_(frame); }

  void on_closed(const Error& why) override { failed_(why); }

  network::Connection& connection() { return *connection_; }

 private:
  std::shared_ptr<network::Connection> connection_;
  Heard heard_;
  Failed failed_;
};

class NullRoute final : public Route {
 public:
  NullRoute(ClientRuntime& runtime, std::uint16_t produce_port, std::uint16_t consume_port)
      : runtime_(runtime), produce_port_(produce_port), consume_port_(consume_port) {}

  void open(Events events) override {
    events_ = std::move(events);
    connect(consume_port_, consumer_, [this](const network::Frame& frame) { on_data(frame); });
    connect(produce_port_, producer_, [this](const network::Frame& frame) { on_ack(frame); });
  }

  void send(std::vector<std::string> values) override {
    BatchBuilder builder;
    const auto count = values.size();
    for (auto& value : values) {
      Record record;
      record.value = std::move(value);
      record.timestamp_ms = runtime_.clock().wall_ms();
      if (auto added = builder.add(record); !added) return events_.failed(added.error());
    }
    auto batch = builder.build();
    if (!batch) return events_.failed(batch.error());
    unacknowledged_[++sent_] = count;
    const std::array pieces{Slice::own(std::move(*batch))};
    producer_->connection().send(network::FrameType::kData, sent_, pieces);
  }

 private:
  void connect(std::uint16_t port, std::unique_ptr<NullEnd>& end, NullEnd::Heard heard) {
    runtime_.context().network.connect(
        {.host = "127.0.0.1", .port = port}, kConnectTimeoutMs,
        [this, &end, heard = std::move(heard),
         alive = std::weak_ptr(alive_)](Result<std::shared_ptr<network::Connection>> connected) {
          if (alive.expired()) return;
          if (!connected) return events_.failed(connected.error());
          end = std::make_unique<NullEnd>(std::move(*connected), heard,
                                          [this](const Error& why) { events_.failed(why); });
          if (producer_ && consumer_) events_.ready();
        });
  }

  void on_ack(const network::Frame& frame) {
    const auto found = unacknowledged_.find(frame.id);
    if (found == unacknowledged_.end())
      return events_.failed({Errc::kCorrupt, "an acknowledgement of nothing"});
    for (auto left = found->second; left > 0; --left) events_.acknowledged();
    unacknowledged_.erase(found);
  }

  void on_data(const network::Frame& frame) {
    for (auto left = frame.payload.bytes; !left.empty();) {
      const auto header = check_batch(left);
      if (!header) return events_.failed(header.error());
      auto reader = BatchReader::open(left.first(header->bytes));
      if (!reader) return events_.failed(reader.error());
      left = left.subspan(header->bytes);
      while (auto record = reader->next()) {
        if (!*record) return events_.failed(record->error());
        if ((*record)->value) events_.received(*(*record)->value);
      }
    }
  }

  ClientRuntime& runtime_;
  std::uint16_t produce_port_;
  std::uint16_t consume_port_;
  Events events_;
  std::unique_ptr<NullEnd> producer_;
  std::unique_ptr<NullEnd> consumer_;
  std::map<std::uint64_t, std::size_t> unacknowledged_;  // frame -> records
  std::uint64_t sent_ = 0;                               // frames
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

std::unique_ptr<Route> make_null_route(ClientRuntime& runtime,
                                       std::uint16_t produce_port,
                                       std::uint16_t consume_port) {
  return std::make_unique<NullRoute>(runtime, produce_port, consume_port);
}

}  // namespace xylem::cli
