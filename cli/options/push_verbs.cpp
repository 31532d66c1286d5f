#include "cli/bench/probe_record.h"
#include "cli/options/verbs.h"
#include "common/quantity.h"

namespace xylem::cli {
namespace {

constexpr std::int64_t kRateMax = 1'000'000;      // records per second
constexpr std::int64_t kSecondsMax = 3'600;       // of a run
constexpr std::int64_t kBytesMax = 1024L * 1024;  // of a record
constexpr std::int64_t kPairsMax = 1'000;
constexpr std::int64_t kConsumersMax = 10'000;
constexpr std::int64_t kWindowMax = std::int64_t{64} << 20;  // bytes

struct RawIdle {
  BenchIdleOptions options;
  std::string bytes = "1GiB";
};

Result<Command> finish_idle(RawIdle& raw) {
  constexpr std::int64_t kStalledMax = std::int64_t{1} << 36;  // bytes
  auto bytes = parse_bytes(raw.bytes);
  if (!bytes) return pass(bytes, "--bytes");
  if (*bytes < 1 || *bytes > kStalledMax)
    return fail(Errc::kInvalidRequest, "--bytes is 1 to " + std::to_string(kStalledMax));
  raw.options.load.stalled_bytes = static_cast<std::size_t>(*bytes);
  return raw.options;
}

struct RawFanout {
  BenchFanoutOptions options;
  std::string window = "256KiB";
  std::string versus;
};

Result<Command> finish_push(BenchPushOptions& options) { return options; }

Result<Command> finish_fanout(RawFanout& raw) {
  auto window = parse_bytes(raw.window);
  if (!window) return pass(window, "--window");
  if (*window < 1 || *window > kWindowMax)
    return fail(Errc::kInvalidRequest, "--window is 1 to " + std::to_string(kWindowMax));
  raw.options.window_bytes = static_cast<std::size_t>(*window);
  raw.options.vs_null = raw.versus == "null";
  return raw.options;
}

template <class Options>
void add_common(Verb& verb, Options& options) {
  verb.number("--pairs", options.pairs, "how many runs of each kind")
      .between(1, kPairsMax)
      .show_default();
  verb.text("--flush", options.flush, "of the topic, and of the null broker")
      .one_of({"never", "always"})
      .show_default();
  verb.text("--programs", options.programs, "where the brokers' programs are; none: beside xylem");
  verb.text("--dir", options.directory, "where started brokers write: a disk").show_default();
  verb.flag("--json", options.json, "for machines");
}

}  // namespace

void add_push_verbs(Verb& bench) {
  auto& push = bench.verb("push", "from publish to delivery through one broker, at a fixed rate");
  auto& options = push.fills<BenchPushOptions>(finish_push);
  push.number("--rate", options.load.rate, "records per second")
      .between(1, kRateMax)
      .show_default();
  push.number("--seconds", options.load.seconds, "of each run")
      .between(1, kSecondsMax)
      .show_default();
  push.number("--size", options.load.bytes, "bytes of a record's value, half of them random")
      .between(kProbeBytesMin, kBytesMax)
      .show_default();
  push.texts("--vs", options.versus,
             "in turns: a broker without features, or JetStream, which never syncs")
      .one_of({"null", "nats"});
  add_common(push, options);

  auto& fanout = bench.verb("fanout", "the same records to many consumers of one broker");
  auto& raw = fanout.fills<RawFanout>(finish_fanout);
  fanout.number("--consumers", raw.options.consumers, "each on a connection of its own")
      .between(1, kConsumersMax)
      .show_default();
  fanout
      .number("--size", raw.options.record_bytes, "bytes of a record's value, half of them random")
      .between(1, kBytesMax)
      .show_default();
  fanout.number("--seconds", raw.options.seconds, "of each run")
      .between(1, kSecondsMax)
      .show_default();
  fanout.text("--window", raw.window, "bytes sent that not all consumers have").show_default();
  fanout.text("--vs", raw.versus, "in turns: a broker without features").one_of({"null"});
  add_common(fanout, raw.options);

  auto& idle =
      bench.verb("idle", "what consumers cost that get nothing, and one that does not read");
  auto& still = idle.fills<RawIdle>(finish_idle);
  idle.number("--consumers", still.options.load.consumers, "each on a connection of its own")
      .between(1, kConsumersMax)
      .show_default();
  idle.text("--bytes", still.bytes, "of values, published past one that does not read")
      .show_default();
  idle.text("--programs", still.options.programs, "where the broker is; none: beside xylem");
  idle.text("--dir", still.options.directory, "where it writes: a disk").show_default();
  idle.flag("--json", still.options.json, "for machines");
}

}  // namespace xylem::cli
