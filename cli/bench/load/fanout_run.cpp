#include "cli/bench/load/fanout_run.h"

#include "cli/bench/load/native_connection.h"
#include "cli/bench/load/native_subscriber.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>
#include <string>
#include <sys/uio.h>
#include <utility>
#include <vector>

namespace xylem::cli {
namespace {

constexpr std::int64_t kStallUs = 60'000'000;
constexpr int kPollMs = 1'000;

struct Consumer {
  NativeSubscriber subscriber;
  std::int64_t batches = 0;
};

class Fanout {
 public:
  Fanout(LoadWire& wire,
         std::vector<Consumer>& consumers,
         const LoadBatches& batches,
         const FanoutLoad& load,
         const Clock& clock)
      : wire_(wire),
        consumers_(consumers),
        batches_(batches),
        load_(load),
        clock_(clock),
        start_us_(clock.monotonic_us()),
        beat_us_(start_us_) {}

  Result<LoadRun> run() {
    auto moved_us = start_us_;
    while (!is_done()) {
      const auto now_us = clock_.monotonic_us();
      if (auto said = beat(now_us); !said) return pass(said);
      const auto before = sent_ + acked_ + tally_.records;
      if (auto turned = turn(); !turned) return pass(turned);
      if (sent_ + acked_ + tally_.records != before) {
        moved_us = now_us;
      } else if (now_us - moved_us > kStallUs) {
        return fail(Errc::kTimeout, "of " + std::to_string(sent_) +
                                        " batches the slowest consumer has " +
                                        std::to_string(slowest_) + ", " + std::to_string(acked_) +
                                        " were acknowledged");
      }
    }
    return LoadRun{
        .records = tally_.records, .misplaced = tally_.misplaced, .elapsed_s = elapsed_s()};
  }

 private:
  [[nodiscard]] double elapsed_s() const {
    return static_cast<double>(clock_.monotonic_us() - start_us_) / 1e6;
  }

  [[nodiscard]] bool is_over() {
    is_over_ = is_over_ || elapsed_s() >= load_.seconds;
    return is_over_ && sent_of_unit_ == 0;
  }

  [[nodiscard]] bool is_done() { return is_over() && acked_ == sent_ && slowest_ == sent_; }

  Status beat(std::int64_t now_us) {
    if (sent_of_unit_ > 0 || now_us - beat_us_ < LoadWire::kBeatUs) return {};
    beat_us_ = now_us;
    if (auto said = wire_.beat(wire_.producer()); !said) return said;
    for (auto& consumer : consumers_) {
      if (auto said = beat_native(consumer.subscriber.socket()); !said) return said;
    }
    return {};
  }

  Status turn() {
    const bool sends = !is_over() && sent_ < std::min(acked_, slowest_) + load_.units_in_flight;
    waits_.clear();
    waits_.push_back({.fd = wire_.producer().fd(), .events = POLLIN, .revents = 0});
    if (sends) waits_[0].events |= POLLOUT;
    for (auto& consumer : consumers_)
      waits_.push_back({.fd = consumer.subscriber.socket().fd(), .events = POLLIN, .revents = 0});
    const int ready = poll(waits_.data(), waits_.size(), kPollMs);
    if (ready < 0 && errno != EINTR) return fail(Errc::kIo, "poll: " + system_text(errno));
    if (ready <= 0) return {};
    if ((waits_[0].revents & ~POLLOUT) != 0) {
      if (auto received = wire_.producer().receive(); !received) return received;
      const auto acks = wire_.take_acks();
      if (!acks) return std::unexpected(acks.error());
      acked_ += *acks;
    }
    if (sends && (waits_[0].revents & POLLOUT) != 0) {
      if (auto sent = send(); !sent) return sent;
    }
    for (std::size_t i = 0; i < consumers_.size(); ++i) {
      if (waits_[i + 1].revents == 0) continue;
      if (auto received = receive(consumers_[i]); !received) return received;
    }
    slowest_ = std::ranges::min_element(consumers_, {}, &Consumer::batches)->batches;
    return {};
  }

  Status send() {
    const auto bytes = wire_.unit(sent_).subspan(sent_of_unit_);
    const iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
    const auto sent = wire_.producer().send_some({&piece, 1});
    if (!sent) return std::unexpected(sent.error());
    sent_of_unit_ += *sent;
    if (sent_of_unit_ < wire_.unit(sent_).size()) return {};
    sent_of_unit_ = 0;
    ++sent_;
    return {};
  }

  Status receive(Consumer& consumer) {
    if (auto received = consumer.subscriber.socket().receive(); !received) return received;
    return consumer.subscriber.take([&](const NativeSubscriber::Pushed& pushed) -> Status {
      const bool is_it = pushed.is_next && pushed.header.crc == batches_.crc_at(consumer.batches);
      if (!is_it) tally_.misplaced += pushed.header.record_count;
      tally_.records += pushed.header.record_count;
      ++consumer.batches;
      return {};
    });
  }

  LoadWire& wire_;
  std::vector<Consumer>& consumers_;
  const LoadBatches& batches_;
  const FanoutLoad& load_;
  const Clock& clock_;
  std::int64_t start_us_;
  std::int64_t beat_us_;
  std::int64_t sent_ = 0;         // batches, whole
  std::size_t sent_of_unit_ = 0;  // bytes of the one after them
  std::int64_t acked_ = 0;
  std::int64_t slowest_ = 0;  // batches that every consumer has
  bool is_over_ = false;
  LoadTally tally_;
  std::vector<pollfd> waits_;
};

}  // namespace

Result<LoadRun> run_fanout(const network::Address& broker,
                           const LoadTopic& topic,
                           const LoadBatches& batches,
                           const FanoutLoad& load,
                           const Clock& clock) {
  const auto wire = make_native_wire(broker, topic, batches);
  if (auto opened = wire->open(LoadWire::From::kNowhere); !opened) return pass(opened);
  std::vector<Consumer> consumers;
  for (std::int64_t i = 0; i < load.consumers; ++i) {
    auto subscriber = NativeSubscriber::open(broker, topic.name, network::StartAt::kLatest);
    if (!subscriber) return pass(subscriber);
    consumers.push_back({.subscriber = std::move(*subscriber)});
  }
  return Fanout(*wire, consumers, batches, load, clock).run();
}

}  // namespace xylem::cli
