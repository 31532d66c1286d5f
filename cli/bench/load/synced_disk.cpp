#include "cli/bench/load/synced_disk.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <future>
#include <limits>
#include <sys/uio.h>
#include <unistd.h>
#include <vector>

namespace xylem::cli {
namespace {

constexpr std::size_t kPiecesMax = 1'024;           // IOV_MAX of Linux
constexpr off_t kAllocatedBytes = off_t{64} << 20;  // ahead

// A file without a name.
class Scratch {
 public:
  explicit Scratch(const std::string& directory)
      : fd_(open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) {}

  ~Scratch() {
    if (fd_ >= 0) close(fd_);
  }

  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

  bool write(const std::vector<iovec>& pieces, off_t bytes) {
    if (end_ + bytes > allocated_) {
      if (fallocate(fd_, 0, allocated_, kAllocatedBytes) != 0) return false;
      allocated_ += kAllocatedBytes;
    }
    const auto wrote = pwritev(fd_, pieces.data(), static_cast<int>(pieces.size()), end_);
    end_ += bytes;
    return wrote == bytes && fdatasync(fd_) == 0;
  }

 private:
  int fd_;
  off_t end_ = 0;
  off_t allocated_ = 0;
};

Result<double> measure_copy(const LoadBatches& batches, const SyncedDisk& disk) {
  const auto& [window_bytes, seconds, directory, copies] = disk;
  const SystemClock clock;
  Scratch file(directory);
  const auto start_us = clock.monotonic_us();
  const auto elapsed_s = [&] { return static_cast<double>(clock.monotonic_us() - start_us) / 1e6; };
  std::int64_t written = 0;
  std::vector<iovec> pieces;
  while (file.is_open() && (written == 0 || elapsed_s() < seconds)) {
    pieces.clear();
    std::size_t bytes = 0;
    do {
      const auto& batch = batches.at(written++);
      pieces.push_back({const_cast<std::byte*>(batch.data()), batch.size()});
      bytes += batch.size();
    } while (bytes < window_bytes && pieces.size() < kPiecesMax);
    if (!file.write(pieces, static_cast<off_t>(bytes)))
      return fail(Errc::kIo, "write to " + directory + ": " + system_text(errno));
  }
  if (written == 0) return fail(Errc::kIo, "open a file in " + directory);
  const auto records = static_cast<double>(written * batches.records());
  return records * static_cast<double>(batches.record_bytes()) / elapsed_s();
}

}  // namespace

Result<double> measure_synced_disk(const LoadBatches& batches, const SyncedDisk& disk) {
  std::vector<std::future<Result<double>>> copies;
  copies.reserve(static_cast<std::size_t>(disk.copies));
  for (std::int64_t i = 0; i < disk.copies; ++i)
    copies.push_back(std::async(std::launch::async, [&] { return measure_copy(batches, disk); }));
  Result<double> slowest = std::numeric_limits<double>::infinity();
  for (auto& copy : copies) {
    auto one = copy.get();
    if (slowest && (!one || *one < *slowest)) slowest = std::move(one);
  }
  return slowest;
}

}  // namespace xylem::cli
