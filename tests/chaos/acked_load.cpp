// A producer that remembers what was acknowledged to it, and checks all of it in the end.
//
//   xylem-acked-load BROKERS TOPIC RECORDS_PER_S [READ_AT]
//
// BROKERS and READ_AT: HOST:PORT,... It produces with acks=all, whatever becomes of the brokers,
// and prints "acknowledged N" as that grows, and "silence MS" where nothing was acknowledged for
// longer than kSilenceMs. When its standard input ends it stops, waits until the fate of all is
// known, consumes the topic from its start at READ_AT (else at BROKERS), until it has found all
// that was acknowledged or nothing more comes, prints what it found and exits with 1 if anything is
// lost, made up or out of order.
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
#include <string_view>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace xylem::chaos {
namespace {

constexpr std::uint64_t kTickMs = 5;
constexpr std::uint64_t kTellMs = 20;
constexpr std::uint64_t kFateMs = 600'000;  // longer than any broker here is away
constexpr std::int64_t kSilenceMs = 200;
constexpr std::int64_t kNothingMoreMs = 60'000;

class AckedLoad {
 public:
  struct Where {
    std::vector<network::Address> brokers;
    std::string topic;
    std::vector<network::Address> read_at;
  };

  AckedLoad(cli::ClientRuntime& runtime, Where where, double rate)
      : runtime_(runtime),
        where_(std::move(where)),
        rate_(rate),
        ticks_(runtime.loop()),
        telling_(runtime.loop()) {
    network::Producer::Options options;
    options.brokers = where_.brokers;
    options.batch_bytes = 8UL * 1024;
    options.linger_ms = 1;
    options.retry_backoff_ms = 5;
    options.retry_backoff_max_ms = 20;
    options.connect_timeout_ms = 500;
    options.delivery_timeout_ms = kFateMs;
    producer_ = std::make_unique<network::Producer>(runtime.context(), options);
    began_ms_ = heard_ms_ = runtime.clock().monotonic_ms();
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
          producer_->send(where_.topic, std::move(record), [this, at = sent_](auto stored) {
            if (stored)
              acknowledged(at);
            else
              std::fprintf(stderr, "%llu: %s\n", static_cast<unsigned long long>(at),
                           stored.error().what().c_str());
          });
      if (!taken) return;  // the buffer is full: later
      history_.send();
      ++sent_;
    }
  }

  void acknowledged(std::uint64_t sequence) {
    history_.acknowledged(sequence);
    const auto now_ms = runtime_.clock().monotonic_ms();
    const auto silence_ms = now_ms - std::exchange(heard_ms_, now_ms);
    if (silence_ms > kSilenceMs) std::printf("silence %lld\n", static_cast<long long>(silence_ms));
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
    options.brokers = where_.read_at;
    options.topics = {where_.topic};
    options.start = network::StartAt::kEarliest;
    network::Consumer::Handlers handlers;
    handlers.message = [this](const network::DeliveredBatch& batch,
                              const RecordView& record) -> Status {
      if (record.value) history_.found(batch.partition.value(), text_of(*record.value));
      heard_ms_ = runtime_.clock().monotonic_ms();
      return {};
    };
    heard_ms_ = runtime_.clock().monotonic_ms();
    telling_.start(kTellMs, kTellMs, [this] {
      const bool is_over = runtime_.clock().monotonic_ms() - heard_ms_ > kNothingMoreMs;
      if (is_over || history_.has_all_acknowledged()) report();
    });
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
  Where where_;
  double rate_;
  History history_;
  std::uint64_t sent_ = 0;
  std::uint64_t told_ = 0;
  std::int64_t began_ms_ = 0;
  std::int64_t heard_ms_ = 0;
  std::unique_ptr<network::Producer> producer_;
  std::unique_ptr<network::Consumer> consumer_;
  Timer ticks_;
  Timer telling_;
};

std::vector<network::Address> addresses(std::string_view list) {
  std::vector<network::Address> all;
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    if (const auto address = network::Address::parse(list.substr(0, end))) all.push_back(*address);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return all;
}

int run(const AckedLoad::Where& where, double rate) {
  cli::ClientRuntime runtime;
  AckedLoad load(runtime, where, rate);
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
  using xylem::chaos::addresses;
  const auto brokers = addresses(argc > 1 ? argv[1] : "");
  const auto read_at = addresses(argc > 4 ? argv[4] : argc > 1 ? argv[1] : "");
  if (argc < 4 || argc > 5 || brokers.empty() || read_at.empty()) {
    std::fprintf(stderr, "usage: xylem-acked-load BROKERS TOPIC RECORDS_PER_S [READ_AT]\n");
    return 2;
  }
  return xylem::chaos::run({brokers, argv[2], read_at}, std::strtod(argv[3], nullptr));
}
