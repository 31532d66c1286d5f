#include "cli/bench/probe_record.h"
#include "cli/options/verbs.h"

#include <CLI/CLI.hpp>
#include <memory>

namespace xylem::cli {
namespace {

constexpr std::int64_t kRateMax = 1'000'000;      // records per second
constexpr std::int64_t kSecondsMax = 3'600;       // of a run
constexpr std::size_t kBytesMax = 1024UL * 1024;  // of a record
constexpr std::int64_t kPairsMax = 1'000;

struct RawLatency {
  BenchLatencyOptions options;
  std::string produce_to;
  std::string consume_from;
  std::string versus;
};

Result<Command> finish_latency(RawLatency& raw) {
  auto& options = raw.options;
  if (auto good = check_topic_name(options.route.topic); !good) return pass(good);
  options.vs_null = raw.versus == "null";
  if (!options.tree_directory.empty()) return options;
  auto produce_to = parse_brokers(raw.produce_to);
  if (!produce_to) return pass(produce_to);
  auto consume_from = parse_brokers(raw.consume_from.empty() ? raw.produce_to : raw.consume_from);
  if (!consume_from) return pass(consume_from);
  options.route.produce_to = std::move(*produce_to);
  options.route.consume_from = std::move(*consume_from);
  return options;
}

}  // namespace

void add_bench_verbs(CLI::App& app, const Defaults& defaults, Verbs& verbs) {
  auto* group = app.add_subcommand("bench", "measure a running tree");
  group->require_subcommand(1);
  auto* verb = group->add_subcommand("latency", "from publish to delivery, at a fixed rate");
  auto raw = std::make_shared<RawLatency>();
  auto& options = raw->options;
  raw->produce_to = defaults.brokers;
  options.route.topic = "bench-latency";
  verb->add_option("--broker", raw->produce_to, "where to publish [XYLEM_BROKER]")
      ->capture_default_str();
  verb->add_option("--consume-from", raw->consume_from, "a leaf's host:port; none: --broker's");
  verb->add_option("--dir", options.tree_directory,
                   "of an `xylem up`: publish at its root, consume from its first POS broker");
  verb->add_option("--topic", options.route.topic, "created if it is missing")
      ->capture_default_str();
  verb->add_option("--rate", options.load.rate, "records per second")
      ->check(CLI::Range(std::int64_t{1}, kRateMax))
      ->capture_default_str();
  verb->add_option("--seconds", options.load.seconds, "of each run")
      ->check(CLI::Range(std::int64_t{1}, kSecondsMax))
      ->capture_default_str();
  verb->add_option("--size", options.load.bytes, "bytes of a record's value, half of them random")
      ->check(CLI::Range(kProbeBytesMin, kBytesMax))
      ->capture_default_str();
  verb->add_option("--pairs", options.pairs, "how many runs, each followed by one of --vs")
      ->check(CLI::Range(std::int64_t{1}, kPairsMax))
      ->capture_default_str();
  verb->add_option("--vs", raw->versus, "null: a relay without features, in turns")
      ->check(CLI::IsMember({"null"}));
  verb->add_option("--null-program", options.null_program, "none: xylem-null-relay beside xylem");
  verb->add_option("--null-dir", options.null_directory, "where it writes: the brokers' disk")
      ->capture_default_str();
  verb->add_flag("--json", options.json, "for machines");
  verbs.push_back({verb, [raw] { return finish_latency(*raw); }});
}

}  // namespace xylem::cli
