#include "cli/admin_http.h"
#include "cli/options/verbs.h"

#include <utility>

namespace xylem::cli {
namespace {

using Action = RefreshOptions::Action;

// As typed.
struct Raw {
  RefreshOptions options;
  std::string broker;
};

Result<Command> finish(Raw& raw) {
  auto& options = raw.options;
  if (!raw.broker.empty()) {
    auto brokers = admin_brokers_of(raw.broker);
    if (!brokers) return pass(brokers);
    if (brokers->urls.size() > 1)
      return fail(Errc::kInvalidRequest, "--broker: a refresh is of one broker, name one");
    options.broker_url = brokers->urls.front();
  }
  if (options.action != Action::kStart) return options;
  const int scopes =
      (options.node.empty() ? 0 : 1) + (options.subtree.empty() ? 0 : 1) + (options.fleet ? 1 : 0);
  if (options.broker_url.empty() && scopes != 1)
    return fail(Errc::kInvalidRequest, "say where: one of --node, --subtree, --fleet, --broker");
  if (!options.broker_url.empty() && scopes != 0)
    return fail(Errc::kInvalidRequest,
                "--broker refreshes that broker; --node, --subtree, --fleet go to the registry");
  return options;
}

RefreshOptions& add(Verb& verb, Action action, const Defaults& defaults) {
  auto& raw = verb.fills<Raw>(finish);
  raw.options.action = action;
  raw.options.registry_url = defaults.registry;
  verb.text("--registry", raw.options.registry_url, "http://host:port [XYLEM_REGISTRY]")
      .show_default();
  verb.text("--broker", raw.broker, "host:port of one broker's administration: only there");
  verb.flag("--json", raw.options.json, "for machines");
  return raw.options;
}

void add_start(Verb& verb, const Defaults& defaults) {
  constexpr std::int64_t kWaveMax = 1'000;
  constexpr std::int64_t kFailuresMax = 20'000;
  auto& options = add(verb, Action::kStart, defaults);
  verb.text("TOPIC", options.topic, "whose copies are built anew").required();
  verb.text("--node", options.node, "at this node");
  verb.text("--subtree", options.subtree, "at this node and all below it");
  verb.flag("--fleet", options.fleet, "at all nodes below the root");
  verb.number("--wave", options.wave_nodes, "nodes at a time").between(1, kWaveMax).show_default();
  verb.number("--max-failures", options.failures_max, "how many nodes may fail before it stops")
      .between(0, kFailuresMax)
      .show_default();
  verb.text("--reason", options.reason, "for the record");
  verb.flag("--wait", options.waits, "until it has ended; exit code 1 unless all is new");
}

}  // namespace

void add_refresh_verbs(Verb& program, const Defaults& defaults) {
  auto& group = program.verb("refresh", "build copies of a topic anew, in waves");
  add_start(group.verb("start", "at a node, a subtree or the fleet"), defaults);
  add(group.verb("list", "those that run, and the last that ended"), Action::kList, defaults);
  auto& status = group.verb("status", "how far one is: its waves and nodes");
  auto& looked_at = add(status, Action::kStatus, defaults);
  status.text("ID", looked_at.id, "16 hexadecimal digits").required();
  status.text("--state", looked_at.state, "only nodes in this state, such as ABORTED or AWAY");
  auto& stop = group.verb("stop", "no further node begins, those that run keep their old copies");
  auto& stopped = add(stop, Action::kStop, defaults);
  stop.text("ID", stopped.id, "16 hexadecimal digits").required();
  stop.text("--reason", stopped.reason, "for the record");
}

}  // namespace xylem::cli
