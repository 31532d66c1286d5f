#include "storage/identity/root_disk.h"

namespace xylem::storage {
namespace {

Result<bool> has_logs(Disk& disk, const std::string& data_dir) {
  const auto directory = data_dir + "/logs";
  auto there = disk.exists(directory);
  if (!there || !*there) return there;
  auto names = disk.list(directory);
  if (!names) return pass(names);
  return !names->empty();
}

}  // namespace

Status check_root_disk(Disk& disk, const std::string& data_dir, bool is_alone) {
  auto has_quorum = disk.exists(data_dir + "/quorum");
  if (!has_quorum) return pass(has_quorum);
  if (*has_quorum && is_alone)
    return fail(Errc::kInvalidRequest, data_dir + " belongs to a root tier of several",
                "set ROOT_PEERS as it was, or use another directory");
  if (*has_quorum) return {};
  auto has_identity = disk.exists(data_dir + "/disk.json");
  if (!has_identity) return pass(has_identity);
  if (*has_identity)
    return fail(Errc::kInvalidRequest,
                data_dir + " belongs to a root tier, and its quorum directory is gone",
                "put it back; or begin on an empty directory with `xylem root init --replace`");
  auto holds_logs = has_logs(disk, data_dir);
  if (!holds_logs) return pass(holds_logs);
  if (*holds_logs && !is_alone)
    return fail(Errc::kInvalidRequest,
                data_dir + " holds the topics of a root broker that stands alone",
                "start it without ROOT_PEERS, or use another directory");
  return {};
}

}  // namespace xylem::storage
