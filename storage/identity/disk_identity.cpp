#include "storage/identity/disk_identity.h"

#include <nlohmann/json.hpp>

namespace xylem::storage {
namespace {

constexpr std::size_t kFileBytesMax = 4'096;

std::string path_in(const std::string& data_dir) { return data_dir + "/disk.json"; }

std::unexpected<Error> unreadable(const std::string& path) {
  return fail(Errc::kCorrupt, path + " does not say which disk this is",
              "put a copy in its place, or remove it: the disk then counts as a new one, and its "
              "replicas catch up before they count again");
}

Result<DiskIdentity> read(Disk& disk, const std::string& path) {
  auto content = read_file(disk, path, kFileBytesMax);
  if (!content) return pass(content);
  const auto object = nlohmann::json::parse(text_of(*content), nullptr, false);
  if (!object.is_object()) return unreadable(path);
  const auto id = object.find("diskId");
  const auto clean = object.find("clean");
  if (id == object.end() || !id->is_string() || clean == object.end() || !clean->is_boolean())
    return unreadable(path);
  const auto parsed = Uuid::parse(id->get<std::string>());
  if (!parsed || parsed->is_nil()) return unreadable(path);
  return DiskIdentity{.disk = *parsed, .was_clean = clean->get<bool>()};
}

Status write(Disk& disk, const std::string& path, const Uuid& id, bool is_clean) {
  const auto text = nlohmann::json{{"clean", is_clean}, {"diskId", id.text()}}.dump() + "\n";
  return replace_file(disk, path, bytes_of(text));
}

}  // namespace

Result<DiskIdentity> open_disk_identity(Disk& disk, Random& random, const std::string& data_dir) {
  const auto path = path_in(data_dir);
  auto there = disk.exists(path);
  if (!there) return pass(there);
  auto known = *there ? read(disk, path) : DiskIdentity{.disk = Uuid::random(random)};
  if (!known) return known;
  if (auto written = write(disk, path, known->disk, false); !written) return pass(written);
  return known;
}

Status close_disk_identity(Disk& disk, const std::string& data_dir, const Uuid& id) {
  return write(disk, path_in(data_dir), id, true);
}

}  // namespace xylem::storage
