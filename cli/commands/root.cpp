#include "cli/commands/root.h"

#include "cli/output.h"
#include "common/random.h"
#include "storage/disk.h"
#include "storage/identity/cluster_file.h"
#include "storage/identity/root_disk.h"

namespace xylem::cli {

// The mark comes first: a directory with a cluster was either marked, or must not be.
Result<ClusterId> init_root(const std::string& data_dir,
                            const std::optional<ClusterId>& cluster,
                            RootDisk kind) {
  storage::PosixDisk disk;
  if (auto made = disk.make_directories(data_dir); !made) return pass(made);
  auto known = storage::read_cluster(disk, data_dir);
  if (!known) return pass(known);
  Random random(system_seed());
  const auto id = cluster ? *cluster : known->value_or(Uuid::random(random));
  const bool is_ours = !*known || **known == id;
  Status marked;
  if (is_ours && kind == RootDisk::kReplacement) marked = storage::founded(disk, data_dir);
  if (!*known && kind == RootDisk::kNew) marked = storage::mark_founder(disk, data_dir);
  if (!marked) return pass(marked);
  if (auto written = storage::write_cluster(disk, data_dir, id); !written) return pass(written);
  return id;
}

Result<ClusterId> init_root_tier(const std::vector<std::string>& data_dirs) {
  storage::PosixDisk disk;
  std::optional<ClusterId> cluster;
  std::vector<std::string> empty;
  auto kind = RootDisk::kNew;
  for (const auto& data_dir : data_dirs) {
    if (auto right = storage::check_root_disk(disk, data_dir, data_dirs.size() == 1); !right)
      return pass(right);
    auto known = storage::read_cluster(disk, data_dir);
    if (!known) return pass(known);
    if (!*known) {
      empty.push_back(data_dir);
      continue;
    }
    auto kept = init_root(data_dir, cluster);
    if (!kept) return kept;
    cluster = *kept;
    auto may_found = storage::is_founder(disk, data_dir);
    if (!may_found) return pass(may_found);
    if (!*may_found) kind = RootDisk::kReplacement;
  }
  for (const auto& data_dir : empty) {
    auto made = init_root(data_dir, cluster, kind);
    if (!made) return made;
    cluster = *made;
  }
  return *cluster;
}

ExitCode run_root_init(const RootInitOptions& options) {
  std::optional<ClusterId> asked;
  if (!options.cluster_id.empty()) {
    auto parsed = Uuid::parse(options.cluster_id);
    if (!parsed) return report(std::move(parsed).error().within("--cluster-id"));
    asked = *parsed;
  }
  const auto kind = options.replaces ? RootDisk::kReplacement : RootDisk::kNew;
  const auto cluster = init_root(options.data_dir, asked, kind);
  if (!cluster) return report(cluster.error());
  if (options.json) return finish_with("{\"clusterId\":\"" + cluster->text() + "\"}\n");
  return finish_with("cluster " + cluster->text() + "\n");
}

}  // namespace xylem::cli
