#include "cli/options/options.h"

#include "cli/options/verbs.h"

#include <CLI/CLI.hpp>
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

// The deepest sub-command that was given, whose --help it was.
const CLI::App& chosen(const CLI::App& app) {
  const auto below = app.get_subcommands();
  return below.empty() ? app : chosen(*below.front());
}

}  // namespace

Result<Command> parse_command(std::span<const std::string> arguments,
                              const std::map<std::string, std::string>& environment) {
  const Defaults defaults{
      .registry = setting(environment, "XYLEM_REGISTRY", "http://localhost:8080"),
      .brokers = setting(environment, "XYLEM_BROKER", "localhost:9092")};
  CLI::App app{"Xylem: a broker that carries reference data down a tree", "xylem"};
  app.set_version_flag("--version", "xylem " XYLEM_VERSION);
  app.require_subcommand(1);
  Verbs verbs;
  add_up_verbs(app, verbs);
  add_topic_verbs(app, defaults, verbs);
  add_record_verbs(app, defaults, verbs);
  add_node_verbs(app, defaults, verbs);
  add_bench_verbs(app, defaults, verbs);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // as CLI11 wants
  } catch (const CLI::CallForHelp&) {
    return fail(Errc::kCancelled, app.help());  // of the sub-command that was asked
  } catch (const CLI::CallForVersion& version) {
    return fail(Errc::kCancelled, std::string(version.what()) + "\n");
  } catch (const CLI::Error& error) {
    return fail(Errc::kInvalidRequest, error.what(),
                "see " + chosen(app).get_display_name() + " --help");
  }
  const auto verb = std::ranges::find_if(verbs, [](const Verb& one) { return one.app->parsed(); });
  if (verb == verbs.end()) return fail(Errc::kInvalidRequest, "no command", "see xylem --help");
  return verb->finish();
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
