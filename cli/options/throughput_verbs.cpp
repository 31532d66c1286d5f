#include "cli/options/throughput_verbs.h"

#include "cli/options/bench_parts.h"
#include "common/quantity.h"

namespace xylem::cli {
namespace {

constexpr std::int64_t kRateMax = 100'000'000;  // records per second
constexpr std::int64_t kCopiesMax = 5;

struct RawThroughput {
  BenchThroughputOptions options;
  std::vector<std::string> sizes;
  std::string bytes;
  std::string window = "1MiB";
  std::string broker;
};

Result<Command> finish_throughput(RawThroughput& raw) {
  constexpr std::int64_t kBytesMax = std::int64_t{1} << 40;
  constexpr std::int64_t kWindowMax = std::int64_t{64} << 20;
  auto& options = raw.options;
  for (const auto& text : raw.sizes) {
    auto bytes = bytes_in(text, "--size", kBenchRecordBytesMax);
    if (!bytes) return pass(bytes);
    options.record_bytes.push_back(*bytes);
  }
  auto window = bytes_in(raw.window, "--window", kWindowMax);
  if (!window) return pass(window);
  options.window_bytes = *window;
  if (!raw.bytes.empty()) {
    auto bytes = bytes_in(raw.bytes, "--bytes", kBytesMax);
    if (!bytes) return pass(bytes);
    options.bytes = *bytes;
  }
  if (raw.broker.empty() && !options.topic.empty())
    return fail(Errc::kInvalidRequest, "--topic needs --broker");
  if (raw.broker.empty()) return options;
  auto broker = network::Address::parse(raw.broker);
  if (!broker) return pass(broker, "--broker");
  options.broker = std::move(*broker);
  return options;
}

void add_common(Verb& verb, RawThroughput& raw) {
  auto& options = raw.options;
  options.directory = "/var/tmp";
  verb.texts("--size", raw.sizes, "bytes of a record's value, half of them random; several runs");
  verb.number("--pairs", options.pairs, "how many runs of each kind, each followed by one of --vs")
      .between(1, kBenchPairsMax)
      .show_default();
  verb.text("--broker", raw.broker, "host:port of a broker that runs; none: each run starts one");
  verb.text("--topic", options.topic, "of --broker's, and kept; none: a new one");
  add_started_brokers(verb, options.programs, options.directory, options.json);
}

}  // namespace

void add_throughput_verbs(Verb& bench) {
  auto& produce = bench.verb("produce", "producer to broker to consumer, at full speed");
  auto& raw = produce.fills<RawThroughput>(finish_throughput);
  raw.sizes = {"100", "1KiB", "4KiB", "64KiB"};
  raw.options.flushes = {"never"};
  add_common(produce, raw);
  produce.texts("--flush", raw.options.flushes, "of the topic; several: several runs")
      .one_of({"never", "interval", "always"})
      .show_default();
  produce.number("--rate", raw.options.records_per_s, "records per second; none: full speed")
      .between(1, kRateMax);
  produce.number("--seconds", raw.options.seconds, "of each run")
      .between(1, kBenchSecondsMax)
      .show_default();
  produce.text("--bytes", raw.bytes, "of values that each run sends, instead of --seconds");
  produce.flag("--no-consumer", raw.options.only_produces, "counts what is acknowledged");
  produce.text("--window", raw.window, "bytes sent and not acknowledged").show_default();
  produce.number("--copies", raw.options.copies, "that the disk alone writes, with --flush always")
      .between(1, kCopiesMax)
      .show_default();
  produce.text("--vs", raw.options.versus, "in turns: a broker without features, or JetStream")
      .one_of({"null", "nats"});

  auto& consume = bench.verb("consume", "a consumer that catches up with a log");
  auto& log = consume.fills<RawThroughput>(finish_throughput);
  log.sizes = {"1KiB"};
  log.options.flushes = {"never"};
  log.options.consumes = true;
  log.bytes = "1GiB";
  add_common(consume, log);
  consume.text("--bytes", log.bytes, "of values in the log").show_default();
  consume.text("--vs", log.options.versus, "in turns: a broker without features").one_of({"null"});
}

}  // namespace xylem::cli
