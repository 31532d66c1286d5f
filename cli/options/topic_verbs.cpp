#include "cli/options/verbs.h"
#include "common/quantity.h"

#include <utility>

namespace xylem::cli {
namespace {

using Action = TopicOptions::Action;

constexpr std::int64_t kReplicasMax = 5;
constexpr std::int64_t kDeadLetterAfterMax = 1'000;

// As typed.
struct Raw {
  TopicOptions options;
  std::string brokers;
  std::string retention_ms;
  std::string retention_bytes;
  std::string tombstone_retention;
  std::int64_t partitions = 0;
  std::int64_t replicas = 0;
  std::int64_t min_insync = 0;
  std::int64_t dead_letter_after = -1;
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
  if (raw.replicas > 0) raw.options.replicas = raw.replicas;
  if (raw.min_insync > 0) raw.options.min_insync = raw.min_insync;
  if (raw.dead_letter_after >= 0) raw.options.dead_letter_after = raw.dead_letter_after;
  if (auto taken =
          take_limit(raw.retention_ms, "--retention-ms", parse_ms, raw.options.retention_ms);
      !taken)
    return pass(taken);
  if (auto taken = take_limit(raw.retention_bytes, "--retention-bytes", parse_bytes,
                              raw.options.retention_bytes);
      !taken)
    return pass(taken);
  if (auto taken = take_limit(raw.tombstone_retention, "--tombstone-retention", parse_ms,
                              raw.options.tombstone_retention_ms);
      !taken)
    return pass(taken);
  return raw.options;
}

void add_policies(Verb& verb, Raw& raw) {
  verb.number("--partitions", raw.partitions, "how many").between(1, 100'000);
  verb.text("--cleanup", raw.options.cleanup,
            "delete: by age and size; compact: the last record of each key stays (and what "
            "--retention-... say goes all the same)")
      .one_of({"delete", "compact"});
  verb.text("--retention-ms", raw.retention_ms, "how long records stay, as 7d; -1: for ever");
  verb.text("--retention-bytes", raw.retention_bytes, "size, as 10GiB; -1: no limit");
  verb.text("--tombstone-retention", raw.tombstone_retention,
            "with compact: how long deletions stay, as 7d (default); -1: for ever");
  verb.number(
          "--replicas", raw.replicas,
          "of each partition (default 3 where there are so many root brokers); two either halve "
          "how often one can write, or promise nothing about a lost disk")
      .between(1, kReplicasMax);
  verb.number("--min-insync", raw.min_insync,
              "how many must have a record on their disks before acks=all (default 2)")
      .between(1, kReplicasMax);
  verb.text("--flush", raw.options.flush, "when an append is synced")
      .one_of({"always", "interval", "never"});
  verb.text("--delivery", raw.options.delivery,
            "shared: each record to one member of a group (default); broadcast: to every member")
      .one_of({"shared", "broadcast"});
  verb.number("--dead-letter-after", raw.dead_letter_after,
              "after so many failed deliveries to a group a record goes to TOPIC.dlq of the broker "
              "that delivers it; 0: never")
      .between(0, kDeadLetterAfterMax);
}

void add(Verb& group,
         const std::string& name,
         const std::string& help,
         Action action,
         const Defaults& defaults) {
  auto& verb = group.verb(name, help);
  auto& raw = verb.fills<Raw>(finish);
  raw.options.action = action;
  raw.brokers = defaults.brokers;
  verb.text("--broker", raw.brokers, "host:port,... [XYLEM_BROKER]").show_default();
  verb.flag("--json", raw.options.json, "for machines");
  if (action != Action::kList) verb.text("TOPIC", raw.options.name).required();
  if (action == Action::kCreate || action == Action::kAlter) add_policies(verb, raw);
  if (action == Action::kList || action == Action::kDescribe)
    verb.text("--registry", raw.options.registry_url,
              "ask this one instead of a broker: shows more");
  if (action == Action::kCreate)
    verb.flag("--if-not-exists", raw.options.if_not_exists, "one that is there is fine");
  if (action == Action::kList) verb.flag("--all", raw.options.all, "internal topics too");
}

}  // namespace

void add_topic_verbs(Verb& program, const Defaults& defaults) {
  auto& group = program.verb("topic", "create, list, describe, alter or delete topics");
  add(group, "create", "make a topic", Action::kCreate, defaults);
  add(group, "list", "all topics", Action::kList, defaults);
  add(group, "describe", "one topic's partitions", Action::kDescribe, defaults);
  add(group, "alter", "change a topic's settings", Action::kAlter, defaults);
  add(group, "delete", "remove a topic and its records everywhere", Action::kDelete, defaults);
}

}  // namespace xylem::cli
