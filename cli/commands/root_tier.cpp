#include "cli/commands/root_tier.h"

#include "cli/json_document.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "common/config.h"
#include "common/process.h"

#include <algorithm>
#include <map>
#include <utility>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;

std::string name_of(std::int64_t broker) { return broker < 0 ? "none" : std::to_string(broker); }

std::string joined(const Json& numbers) {
  std::string text;
  for (const auto& number : numbers) {
    if (number.is_number_integer())
      text += (text.empty() ? "" : ",") + std::to_string(number.get<std::int64_t>());
  }
  return text.empty() ? "none" : text;
}

struct Load {
  int replicas = 0;
  int leads = 0;
};

// What the partitions come to, and those that need somebody to look.
struct Partitions {
  std::map<std::int64_t, Load> loads;
  int all = 0;
  int leaderless = 0;
  int too_few_in_sync = 0;
  int moving = 0;
  Table troubled{"TOPIC", "PARTITION", "LEADER", "IN SYNC", "REPLICAS", "MOVING TO"};
  bool has_troubled = false;

  void add(const Json& topic, const Json& partition) {
    const auto leader = integer_at(partition, "leader", -1);
    const auto in_sync = list_at(partition, "inSync");
    const auto moving_to = list_at(partition, "movingTo");
    const auto replicas = list_at(partition, "replicas");
    const bool is_short = std::cmp_less(in_sync.size(), integer_at(topic, "minInsync"));
    ++all;
    leaderless += leader < 0 ? 1 : 0;
    too_few_in_sync += is_short ? 1 : 0;
    moving += moving_to.empty() ? 0 : 1;
    if (leader >= 0) ++loads[leader].leads;
    for (const auto& replica : replicas) {
      if (replica.is_number_integer()) ++loads[replica.get<std::int64_t>()].replicas;
    }
    if (leader >= 0 && !is_short && moving_to.empty() && in_sync.size() == replicas.size()) return;
    has_troubled = true;
    troubled.add({text_at(topic, "name"), std::to_string(integer_at(partition, "partition")),
                  name_of(leader), joined(in_sync), joined(replicas), joined(moving_to)});
  }
};

}  // namespace

Result<std::string> root_status_text(const std::string& document) {
  auto cluster = parse_document(document);
  if (!cluster) return pass(cluster);
  Partitions partitions;
  for (const auto& topic : list_at(*cluster, "topics")) {
    for (const auto& partition : list_at(topic, "partitions")) partitions.add(topic, partition);
  }
  Table brokers({"BROKER", "NODE", "STATE", "CLIENTS", "REPLICAS", "LEADS"});
  for (const auto& broker : list_at(*cluster, "brokers")) {
    const auto number = integer_at(broker, "broker");
    const auto& load = partitions.loads[number];
    brokers.add({std::to_string(number), text_at(broker, "node"),
                 flag_at(broker, "isAlive") ? "alive" : "dead", text_at(broker, "clients"),
                 std::to_string(load.replicas), std::to_string(load.leads)});
  }
  std::string text = "controller " + name_of(integer_at(*cluster, "controller", -1)) +
                     "  as broker " + name_of(integer_at(*cluster, "self", -1)) + " knows it, " +
                     human_age(integer_at(*cluster, "contactAgeMs")) + " old\n" + brokers.text() +
                     "partitions " + std::to_string(partitions.all) + "  without a leader " +
                     std::to_string(partitions.leaderless) + "  below min in-sync " +
                     std::to_string(partitions.too_few_in_sync) + "  moving " +
                     std::to_string(partitions.moving) + "\n";
  if (partitions.has_troubled) text += partitions.troubled.text();
  return text;
}

ExitCode run_root_status(const RootStatusOptions& options) {
  const auto answer = options.brokers.get("/api/v1/cluster");
  if (!answer) return report(answer.error());
  if (options.json) return finish_with(*answer + "\n");
  const auto text = root_status_text(*answer);
  if (!text) return report(text.error());
  return finish_with(*text);
}

std::string operator_name() {
  const auto environment = process_environment();
  const auto user = environment.find("USER");
  return (user == environment.end() || user->second.empty() ? "somebody" : user->second) + "@" +
         host_name();
}

ExitCode run_root_elect(const RootElectOptions& options) {
  Json body{{"topic", options.topic},
            {"partition", options.partition},
            {"broker", options.broker},
            {"who", operator_name()}};
  if (options.accepts_loss) body["acceptLoss"] = true;
  const auto answer = options.brokers.post("/api/v1/cluster/elections", body.dump());
  if (!answer) return report(answer.error());
  if (options.json) return finish_with(*answer + "\n");
  return finish_with("broker " + std::to_string(options.broker) + " leads " + options.topic + "/" +
                     std::to_string(options.partition) +
                     "; the topic begins a new generation, and its copies below with it\n");
}

}  // namespace xylem::cli
