// Files and directories, passed in: POSIX, or a test's twin that fails the n-th call, tears writes
// and forgets what was not synced.
//
// Paths are absolute or relative to the process. Threads: any; one File is used by one thread at a
// time for writing, by any for reading. Errors: kDiskFull (ENOSPC, EDQUOT), kNotFound, kIo with the
// path and the system's text. Short writes and EINTR are retried inside.
#pragma once

#include "common/bytes.h"
#include "common/result.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace xylem::storage {

class File {
 public:
  virtual ~File() = default;

  // Fills `out` from `position`; fewer bytes only at the end of the file.
  [[nodiscard]] virtual Result<std::size_t> read_at(std::int64_t position,
                                                    MutableBytes out) const = 0;
  virtual Status write_at(std::int64_t position, std::span<const Bytes> pieces) = 0;

  // Makes [0, bytes) allocated; the file's size becomes at least that. Zeroes where it grew.
  virtual Status allocate(std::int64_t bytes) = 0;
  virtual Status truncate(std::int64_t bytes) = 0;
  // fdatasync. kIo: any failure, a full disk too; never try again: the system may call clean by
  // then what it could not write.
  virtual Status sync() = 0;

  // Lets the disk begin with bytes that a later sync() then need not wait for. A hint.
  virtual void begin_sync(std::int64_t /*from*/, std::int64_t /*bytes*/) {}

  // Reads after it show what the disk holds, not what is left in memory of a sync that failed.
  // Nothing of what was not synced is lost by it.
  virtual Status forget_cached() = 0;
  [[nodiscard]] virtual Result<std::int64_t> size() const = 0;

  // [0, bytes) read-only; `bytes` must not pass the allocated size. The mapping outlives the file.
  [[nodiscard]] virtual Result<Slice> map(std::int64_t bytes) const = 0;

  // For sendfile and the like; -1 where there is none.
  [[nodiscard]] virtual int descriptor() const noexcept = 0;
};

class Disk {
 public:
  enum class Open : std::uint8_t { kRead, kWrite, kCreate };  // kCreate: must not exist

  virtual ~Disk() = default;

  virtual Result<std::unique_ptr<File>> open(const std::string& path, Open how) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;  // names, sorted
  virtual Result<bool> exists(const std::string& path) = 0;
  virtual Status make_directories(const std::string& path) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove(const std::string& path) = 0;      // a file
  virtual Status remove_all(const std::string& path) = 0;  // a tree
  virtual Status sync_directory(const std::string& path) = 0;

  // Whether all of `mapped` (of a File::map) can be read without waiting for the device.
  // A twin whose mappings are memory has nothing to wait for.
  virtual bool is_resident(Bytes) { return true; }

  // Brings `mapped` into memory; waits. kIo: the device gave an error.
  virtual Status bring_in(Bytes) { return {}; }

  // Exclusive among processes until the holder is destroyed; kAlreadyExists when held.
  virtual Result<std::shared_ptr<void>> lock(const std::string& path) = 0;
};

// make_directories, and on return a power cut does not take them away.
Status make_directories_durably(Disk& disk, const std::string& path);

// Writes `content` beside `path`, syncs, renames over it, syncs the directory.
Status replace_file(Disk& disk, const std::string& path, Bytes content);

// The whole file. kCorrupt: it is larger than `bytes_max`.
Result<Buffer> read_file(Disk& disk, const std::string& path, std::size_t bytes_max);

// An empty file at `path`, whatever was there before.
Result<std::unique_ptr<File>> create_fresh(Disk& disk, const std::string& path);

[[nodiscard]] std::string directory_of(const std::string& path);

class PosixDisk : public Disk {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Open how) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<bool> exists(const std::string& path) override;
  Status make_directories(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove(const std::string& path) override;
  Status remove_all(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  bool is_resident(Bytes mapped) override;
  Status bring_in(Bytes mapped) override;
  Result<std::shared_ptr<void>> lock(const std::string& path) override;
};

}  // namespace xylem::storage
