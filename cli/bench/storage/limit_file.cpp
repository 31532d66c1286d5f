#include "cli/bench/storage/limit_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utility>

namespace xylem::cli {
namespace {

constexpr std::size_t kZeroBytes = 1024UL * 1024;
constexpr mode_t kFileMode = 0600;

}  // namespace

std::unexpected<Error> system_failure(const std::string& doing) {
  const int error = errno;
  return fail(error == ENOSPC ? Errc::kDiskFull : Errc::kIo, doing + ": " + system_text(error));
}

Result<LimitFile> LimitFile::create(const std::string& path, std::int64_t bytes, Blocks blocks) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode);
  if (fd < 0) return system_failure("create " + path);
  LimitFile file(fd, bytes);
  errno = posix_fallocate(fd, 0, bytes);
  if (errno != 0) return system_failure("allocate " + path);
  const Buffer zeroes(blocks == Blocks::kZeroed ? kZeroBytes : 0);
  for (std::int64_t at = 0; !zeroes.empty() && at < bytes;) {
    const auto count = std::min<std::int64_t>(bytes - at, kZeroBytes);
    const std::array pieces = {Bytes(zeroes).first(static_cast<std::size_t>(count))};
    if (auto wrote = file.write(at, pieces); !wrote) return pass(wrote);
    at += count;
  }
  if (fsync(fd) != 0) return system_failure("sync " + path);
  return file;
}

Result<LimitFile> LimitFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_failure("open " + path);
  LimitFile file(fd, 0);
  struct stat info{};

  if (fstat(fd, &info) != 0) return system_failure("stat " + path);
  file.bytes_ = info.st_size;
  return file;
}

LimitFile::LimitFile(LimitFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), bytes_(other.bytes_) {}

LimitFile::~LimitFile() {
  if (fd_ >= 0) close(fd_);
}

Status LimitFile::write(std::int64_t position, std::span<const Bytes> pieces) {
  std::array<iovec, IOV_MAX> vectors;  // NOLINT(*-member-init): filled below
  while (!pieces.empty()) {
    const auto count = std::min(pieces.size(), vectors.size());
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) {
      vectors[i] = {const_cast<std::byte*>(pieces[i].data()), pieces[i].size()};
      bytes += pieces[i].size();
    }
    const auto wrote = pwritev(fd_, vectors.data(), static_cast<int>(count), position);
    if (wrote < 0) return system_failure("pwritev");
    if (std::cmp_not_equal(wrote, bytes)) return fail(Errc::kIo, "pwritev: short");
    position += wrote;
    pieces = pieces.subspan(count);
  }
  return {};
}

Status LimitFile::sync() {
  if (fdatasync(fd_) != 0) return system_failure("fdatasync");
  return {};
}

Result<std::size_t> LimitFile::read(std::int64_t position, MutableBytes out) const {
  const auto got = pread(fd_, out.data(), out.size(), position);
  if (got < 0) return system_failure("pread");
  return static_cast<std::size_t>(got);
}

}  // namespace xylem::cli
