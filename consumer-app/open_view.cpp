#include "consumer-app/open_view.h"

#include <array>
#include <string_view>

namespace xylem::consumer_app {
namespace {

// SQLite's own files beside a database.
constexpr std::array<std::string_view, 2> kCompanions = {"-wal", "-shm"};

Status remove_companions(const std::string& path, storage::Disk& disk) {
  for (const auto suffix : kCompanions) {
    const std::string companion = path + std::string(suffix);
    auto there = disk.exists(companion);
    if (!there) return pass(there);
    if (!*there) continue;
    if (auto gone = disk.remove(companion); !gone) return gone;
  }
  return {};
}

}  // namespace

Status set_view_aside(const std::string& path, storage::Disk& disk) {
  if (auto renamed = disk.rename(path, path + ".damaged"); !renamed) return renamed;
  if (auto gone = remove_companions(path, disk); !gone) return gone;
  return disk.sync_directory(storage::directory_of(path));
}

Result<std::unique_ptr<ViewStore>> open_view(const std::string& path,
                                             const ViewStore::Options& options,
                                             Logger& logger) {
  auto there = options.disk.exists(path);
  if (!there) return pass(there);
  if (!*there) {  // a write-ahead log without its database belongs to nothing
    if (auto gone = remove_companions(path, options.disk); !gone) return pass(gone);
  }
  auto opened = ViewStore::open(path, options);
  if (opened || opened.error().code() != Errc::kCorrupt) return opened;
  logger.error("view.set_aside", {{"file", path + ".damaged"},
                                  {"error", opened.error().what()},
                                  {"hint", "it is built again; the old one may be removed"}});
  if (auto aside = set_view_aside(path, options.disk); !aside)
    return pass(aside, "set " + path + " aside");
  return ViewStore::open(path, options);
}

}  // namespace xylem::consumer_app
