#include "cli/options/bench_parts.h"
#include "cli/options/verbs.h"

namespace xylem::cli {
namespace {

constexpr std::int64_t kConsumersMax = 10'000;
constexpr std::int64_t kWindowMax = std::int64_t{64} << 20;  // bytes

struct RawIdle {
  BenchIdleOptions options;
  std::string bytes = "1GiB";
};

Result<Command> finish_idle(RawIdle& raw) {
  constexpr std::int64_t kStalledMax = std::int64_t{1} << 36;  // bytes
  auto bytes = bytes_in(raw.bytes, "--bytes", kStalledMax);
  if (!bytes) return pass(bytes);
  raw.options.load.stalled_bytes = *bytes;
  return raw.options;
}

struct RawFanout {
  BenchFanoutOptions options;
  std::string window = "256KiB";
  std::string versus;
};

Result<Command> finish_push(BenchPushOptions& options) { return options; }

Result<Command> finish_fanout(RawFanout& raw) {
  auto window = bytes_in(raw.window, "--window", kWindowMax);
  if (!window) return pass(window);
  raw.options.window_bytes = *window;
  raw.options.vs_null = raw.versus == "null";
  return raw.options;
}

template <class Options>
void add_common(Verb& verb, Options& options) {
  verb.number("--pairs", options.pairs, "how many runs of each kind")
      .between(1, kBenchPairsMax)
      .show_default();
  verb.text("--flush", options.flush, "of the topic, and of the null broker")
      .one_of({"never", "always"})
      .show_default();
  add_started_brokers(verb, options.programs, options.directory, options.json);
}

}  // namespace

void add_push_verbs(Verb& bench) {
  auto& push = bench.verb("push", "from publish to delivery through one broker, at a fixed rate");
  auto& options = push.fills<BenchPushOptions>(finish_push);
  add_paced_load(push, options.load);
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
      .between(1, kBenchRecordBytesMax)
      .show_default();
  fanout.number("--seconds", raw.options.seconds, "of each run")
      .between(1, kBenchSecondsMax)
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
  add_started_brokers(idle, still.options.programs, still.options.directory, still.options.json);
}

}  // namespace xylem::cli
