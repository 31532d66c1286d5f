#include "cli/options/verbs.h"

namespace xylem::cli {
namespace {

void add_registry(Verb& verb, const Defaults& defaults, std::string& registry_url) {
  registry_url = defaults.registry;
  verb.text("--registry", registry_url, "http://host:port [XYLEM_REGISTRY]").show_default();
}

void add_tree(Verb& program, const Defaults& defaults) {
  auto& verb = program.verb("tree", "every node below its parent, with health and age");
  auto& options = verb.fills<TreeOptions>();
  add_registry(verb, defaults, options.registry_url);
  verb.flag("--json", options.json, "for machines");
}

void add_node(Verb& program, const Defaults& defaults) {
  auto& verb = program.verb("node", "what one broker says about itself");
  auto& options = verb.fills<NodeOptions>();
  options.target = "http://localhost:8081";
  add_registry(verb, defaults, options.registry_url);
  verb.text("NODE", options.target, "its id, or http://host:port of its administration")
      .show_default();
  verb.flag("--json", options.json, "for machines");
}

void add_log(Verb& group,
             const std::string& name,
             const std::string& help,
             LogOptions::Action action) {
  auto& verb = group.verb(name, help);
  auto& options = verb.fills<LogOptions>();
  options.action = action;
  verb.text("DATA_DIR", options.data_dir, "a broker's").required();
  verb.text("TOPIC", options.topic, "only this one");
  verb.flag("--json", options.json, "for machines");
  if (action == LogOptions::Action::kDump) {
    verb.flag("--digest", options.digest,
              "a line a log: topic, id, partition, first, end, batches, SHA-256");
  } else {
    verb.flag("--repair", options.repair, "mend what can be mended; the broker must be stopped");
  }
}

}  // namespace

void add_node_verbs(Verb& program, const Defaults& defaults) {
  add_tree(program, defaults);
  add_node(program, defaults);
  auto& log = program.verb("log", "look into a broker's logs on disk");
  add_log(log, "dump", "the logs and their digests", LogOptions::Action::kDump);
  add_log(log, "verify", "check every batch, index and database", LogOptions::Action::kVerify);
}

}  // namespace xylem::cli
