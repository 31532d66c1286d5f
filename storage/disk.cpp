#include "storage/disk.h"

#include <array>

namespace xylem::storage {

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Level by level, so that whatever is there is durable but for the lowest.
Status make_directories_durably(Disk& disk, const std::string& path) {
  auto there = disk.exists(path);
  if (!there) return pass(there);
  const auto parent = directory_of(path);
  if (!*there) {
    auto parent_there = disk.exists(parent);
    if (!parent_there) return pass(parent_there);
    if (*parent_there)
      (void)disk.sync_directory(directory_of(parent));  // which may be none of our business
    else if (auto made = make_directories_durably(disk, parent); !made)
      return made;
    if (auto made = disk.make_directories(path); !made) return made;
  }
  return disk.sync_directory(parent);
}

Result<std::unique_ptr<File>> create_fresh(Disk& disk, const std::string& path) {
  const auto left_over = disk.remove(path);
  if (!left_over && left_over.error().code() != Errc::kNotFound)
    return std::unexpected(left_over.error());
  return disk.open(path, Disk::Open::kCreate);
}

Status replace_file(Disk& disk, const std::string& path, Bytes content) {
  const std::string beside = path + ".new";
  {
    auto file = create_fresh(disk, beside);
    if (!file) return pass(file);
    const std::array pieces = {content};
    if (auto wrote = (*file)->write_at(0, pieces); !wrote) return wrote;
    if (auto synced = (*file)->sync(); !synced) return synced;
  }
  if (auto renamed = disk.rename(beside, path); !renamed) return renamed;
  return disk.sync_directory(directory_of(path));
}

Result<Buffer> read_file(Disk& disk, const std::string& path, std::size_t bytes_max) {
  auto file = disk.open(path, Disk::Open::kRead);
  if (!file) return pass(file);
  auto size = (*file)->size();
  if (!size) return pass(size);
  if (static_cast<std::uint64_t>(*size) > bytes_max)
    return fail(Errc::kCorrupt, path + " has " + std::to_string(*size) + " bytes");
  Buffer content(static_cast<std::size_t>(*size));
  auto got = (*file)->read_at(0, content);
  if (!got) return pass(got);
  content.resize(*got);
  return content;
}

}  // namespace xylem::storage
