#include "cli/bench/tree_endpoints.h"

#include "cli/json_document.h"

#include <fstream>
#include <iterator>
#include <set>

namespace xylem::cli {

Result<TreeEndpoints> read_tree_endpoints(const std::string& directory) {
  const auto path = directory + "/endpoints.json";
  std::ifstream file(path);
  if (!file) return fail(Errc::kNotFound, "no " + path, "is `xylem up --dir` running there?");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  auto document = parse_document(text);
  if (!document) return pass(document, path);
  const std::set<std::string> broker_roles{"ROOT", "L2", "L3", "POS", "LOCAL"};
  TreeEndpoints found;
  for (const auto& node : list_at(*document, "nodes")) {
    const auto role = text_at(node, "role");
    if (!broker_roles.contains(role)) continue;
    auto address = network::Address::parse(text_at(node, "tcp"));
    if (!address) return pass(address, path);
    if (role == "ROOT") found.roots.push_back(*address);
    if (role == "POS") found.leaves.push_back(*address);
    const auto pid = static_cast<pid_t>(integer_at(node, "pid", 0));
    if (pid > 0) found.brokers.push_back(pid);  // else between two starts
  }
  if (found.roots.empty() || found.leaves.empty())
    return fail(Errc::kCorrupt, path + " names no root or no POS broker");
  return found;
}

}  // namespace xylem::cli
