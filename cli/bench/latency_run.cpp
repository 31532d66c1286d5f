#include "cli/bench/latency_run.h"

#include "cli/bench/pacer.h"
#include "cli/bench/probe_record.h"
#include "common/timer.h"

#include <memory>
#include <optional>
#include <utility>

namespace xylem::cli {
namespace {

constexpr std::int64_t kLeadUs = 200'000;         // from ready to the first record
constexpr std::uint64_t kOpenTimeoutMs = 30'000;  // for the route
constexpr std::uint64_t kDrainMs = 15'000;        // for what is on its way after the last record

class Measurement {
 public:
  Measurement(ClientRuntime& runtime,
              Route& route,
              const LatencyLoad& load,
              const std::function<void()>& started)
      : runtime_(runtime),
        route_(route),
        load_(load),
        random_(system_seed()),
        run_(random_.next()),
        deadline_(runtime.loop()) {
    deadline_.start(kOpenTimeoutMs, 0, [this] {
      fail_with({Errc::kTimeout,
                 "the way is not open after " + std::to_string(kOpenTimeoutMs / 1000) + " s"});
    });
    runtime.on_interrupt([this] { fail_with({Errc::kCancelled, "interrupted"}); });
    route.open({.ready = [this, &started] { begin(started); },
                .received = [this](Bytes value) { receive(value); },
                .acknowledged =
                    [this] {
                      ++acknowledged_;
                      finish_if_done();
                    },
                .failed = [this](const Error& error) { fail_with(error); }});
  }

  Result<LatencyRun> result() {
    pacer_.reset();
    if (error_) return std::unexpected(*error_);
    return std::move(result_);
  }

 private:
  void begin(const std::function<void()>& started) {
    pace_ = {.start_us = runtime_.clock().monotonic_us() + kLeadUs,
             .rate = load_.rate,
             .count = load_.rate * load_.seconds};
    started();
    pacer_.emplace(runtime_.loop(), pace_,
                   [this](std::int64_t first, std::int64_t end) { send(first, end); });
    const auto run_ms = static_cast<std::uint64_t>(kLeadUs / 1000 + load_.seconds * 1000);
    deadline_.start(run_ms + kDrainMs, 0, [this] {
      fail_with({Errc::kTimeout, std::to_string(result_.received) + " of " +
                                     std::to_string(result_.sent) + " records arrived, " +
                                     std::to_string(acknowledged_) + " acknowledged"});
    });
  }

  void send(std::int64_t first, std::int64_t end) {
    std::vector<std::string> values;
    for (auto sequence = first; sequence < end; ++sequence) {
      values.push_back(
          make_probe({run_, sequence, Pacer::intended_us(pace_, sequence)}, load_.bytes, random_));
    }
    result_.sent += std::ssize(values);
    route_.send(std::move(values));
  }

  void receive(Bytes value) {
    const auto probe = read_probe(value);
    if (!probe) return fail_with(probe.error());
    if (probe->run != run_) return;  // what an earlier run left on its way
    const auto now_us = runtime_.clock().monotonic_us();
    result_.latency_us.add(now_us - probe->intended_us);
    if (probe->sequence != result_.received) ++result_.misplaced;
    ++result_.received;
    result_.elapsed_s = static_cast<double>(now_us - pace_.start_us) / 1e6;
    finish_if_done();
  }

  void finish_if_done() {
    if (result_.received >= pace_.count && acknowledged_ >= pace_.count)
      runtime_.finish(ExitCode::kOk);
  }

  void fail_with(Error error) {
    if (!error_) error_ = std::move(error);
    runtime_.finish(ExitCode::kFailed);
  }

  ClientRuntime& runtime_;
  Route& route_;
  const LatencyLoad& load_;
  Random random_;
  std::uint64_t run_;
  Pacer::Options pace_;
  LatencyRun result_;
  std::int64_t acknowledged_ = 0;
  std::optional<Error> error_;
  Timer deadline_;
  std::optional<Pacer> pacer_;
};

}  // namespace

Result<LatencyRun> run_latency(ClientRuntime& runtime,
                               std::unique_ptr<Route> route,
                               const LatencyLoad& load,
                               const std::function<void()>& started) {
  Measurement measurement(runtime, *route, load, started);
  runtime.run();
  route.reset();  // it tells the fate of what is still on its way
  return measurement.result();
}

}  // namespace xylem::cli
