#include "cli/options/verbs.h"

#include <utility>

namespace xylem::cli {
namespace {

struct RawUp {
  UpOptions options;
  std::string tree = "l2=2,l3=1,pos=1,local=0";
  std::vector<std::string> topics;
  std::int32_t base_port = 0;  // 0: not said
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

void add_up(Verb& program) {
  auto& verb = program.verb("up", "run a whole tree on this machine");
  auto& raw = verb.fills<RawUp>(finish_up);
  verb.text("--dir", raw.options.dir, "everything it keeps: state, logs, endpoints.json")
      .show_default();
  verb.number("--roots", raw.options.roots, "brokers of the root tier")
      .between(1, kRootsMax)
      .show_default();
  verb.text("--tree", raw.tree, "brokers below each one of the tier above").show_default();
  verb.number("--base-port", raw.base_port,
              "the registry's; all others follow (else: the well-known ones)")
      .between(1, 65'535);
  verb.texts("--topic", raw.topics, "NAME:partitions[:delete|compact]; may be repeated");
  verb.flag("--no-console", raw.no_console, "run until SIGTERM");
  verb.flag("--no-producer", raw.no_producer);
  verb.flag("--no-consumer", raw.no_consumer);
}

void add_console(Verb& program) {
  auto& verb = program.verb("console", "give a command to a running `xylem up`");
  auto& options = verb.fills<ConsoleOptions>();
  verb.text("--dir", options.dir, "that of `xylem up`").show_default();
  verb.text("-c,--command", options.command, "help lists them").required();
}

}  // namespace

void add_up_verbs(Verb& program) {
  add_up(program);
  add_console(program);
}

}  // namespace xylem::cli
