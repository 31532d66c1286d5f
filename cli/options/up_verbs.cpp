#include "cli/options/verbs.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

namespace xylem::cli {
namespace {

struct RawUp {
  UpOptions options;
  std::string tree = "l2=2,l3=1,pos=1,local=0";
  std::vector<std::string> topics;
  int base_port = 0;  // 0: not said
  bool no_console = false;
  bool no_producer = false;
  bool no_consumer = false;
};

Result<Command> finish_up(RawUp& raw) {
  auto tree = parse_tree_shape(raw.tree);
  if (!tree) return pass(tree);
  raw.options.tree = *tree;
  raw.options.topics.clear();
  for (const auto& text : raw.topics) {
    auto topic = parse_topic_spec(text);
    if (!topic) return pass(topic);
    raw.options.topics.push_back(std::move(*topic));
  }
  if (raw.base_port != 0) raw.options.base_port = static_cast<std::uint16_t>(raw.base_port);
  raw.options.with_console = !raw.no_console;
  raw.options.with_producer = !raw.no_producer;
  raw.options.with_consumer = !raw.no_consumer;
  return raw.options;
}

void add_up(CLI::App& app, Verbs& verbs) {
  auto* verb = app.add_subcommand("up", "run a whole tree on this machine");
  auto raw = std::make_shared<RawUp>();
  verb->add_option("--dir", raw->options.dir, "everything it keeps: state, logs, endpoints.json")
      ->capture_default_str();
  verb->add_option("--roots", raw->options.roots, "brokers of the root tier; only 1 for now")
      ->capture_default_str();
  verb->add_option("--tree", raw->tree, "brokers below each one of the tier above")
      ->capture_default_str();
  verb->add_option("--base-port", raw->base_port,
                   "the registry's; all others follow (else: the well-known ones)")
      ->check(CLI::Range(1, 65'535));
  verb->add_option("--topic", raw->topics, "NAME:partitions[:delete|compact]; may be repeated")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  verb->add_flag("--no-console", raw->no_console, "run until SIGTERM");
  verb->add_flag("--no-producer", raw->no_producer);
  verb->add_flag("--no-consumer", raw->no_consumer);
  verbs.push_back({verb, [raw] { return finish_up(*raw); }});
}

void add_console(CLI::App& app, Verbs& verbs) {
  auto* verb = app.add_subcommand("console", "give a command to a running `xylem up`");
  auto options = std::make_shared<ConsoleOptions>();
  verb->add_option("--dir", options->dir, "that of `xylem up`")->capture_default_str();
  verb->add_option("-c,--command", options->command, "help lists them")->required();
  verbs.push_back({verb, [options]() -> Result<Command> { return *options; }});
}

}  // namespace

void add_up_verbs(CLI::App& app, Verbs& verbs) {
  add_up(app, verbs);
  add_console(app, verbs);
}

}  // namespace xylem::cli
