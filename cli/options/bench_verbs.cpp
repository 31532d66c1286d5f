#include "cli/options/bench_parts.h"
#include "cli/options/throughput_verbs.h"
#include "cli/options/verbs.h"

namespace xylem::cli {
namespace {

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

void add_bench_verbs(Verb& program, const Defaults& defaults) {
  auto& group = program.verb("bench", "measure a running tree, a broker, or this machine");
  add_bench_storage_verb(group);
  auto& verb = group.verb("latency", "from publish to delivery, at a fixed rate");
  auto& raw = verb.fills<RawLatency>(finish_latency);
  auto& options = raw.options;
  raw.produce_to = defaults.brokers;
  options.route.topic = "bench-latency";
  verb.text("--broker", raw.produce_to, "where to publish [XYLEM_BROKER]").show_default();
  verb.text("--consume-from", raw.consume_from, "a leaf's host:port; none: --broker's");
  verb.text("--dir", options.tree_directory,
            "of an `xylem up`: publish at its root, consume from its first POS broker");
  verb.text("--topic", options.route.topic, "created if it is missing, and then deleted at the end")
      .show_default();
  add_paced_load(verb, options.load);
  verb.number("--pairs", options.pairs, "how many runs, each followed by one of --vs")
      .between(1, kBenchPairsMax)
      .show_default();
  verb.text("--vs", raw.versus, "null: a relay without features, in turns").one_of({"null"});
  verb.text("--null-program", options.null_program, "none: xylem-null-relay beside xylem");
  verb.text("--null-dir", options.null_directory, "where it writes: the brokers' disk")
      .show_default();
  verb.flag("--json", options.json, "for machines");
  add_throughput_verbs(group);
  add_push_verbs(group);
}

}  // namespace xylem::cli
