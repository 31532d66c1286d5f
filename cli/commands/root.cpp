#include "cli/commands/root.h"

#include "cli/output.h"
#include "common/random.h"
#include "storage/cluster_file.h"
#include "storage/disk.h"

namespace xylem::cli {

Result<ClusterId> init_root(const std::string& data_dir, const std::optional<ClusterId>& cluster) {
  storage::PosixDisk disk;
  if (auto made = disk.make_directories(data_dir); !made) return pass(made);
  auto known = storage::read_cluster(disk, data_dir);
  if (!known) return pass(known);
  if (*known && !cluster) return **known;
  Random random(system_seed());
  const auto id = cluster ? *cluster : Uuid::random(random);
  if (auto written = storage::write_cluster(disk, data_dir, id); !written) return pass(written);
  return id;
}

ExitCode run_root_init(const RootInitOptions& options) {
  std::optional<ClusterId> asked;
  if (!options.cluster_id.empty()) {
    auto parsed = Uuid::parse(options.cluster_id);
    if (!parsed) return report(std::move(parsed).error().within("--cluster-id"));
    asked = *parsed;
  }
  const auto cluster = init_root(options.data_dir, asked);
  if (!cluster) return report(cluster.error());
  if (options.json) return finish_with("{\"clusterId\":\"" + cluster->text() + "\"}\n");
  return finish_with("cluster " + cluster->text() + "\n");
}

}  // namespace xylem::cli
