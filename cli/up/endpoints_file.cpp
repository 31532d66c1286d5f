#include "cli/up/endpoints_file.h"

#include "common/bytes.h"
#include "storage/disk.h"

#include <nlohmann/json.hpp>

namespace xylem::cli {

std::string endpoints_json(const std::vector<Endpoint>& endpoints) {
  auto nodes = nlohmann::ordered_json::array();
  for (const auto& one : endpoints) {
    // A 0 would be the caller's own process group to kill(1).
    const auto pid = one.pid == 0 ? nlohmann::ordered_json() : nlohmann::ordered_json(one.pid);
    nodes.push_back(
        {{"id", one.id}, {"role", one.role}, {"pid", pid}, {"tcp", one.tcp}, {"http", one.http}});
  }
  nlohmann::ordered_json document;
  document["nodes"] = std::move(nodes);
  return document.dump(2) + "\n";
}

Status write_endpoints(const std::string& dir, const std::vector<Endpoint>& endpoints) {
  storage::PosixDisk disk;
  return storage::replace_file(disk, dir + "/endpoints.json", bytes_of(endpoints_json(endpoints)));
}

}  // namespace xylem::cli
