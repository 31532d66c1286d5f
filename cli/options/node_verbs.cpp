#include "cli/options/verbs.h"

#include <CLI/CLI.hpp>
#include <memory>

namespace xylem::cli {
namespace {

void add_registry(CLI::App& verb, const Defaults& defaults, std::string& registry_url) {
  registry_url = defaults.registry;
  verb.add_option("--registry", registry_url, "http://host:port [XYLEM_REGISTRY]")
      ->capture_default_str();
}

void add_root(CLI::App& app, Verbs& verbs) {
  auto* group = app.add_subcommand("root", "prepare the brokers that own the topics");
  group->require_subcommand(1);
  auto* verb = group->add_subcommand("init", "make a cluster in an empty data directory");
  auto options = std::make_shared<RootInitOptions>();
  verb->add_option("--data-dir", options->data_dir, "the broker's DATA_DIR")->required();
  verb->add_option("--cluster-id", options->cluster_id, "32 hexadecimal digits; none: a new one");
  verb->add_flag("--json", options->json, "for machines");
  verbs.push_back({verb, [options]() -> Result<Command> { return *options; }});
}

void add_tree(CLI::App& app, const Defaults& defaults, Verbs& verbs) {
  auto* verb = app.add_subcommand("tree", "every node below its parent, with health and age");
  auto options = std::make_shared<TreeOptions>();
  add_registry(*verb, defaults, options->registry_url);
  verb->add_flag("--json", options->json, "for machines");
  verbs.push_back({verb, [options]() -> Result<Command> { return *options; }});
}

void add_node(CLI::App& app, const Defaults& defaults, Verbs& verbs) {
  auto* verb = app.add_subcommand("node", "what one broker says about itself");
  auto options = std::make_shared<NodeOptions>();
  options->target = "http://localhost:8081";
  add_registry(*verb, defaults, options->registry_url);
  verb->add_option("NODE", options->target, "its id, or http://host:port of its administration")
      ->capture_default_str();
  verb->add_flag("--json", options->json, "for machines");
  verbs.push_back({verb, [options]() -> Result<Command> { return *options; }});
}

void add_log(CLI::App& group,
             const std::string& name,
             const std::string& help,
             LogOptions::Action action,
             Verbs& verbs) {
  auto* verb = group.add_subcommand(name, help);
  auto options = std::make_shared<LogOptions>();
  options->action = action;
  verb->add_option("DATA_DIR", options->data_dir, "a broker's")->required();
  verb->add_option("TOPIC", options->topic, "only this one");
  verb->add_flag("--json", options->json, "for machines");
  if (action == LogOptions::Action::kDump) {
    verb->add_flag("--digest", options->digest,
                   "a line a log: topic, id, partition, first, end, batches, SHA-256");
  }
  verbs.push_back({verb, [options]() -> Result<Command> { return *options; }});
}

}  // namespace

void add_node_verbs(CLI::App& app, const Defaults& defaults, Verbs& verbs) {
  add_root(app, verbs);
  add_tree(app, defaults, verbs);
  add_node(app, defaults, verbs);
  auto* log = app.add_subcommand("log", "look into a broker's logs on disk");
  log->require_subcommand(1);
  add_log(*log, "dump", "the logs and their digests", LogOptions::Action::kDump, verbs);
  add_log(*log, "verify", "check every batch", LogOptions::Action::kVerify, verbs);
}

}  // namespace xylem::cli
