#include "cli/bench/load/load_run.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <poll.h>
#include <string>

namespace xylem::cli {
namespace {

constexpr std::int64_t kStallUs = 60'000'000;
constexpr std::size_t kPiecesMax = 64;  // units in one call
constexpr int kPollMs = 1'000;

Status beat_both(LoadWire& wire) {
  if (auto said = wire.beat(wire.producer()); !said) return said;
  return wire.beat(wire.consumer());
}

class Load {
 public:
  Load(LoadWire& wire, const LoadLimits& limits, const Clock& clock)
      : wire_(wire), limits_(limits), clock_(clock), start_us_(clock.monotonic_us()) {}

  Result<LoadRun> run() {
    std::int64_t moved_us = start_us_;
    if (auto there = take_there(); !there) return pass(there);
    while (!is_done()) {
      if (auto said = beat(); !said) return pass(said);
      const auto before = acked_ + tally_.records + sent_;
      if (auto turned = turn(); !turned) return pass(turned);
      if (acked_ + tally_.records + sent_ != before) {
        moved_us = clock_.monotonic_us();
      } else if (clock_.monotonic_us() - moved_us > kStallUs) {
        return fail(Errc::kTimeout, std::to_string(tally_.records) + " records arrived, " +
                                        std::to_string(acked_) + " of " + std::to_string(sent_) +
                                        " batches were acknowledged");
      }
    }
    const auto records = limits_.consumes ? tally_.records : acked_ * wire_.unit_records();
    return LoadRun{.records = records, .misplaced = tally_.misplaced, .elapsed_s = elapsed_s()};
  }

 private:
  [[nodiscard]] double elapsed_s() const {
    return static_cast<double>(clock_.monotonic_us() - start_us_) / 1e6;
  }

  [[nodiscard]] bool is_sending() {
    is_over_ = is_over_ || sent_ >= limits_.units || elapsed_s() >= limits_.seconds;
    return !is_over_ || sent_of_unit_ > 0;
  }

  [[nodiscard]] bool is_done() {
    return !is_sending() && acked_ == sent_ &&
           (!limits_.consumes || tally_.records >= sent_ * wire_.unit_records());
  }

  // Units that may be under way or sent by now.
  [[nodiscard]] std::int64_t allowed() const {
    auto until = std::min(limits_.units, acked_ + limits_.units_in_flight);
    const auto due =
        elapsed_s() * limits_.records_per_s / static_cast<double>(wire_.unit_records());
    if (due < static_cast<double>(until)) until = static_cast<std::int64_t>(due) + 1;
    return until;
  }

  // What came along with the answers that opened the wire.
  Status take_there() { return limits_.consumes ? wire_.take_records(tally_) : Status(); }

  Status beat() {
    const auto now_us = clock_.monotonic_us();
    if (sent_of_unit_ > 0 || now_us - beat_us_ < LoadWire::kBeatUs) return {};
    beat_us_ = now_us;
    return limits_.consumes ? beat_both(wire_) : wire_.beat(wire_.producer());
  }

  Status turn() {
    const bool sends = is_sending() && sent_ < allowed();
    std::array<pollfd, 2> waits{};
    waits[0] = {.fd = wire_.producer().fd(), .events = POLLIN, .revents = 0};
    if (sends) waits[0].events |= POLLOUT;
    if (limits_.consumes) waits[1] = {.fd = wire_.consumer().fd(), .events = POLLIN, .revents = 0};
    const bool is_paced = limits_.records_per_s < 1e12;
    const int ready = poll(waits.data(), limits_.consumes ? 2 : 1, is_paced ? 1 : kPollMs);
    if (ready < 0 && errno != EINTR) return fail(Errc::kIo, "poll: " + system_text(errno));
    if (ready <= 0) return {};
    if ((waits[0].revents & ~POLLOUT) != 0) {
      if (auto received = wire_.producer().receive(); !received) return received;
      auto acks = wire_.take_acks();
      if (!acks) return pass(acks);
      acked_ += *acks;
    }
    if (sends && (waits[0].revents & POLLOUT) != 0) {
      if (auto sent = send(); !sent) return sent;
    }
    if (waits[1].revents == 0) return {};
    if (auto received = wire_.consumer().receive(); !received) return received;
    return wire_.take_records(tally_);
  }

  Status send() {
    std::array<iovec, kPiecesMax> pieces;  // NOLINT(*-member-init): filled below
    const auto count = std::min<std::int64_t>(allowed() - sent_, kPiecesMax);
    for (std::int64_t i = 0; i < count; ++i) {
      auto bytes = wire_.unit(sent_ + i);
      if (i == 0) bytes = bytes.subspan(sent_of_unit_);
      pieces[static_cast<std::size_t>(i)] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
    }
    auto sent = wire_.producer().send_some({pieces.data(), static_cast<std::size_t>(count)});
    if (!sent) return pass(sent);
    sent_of_unit_ += *sent;
    while (sent_of_unit_ >= wire_.unit(sent_).size()) sent_of_unit_ -= wire_.unit(sent_++).size();
    return {};
  }

  LoadWire& wire_;
  const LoadLimits& limits_;
  const Clock& clock_;
  std::int64_t start_us_;
  std::int64_t beat_us_ = start_us_;
  std::int64_t sent_ = 0;         // units, whole
  std::size_t sent_of_unit_ = 0;  // bytes of the one after them
  std::int64_t acked_ = 0;
  bool is_over_ = false;
  LoadTally tally_;
};

}  // namespace

Result<LoadRun> run_produce(LoadWire& wire, const LoadLimits& limits, const Clock& clock) {
  return Load(wire, limits, clock).run();
}

Result<LoadRun> run_consume(LoadWire& wire, std::int64_t records, const Clock& clock) {
  const auto start_us = clock.monotonic_us();
  auto moved_us = start_us;
  auto beat_us = start_us;
  LoadTally tally;
  while (true) {
    const auto before = tally.records;
    if (auto taken = wire.take_records(tally); !taken) return pass(taken);
    if (tally.records >= records) break;
    const auto now_us = clock.monotonic_us();
    if (tally.records > before) moved_us = now_us;
    auto waited = wire.consumer().wait(kPollMs);
    if (!waited && (waited.error().code() != Errc::kTimeout || now_us - moved_us > kStallUs))
      return pass(waited);
    if (now_us - beat_us < LoadWire::kBeatUs) continue;
    beat_us = now_us;
    if (auto said = beat_both(wire); !said) return pass(said);
  }
  const auto elapsed_us = clock.monotonic_us() - start_us;
  return LoadRun{.records = tally.records,
                 .misplaced = tally.misplaced + (tally.records - records),
                 .elapsed_s = static_cast<double>(elapsed_us) / 1e6};
}

}  // namespace xylem::cli
