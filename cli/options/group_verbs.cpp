#include "cli/options/verbs.h"
#include "common/clock.h"
#include "common/config/point_in_time.h"

#include <utility>

namespace xylem::cli {
namespace {

using Action = GroupsOptions::Action;

// As typed.
struct Raw {
  GroupsOptions options;
  std::string brokers;
  std::string to_time;
  std::int64_t partition = -1;
};

Result<Command> finish(Raw& raw) {
  auto brokers = parse_brokers(raw.brokers);
  if (!brokers) return pass(brokers);
  raw.options.brokers = std::move(*brokers);
  if (raw.partition >= 0) raw.options.partition = raw.partition;
  if (raw.options.action != Action::kReset) return raw.options;
  if (raw.options.to.empty() == raw.to_time.empty())
    return fail(Errc::kInvalidRequest, "say where to reset the group to: --to, or --to-time");
  if (raw.to_time.empty()) return raw.options;
  const SystemClock clock;
  auto moment = parse_point_in_time(raw.to_time, clock.wall_ms());
  if (!moment) return pass(moment, "--to-time");
  raw.options.to_time_ms = *moment;
  return raw.options;
}

void add(Verb& verb, Action action, const Defaults& defaults) {
  auto& raw = verb.fills<Raw>(finish);
  raw.options.action = action;
  raw.brokers = defaults.brokers;
  verb.text("--broker", raw.brokers, "host:port,... [XYLEM_BROKER]").show_default();
  verb.flag("--json", raw.options.json, "for machines");
  if (action != Action::kList && action != Action::kLag)
    verb.text("GROUP", raw.options.group).required();
  if (action == Action::kLag) verb.text("--group", raw.options.group, "only this one");
  if (action == Action::kForget)
    verb.text("--instance", raw.options.instance, "whose offsets are removed").required();
  if (action != Action::kReset) return;
  verb.texts("--topic", raw.options.topics, "which ones (default: all of the group's)");
  verb.number("--partition", raw.partition, "only this one").not_negative();
  verb.text("--to", raw.options.to, "earliest, latest, or an offset");
  verb.text("--to-time", raw.to_time,
            "the first record at or after: 2026-11-22T10:00:00Z, 90m (ago), or ms since 1970");
  verb.text("--instance", raw.options.instance,
            "of broadcast topics only this one's place (default: of all that have one)");
  verb.flag("--dry-run", raw.options.dry_run, "say what would change, and change nothing");
}

}  // namespace

void add_group_verbs(Verb& program, const Defaults& defaults) {
  auto& group = program.verb("groups", "list, describe, reset, tidy or delete consumer groups");
  add(group.verb("list", "all groups"), Action::kList, defaults);
  add(group.verb("describe", "one group's members, offsets and lag"), Action::kDescribe, defaults);
  add(group.verb("reset", "where a group without members goes on"), Action::kReset, defaults);
  add(group.verb("forget", "remove an instance's offsets of broadcast topics"), Action::kForget,
      defaults);
  add(group.verb("delete", "remove a group without members, and all its offsets"), Action::kDelete,
      defaults);
  add(program.verb("lag", "how many records groups are behind, by topic"), Action::kLag, defaults);
}

}  // namespace xylem::cli
