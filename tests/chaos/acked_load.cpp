// A producer that remembers what was acknowledged to it, and checks all of it in the end.
//
//   xylem-acked-load HOST:PORT TOPIC RECORDS_PER_S
//
// It produces with acks=all, whatever becomes of the broker, and prints "acknowledged N" as that
// grows. When its standard input ends it stops, waits until the fate of all is known, consumes the
// topic from its start, prints what it found and exits with 1 if anything is lost, made up or out
// of order.
#include "cli/client_runtime.h"
#include "common/timer.h"
#include "network/client/consumer.h"
#include "network/client/producer.h"
#include "tests/chaos/history.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>

namespace xylem::chaos {
namespace {

constexpr std::uint64_t kTickMs = 5;
constexpr std::uint64_t kTellMs = 20;
constexpr std::uint64_t kFateMs = 600'000;  // longer than any broker here is away

class AckedLoad {
 public:
  AckedLoad(cli::ClientRuntime& runtime, network::Address broker, std::string topic, double rate)
      : runtime_(runtime),
        broker_(std::move(broker)),
        topic_(std::move(topic)),
        rate_(rate),
        ticks_(runtime.loop()),
        telling_(runtime.loop()) {
    network::Producer::Options options;
    options.brokers = {broker_};
    options.batch_bytes = 8UL * 1024;
    options.linger_ms = 1;
    options.retry_backoff_ms = 5;
    options.retry_backoff_max_ms = 20;
    options.connect_timeout_ms = 500;
    options.delivery_timeout_ms = kFateMs;
    producer_ = std::make_unique<network::Producer>(runtime.context(), options);
    began_ms_ = runtime.clock().monotonic_ms();
    ticks_.start(kTickMs, kTickMs, [this] { send_due(); });
    telling_.start(kTellMs, kTellMs, [this] { tell(); });
  }

  // No more records; then the check.
  void finish() {
    ticks_.stop();
    producer_->flush([this] { consume(); });
  }

 private:
  void send_due() {
    const auto now_ms = runtime_.clock().monotonic_ms();
    const auto due =
        static_cast<std::uint64_t>(static_cast<double>(now_ms - began_ms_) * rate_ / 1000);
    while (sent_ < due) {
      Record record;
      record.key = "k" + std::to_string(sent_ % 1'000);
      record.value = std::to_string(sent_);
      const auto taken =
          producer_->send(topic_, std::move(record), [this, at = sent_](auto stored) {
            if (stored) history_.acknowledged(at);
          });
      if (!taken) return;  // the buffer is full: later
      history_.send();
      ++sent_;
    }
  }

  void tell() {
    const auto now = history_.acknowledged_count();
    if (now == told_) return;
    told_ = now;
    std::printf("acknowledged %llu\n", static_cast<unsigned long long>(now));
    std::fflush(stdout);
  }

  void consume() {
    network::Consumer::Options options;
    options.brokers = {broker_};
    options.topics = {topic_};
    options.start = network::StartAt::kEarliest;
    network::Consumer::Handlers handlers;
    handlers.subscribed = [this](const network::SubscribeAnswer& answer) {
      end_ = answer.partitions.at(0).high_watermark;
      if (end_ == Offset(0)) report();
    };
    handlers.message = [this](const auto&, const RecordView& record) -> Status {
      if (record.value) history_.found(text_of(*record.value));
      if (record.offset + 1 == end_) report();
      return {};
    };
    consumer_ = std::make_unique<network::Consumer>(runtime_.context(), options, handlers);
    consumer_->start();
  }

  void report() {
    const auto verdict = history_.verdict();
    const auto print = [](const char* what, std::uint64_t count) {
      std::printf("%s %llu\n", what, static_cast<unsigned long long>(count));
    };
    print("sent", verdict.sent);
    print("acknowledged", verdict.acknowledged);
    print("found", verdict.found);
    print("lost", verdict.lost);
    print("phantoms", verdict.phantoms);
    print("reordered", verdict.reordered);
    print("duplicates", verdict.duplicates);
    runtime_.finish(verdict.is_good() ? cli::ExitCode::kOk : cli::ExitCode::kFailed);
  }

  cli::ClientRuntime& runtime_;
  network::Address broker_;
  std::string topic_;
  double rate_;
  History history_;
  std::uint64_t sent_ = 0;
  std::uint64_t told_ = 0;
  std::int64_t began_ms_ = 0;
  Offset end_;
  std::unique_ptr<network::Producer> producer_;
  std::unique_ptr<network::Consumer> consumer_;
  Timer ticks_;
  Timer telling_;
};

int run(const char* address, const char* topic, const char* rate) {
  const auto broker = network::Address::parse(address);
  if (!broker) {
    std::fprintf(stderr, "%s\n", broker.error().what().c_str());
    return 2;
  }
  cli::ClientRuntime runtime;
  AckedLoad load(runtime, *broker, topic, std::strtod(rate, nullptr));
  std::thread input([&] {
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
    runtime.loop().answer([&load] { load.finish(); });
  });
  const auto code = runtime.run();
  input.join();
  return static_cast<int>(code);
}

}  // namespace
}  // namespace xylem::chaos

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: xylem-acked-load HOST:PORT TOPIC RECORDS_PER_S\n");
    return 2;
  }
  return xylem::chaos::run(argv[1], argv[2], argv[3]);
}
