#include "cli/bench/load/push_run.h"

#include "cli/bench/load/load_wire.h"
#include "cli/bench/probe_record.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <poll.h>
#include <string>
#include <vector>

namespace xylem::cli {
namespace {

constexpr std::int64_t kLeadUs = 200'000;      // until the first record
constexpr std::int64_t kDrainUs = 15'000'000;  // for what is on its way after the last record
constexpr std::int64_t kNapUs = 500'000;       // the longest wait for anything

class Push {
 public:
  Push(ProbeWire& wire, const LatencyLoad& load, const Clock& clock, Random& random)
      : wire_(wire),
        load_(load),
        clock_(clock),
        random_(random),
        run_id_(random.next()),
        count_(load.rate * load.seconds),
        start_us_(clock.monotonic_us() + kLeadUs),
        beat_us_(start_us_) {}

  Result<LatencyRun> run() {
    const auto end_us = due_us(count_) + kDrainUs;
    while (run_.received < count_ || acknowledged_ < count_) {
      const auto now_us = clock_.monotonic_us();
      if (now_us > end_us) {
        return fail(Errc::kTimeout, std::to_string(run_.received) + " of " +
                                        std::to_string(run_.sent) + " records arrived, " +
                                        std::to_string(acknowledged_) + " acknowledged");
      }
      if (auto sent = send_due(now_us); !sent) return pass(sent);
      if (auto waited = wait(now_us); !waited) return pass(waited);
    }
    return std::move(run_);
  }

 private:
  [[nodiscard]] std::int64_t due_us(std::int64_t record) const {
    return start_us_ + record * 1'000'000 / load_.rate;
  }

  Status send_due(std::int64_t now_us) {
    if (now_us - beat_us_ >= LoadWire::kBeatUs && output_.empty()) {
      beat_us_ = now_us;
      if (auto said = wire_.beat(); !said) return said;
    }
    std::vector<std::string> values;
    for (; run_.sent < count_ && due_us(run_.sent) <= now_us; ++run_.sent)
      values.push_back(make_probe({run_id_, run_.sent, due_us(run_.sent)}, load_.bytes, random_));
    if (!values.empty()) {
      if (auto encoded = wire_.encode(values, output_); !encoded) return encoded;
    }
    return flush();
  }

  Status flush() {
    if (output_.empty()) return {};
    const iovec piece{output_.data(), output_.size()};
    const auto sent = wire_.producer().send_some({&piece, 1});
    if (!sent) return std::unexpected(sent.error());
    output_.erase(output_.begin(), output_.begin() + static_cast<std::ptrdiff_t>(*sent));
    return {};
  }

  // Until something arrives, or the next record is due.
  Status wait(std::int64_t now_us) {
    const auto next_us = run_.sent < count_ ? due_us(run_.sent) : now_us + kNapUs;
    const auto nap_us = std::clamp<std::int64_t>(next_us - now_us, 0, kNapUs);
    const timespec nap{.tv_sec = 0, .tv_nsec = nap_us * 1'000};
    std::array<pollfd, 2> waits{};
    waits[0] = {.fd = wire_.producer().fd(), .events = POLLIN, .revents = 0};
    waits[1] = {.fd = wire_.consumer().fd(), .events = POLLIN, .revents = 0};
    if (!output_.empty()) waits[0].events |= POLLOUT;
    const int ready = ppoll(waits.data(), waits.size(), &nap, nullptr);
    if (ready < 0 && errno != EINTR) return fail(Errc::kIo, "poll: " + system_text(errno));
    if (ready <= 0) return {};
    if (waits[1].revents != 0) {
      if (auto received = wire_.consumer().receive(); !received) return received;
      auto taken = wire_.take_values([this](Bytes value) { return receive(value); });
      if (!taken) return taken;
    }
    if ((waits[0].revents & ~POLLOUT) == 0) return {};
    if (auto received = wire_.producer().receive(); !received) return received;
    const auto acks = wire_.take_acks();
    if (!acks) return std::unexpected(acks.error());
    acknowledged_ += *acks;
    return {};
  }

  Status receive(Bytes value) {
    const auto probe = read_probe(value);
    if (!probe) return std::unexpected(probe.error());
    if (probe->run != run_id_) return {};  // what an earlier run left on its way
    const auto now_us = clock_.monotonic_us();
    run_.latency_us.add(now_us - probe->intended_us);
    if (probe->sequence != run_.received) ++run_.misplaced;
    ++run_.received;
    run_.elapsed_s = static_cast<double>(now_us - start_us_) / 1e6;
    return {};
  }

  ProbeWire& wire_;
  const LatencyLoad& load_;
  const Clock& clock_;
  Random& random_;
  std::uint64_t run_id_;
  std::int64_t count_;
  std::int64_t start_us_;
  std::int64_t beat_us_;
  Buffer output_;  // encoded, not taken by the kernel yet
  std::int64_t acknowledged_ = 0;
  LatencyRun run_;
};

}  // namespace

Result<LatencyRun> run_push(ProbeWire& wire,
                            const LatencyLoad& load,
                            const Clock& clock,
                            Random& random,
                            const std::function<void()>& started) {
  started();
  return Push(wire, load, clock, random).run();
}

}  // namespace xylem::cli
