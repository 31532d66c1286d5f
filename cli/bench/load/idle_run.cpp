#include "cli/bench/load/idle_run.h"

#include "cli/bench/load/load_run.h"
#include "cli/bench/load/load_wire.h"
#include "cli/bench/load/native_connection.h"
#include "cli/bench/load/native_subscriber.h"

#include <algorithm>
#include <fstream>
#include <poll.h>
#include <string>
#include <utility>
#include <vector>

namespace xylem::cli {
namespace {

constexpr auto kTopic = "bench-idle";
constexpr std::size_t kWindowBytes = std::size_t{1} << 20U;  // unacknowledged
constexpr std::size_t kPartBytes = std::size_t{64} << 20U;   // published between two beats
constexpr std::size_t kOpenedMax = 500;                      // between two beats

// Of the process's own memory: what it shares with files on disk is not its consumers'.
Result<double> anonymous_bytes(pid_t pid) {
  const auto path = "/proc/" + std::to_string(pid) + "/smaps_rollup";
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Anonymous:")) return std::stod(line.substr(10)) * 1024;
  }
  return fail(Errc::kIo, path + " does not tell the memory of the broker");
}

// Says that they are there. kUnavailable: the broker has dropped one, so they measure nothing.
Status beat_all(std::vector<NativeSubscriber>& subscribers) {
  for (auto& subscriber : subscribers) {
    pollfd look{.fd = subscriber.socket().fd(), .events = POLLRDHUP, .revents = 0};
    if (poll(&look, 1, 0) != 0) return fail(Errc::kUnavailable, "the broker dropped a consumer");
    if (auto said = beat_native(subscriber.socket()); !said) return said;
  }
  return {};
}

Result<std::vector<NativeSubscriber>> subscribe(const MeasuredBroker& broker, std::int64_t count) {
  std::vector<NativeSubscriber> idle;
  for (std::int64_t i = 0; i < count; ++i) {
    auto subscriber = NativeSubscriber::open(broker.address(), kTopic, network::StartAt::kLatest);
    if (!subscriber) return pass(subscriber, "consumer " + std::to_string(i));
    idle.push_back(std::move(*subscriber));
    if (idle.size() % kOpenedMax != 0) continue;
    if (auto said = beat_all(idle); !said) return pass(said);
  }
  if (auto said = beat_all(idle); !said) return pass(said);
  return idle;
}

// To a consumer of its own.
Result<LoadRun> publish(const MeasuredBroker& broker,
                        const LoadBatches& batches,
                        std::size_t bytes,
                        const Clock& clock) {
  const auto wire = make_native_wire(broker.address(), {.name = kTopic}, batches);
  if (auto opened = wire->open(LoadWire::From::kEnd); !opened) return pass(opened);
  const auto unit_bytes = wire->unit(0).size();
  LoadLimits limits;
  limits.units = static_cast<std::int64_t>(bytes / unit_bytes + 1);
  limits.units_in_flight = static_cast<std::int64_t>(kWindowBytes / unit_bytes + 1);
  return run_produce(*wire, limits, clock);
}

struct Stalled {
  LoadRun run;
  double grown_bytes = 0;  // of the broker's memory meanwhile
};

// Past one that does not read.
Result<Stalled> publish_past_stalled(const MeasuredBroker& broker,
                                     const LoadBatches& batches,
                                     const IdleLoad& load,
                                     const Clock& clock) {
  auto stalled = subscribe(broker, 1);
  if (!stalled) return std::unexpected(stalled.error());
  const auto before = anonymous_bytes(broker.pid());
  if (!before) return std::unexpected(before.error());
  Stalled all;
  for (std::size_t left = load.stalled_bytes; left > 0;) {
    const auto part = std::min(left, kPartBytes);
    const auto run = publish(broker, batches, part, clock);
    if (!run) return std::unexpected(run.error());
    all.run.records += run->records;
    all.run.misplaced += run->misplaced;
    all.run.elapsed_s += run->elapsed_s;
    left -= part;
    if (auto said = beat_all(*stalled); !said) return pass(said);
  }
  const auto after = anonymous_bytes(broker.pid());
  if (!after) return std::unexpected(after.error());
  all.grown_bytes = *after - *before;
  return all;
}

double rate_of(const LoadRun& run) { return static_cast<double>(run.records) / run.elapsed_s; }

}  // namespace

Result<IdleFigures> run_idle(const MeasuredBroker& broker,
                             const LoadBatches& batches,
                             const IdleLoad& load,
                             const Clock& clock) {
  // Nothing but the topic is there: no freed memory that connections could take unseen.
  if (auto made = publish(broker, batches, 1, clock); !made) return pass(made);
  const auto before = anonymous_bytes(broker.pid());
  if (!before) return std::unexpected(before.error());
  IdleFigures figures;
  {
    const auto idle = subscribe(broker, load.consumers);
    if (!idle) return std::unexpected(idle.error());
    const auto with = anonymous_bytes(broker.pid());
    if (!with) return std::unexpected(with.error());
    figures.bytes_per_consumer = (*with - *before) / static_cast<double>(load.consumers);
  }
  // What a load leaves behind is there before the next one is compared with it.
  const auto alone = publish(broker, batches, load.stalled_bytes, clock);
  if (!alone) return std::unexpected(alone.error());
  const auto beside = publish_past_stalled(broker, batches, load, clock);
  if (!beside) return std::unexpected(beside.error());
  // The disk is busier than in the beginning: what it gives now belongs to the comparison.
  const auto again = publish(broker, batches, load.stalled_bytes, clock);
  if (!again) return std::unexpected(again.error());
  figures.stalled_growth_bytes = beside->grown_bytes;
  figures.rate_alone = (rate_of(*alone) + rate_of(*again)) / 2;
  figures.rate_stalled = rate_of(beside->run);
  figures.misplaced = alone->misplaced + beside->run.misplaced + again->misplaced;
  return figures;
}

}  // namespace xylem::cli
