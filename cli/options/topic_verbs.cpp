#include "cli/options/verbs.h"
#include "common/quantity.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

namespace xylem::cli {
namespace {

using Action = TopicOptions::Action;

// As typed.
struct Raw {
  TopicOptions options;
  std::string brokers;
  std::string retention_ms;
  std::string retention_bytes;
  std::int64_t partitions = 0;
};

Status take_limit(const std::string& text,
                  const char* flag,
                  Result<std::int64_t> (*parse)(std::string_view),
                  std::optional<std::int64_t>& out) {
  if (text.empty()) return {};
  auto number = parse(text);
  if (!number) return pass(number, flag);
  out = *number;
  return {};
}

// Milliseconds, or a duration with its unit.
Result<std::int64_t> parse_ms(std::string_view text) {
  if (auto number = parse_number(text)) return number;
  return parse_duration_ms(text);
}

Result<Command> finish(Raw& raw) {
  auto brokers = parse_brokers(raw.brokers);
  if (!brokers) return pass(brokers);
  raw.options.brokers = std::move(*brokers);
  if (raw.partitions > 0) raw.options.partitions = raw.partitions;
  if (auto taken =
          take_limit(raw.retention_ms, "--retention-ms", parse_ms, raw.options.retention_ms);
      !taken)
    return pass(taken);
  if (auto taken = take_limit(raw.retention_bytes, "--retention-bytes", parse_bytes,
                              raw.options.retention_bytes);
      !taken)
    return pass(taken);
  return raw.options;
}

void add_policies(CLI::App& verb, Raw& raw) {
  verb.add_option("--partitions", raw.partitions, "how many")->check(CLI::Range(1, 100'000));
  verb.add_option("--cleanup", raw.options.cleanup, "delete: by age and size; compact: by key")
      ->check(CLI::IsMember({"delete", "compact"}));
  verb.add_option("--retention-ms", raw.retention_ms, "how long records stay, as 7d; -1: for ever");
  verb.add_option("--retention-bytes", raw.retention_bytes, "size, as 10GiB; -1: no limit");
  verb.add_option("--flush", raw.options.flush, "when an append is synced")
      ->check(CLI::IsMember({"always", "interval", "never"}));
}

void add(CLI::App& group,
         const std::string& name,
         const std::string& help,
         Action action,
         const Defaults& defaults,
         Verbs& verbs) {
  auto* verb = group.add_subcommand(name, help);
  auto raw = std::make_shared<Raw>();
  raw->options.action = action;
  raw->brokers = defaults.brokers;
  verb->add_option("--broker", raw->brokers, "host:port,... [XYLEM_BROKER]")->capture_default_str();
  verb->add_flag("--json", raw->options.json, "for machines");
  if (action != Action::kList) verb->add_option("TOPIC", raw->options.name)->required();
  if (action == Action::kCreate || action == Action::kAlter) add_policies(*verb, *raw);
  if (action == Action::kList || action == Action::kDescribe)
    verb->add_option("--registry", raw->options.registry_url,
                     "ask this one instead of a broker: shows more");
  if (action == Action::kCreate)
    verb->add_flag("--if-not-exists", raw->options.if_not_exists, "one that is there is fine");
  if (action == Action::kList) verb->add_flag("--all", raw->options.all, "internal topics too");
  verbs.push_back({verb, [raw] { return finish(*raw); }});
}

}  // namespace

void add_topic_verbs(CLI::App& app, const Defaults& defaults, Verbs& verbs) {
  auto* group = app.add_subcommand("topic", "create, list, describe, alter or delete topics");
  group->require_subcommand(1);
  add(*group, "create", "make a topic", Action::kCreate, defaults, verbs);
  add(*group, "list", "all topics", Action::kList, defaults, verbs);
  add(*group, "describe", "one topic's partitions", Action::kDescribe, defaults, verbs);
  add(*group, "alter", "change a topic's settings", Action::kAlter, defaults, verbs);
  add(*group, "delete", "remove a topic and its records everywhere", Action::kDelete, defaults,
      verbs);
}

}  // namespace xylem::cli
