#include "storage/identity/cluster_file.h"

#include <nlohmann/json.hpp>

namespace xylem::storage {
namespace {

constexpr std::size_t kFileBytesMax = 4'096;

std::string path_in(const std::string& data_dir) { return data_dir + "/cluster.json"; }

std::string mark_in(const std::string& data_dir) { return data_dir + "/quorum.found"; }

}  // namespace

Result<std::optional<ClusterId>> read_cluster(Disk& disk, const std::string& data_dir) {
  const auto path = path_in(data_dir);
  auto there = disk.exists(path);
  if (!there) return pass(there);
  if (!*there) return std::nullopt;
  auto content = read_file(disk, path, kFileBytesMax);
  if (!content) return pass(content);
  const auto object = nlohmann::json::parse(text_of(*content), nullptr, false);
  if (!object.is_object() || !object.contains("clusterId") || !object["clusterId"].is_string())
    return fail(Errc::kCorrupt, path + " holds no cluster id");
  auto cluster = ClusterId::parse(object["clusterId"].get<std::string>());
  if (!cluster) return fail(Errc::kCorrupt, path + ": " + cluster.error().what());
  return std::optional(*cluster);
}

Status write_cluster(Disk& disk, const std::string& data_dir, const ClusterId& cluster) {
  auto known = read_cluster(disk, data_dir);
  if (!known) return pass(known);
  if (*known && **known != cluster) {
    return fail(Errc::kAlreadyExists, path_in(data_dir) + " belongs to cluster " + (*known)->text(),
                "a node never moves to another cluster; use an empty directory");
  }
  if (*known) return {};
  const auto text = nlohmann::json{{"clusterId", cluster.text()}}.dump() + "\n";
  return replace_file(disk, path_in(data_dir), bytes_of(text));
}

Status mark_founder(Disk& disk, const std::string& data_dir) {
  return replace_file(disk, mark_in(data_dir), {});
}

Result<bool> is_founder(Disk& disk, const std::string& data_dir) {
  return disk.exists(mark_in(data_dir));
}

Status founded(Disk& disk, const std::string& data_dir) {
  auto there = is_founder(disk, data_dir);
  if (!there) return pass(there);
  if (*there) {
    if (auto removed = disk.remove(mark_in(data_dir)); !removed) return removed;
  }
  return disk.sync_directory(data_dir);  // also what an earlier call removed and could not sync
}

}  // namespace xylem::storage
