#include "cli/options/options.h"

#include "cli/options/verbs.h"

#include <algorithm>
#include <string_view>

namespace xylem::cli {
namespace {

std::string setting(const std::map<std::string, std::string>& environment,
                    const std::string& name,
                    const std::string& otherwise) {
  const auto found = environment.find(name);
  return found == environment.end() || found->second.empty() ? otherwise : found->second;
}

}  // namespace

Result<Command> parse_command(std::span<const std::string> arguments,
                              const std::map<std::string, std::string>& environment) {
  const Defaults defaults{
      .registry = setting(environment, "XYLEM_REGISTRY", "http://localhost:8080"),
      .brokers = setting(environment, "XYLEM_BROKER", "localhost:9092")};
  Verb program("xylem", "Xylem: a broker that carries reference data down a tree");
  program.version("xylem " XYLEM_VERSION);
  add_up_verbs(program);
  add_topic_verbs(program, defaults);
  add_record_verbs(program, defaults);
  add_group_verbs(program, defaults);
  add_refresh_verbs(program, defaults);
  add_root_verbs(program);
  add_node_verbs(program, defaults);
  add_bench_verbs(program, defaults);
  return program.parse(arguments);
}

Result<std::vector<network::Address>> parse_brokers(const std::string& list) {
  std::vector<network::Address> brokers;
  std::string_view left = list;
  while (!left.empty()) {
    const auto comma = std::min(left.find(','), left.size());
    auto address = network::Address::parse(left.substr(0, comma));
    if (!address) return pass(address, "--broker");
    brokers.push_back(std::move(*address));
    left.remove_prefix(std::min(comma + 1, left.size()));
  }
  if (brokers.empty()) return fail(Errc::kInvalidRequest, "--broker names none");
  return brokers;
}

}  // namespace xylem::cli
