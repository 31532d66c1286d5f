#include "storage/disk.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace xylem::storage {
namespace {

constexpr mode_t kFileMode = 0640;
constexpr std::size_t kPiecesMax = 256;  // per pwritev; well below IOV_MAX
static_assert(kPiecesMax <= IOV_MAX);

constexpr std::size_t kPageBytes = 4096;
constexpr std::size_t kPagesAsked = 512;  // per mincore

// From the start of the page that `mapped` begins in.
Bytes whole_pages(Bytes mapped) {
  if (mapped.empty()) return {};
  const auto before = reinterpret_cast<std::uintptr_t>(mapped.data()) % kPageBytes;
  return {mapped.data() - before, mapped.size() + before};
}

void* address_of(Bytes pages) { return const_cast<std::byte*>(pages.data()); }

std::unexpected<Error> system_error(int error, std::string_view doing, const std::string& path) {
  const auto code = error == ENOSPC || error == EDQUOT ? Errc::kDiskFull
                    : error == ENOENT                  ? Errc::kNotFound
                    : error == EEXIST                  ? Errc::kAlreadyExists
                                                       : Errc::kIo;
  return fail(code, std::string(doing) + " " + path + ": " + system_text(error));
}

// No room for what was accepted already is not a full disk to wait for.
std::unexpected<Error> sync_error(int error, const std::string& path) {
  return fail(Errc::kIo, "sync " + path + ": " + system_text(error));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}

  ~Descriptor() { ::close(fd_); }

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

class Mapping {
 public:
  Mapping(void* address, std::size_t bytes) : address_(address), bytes_(bytes) {}

  ~Mapping() { ::munmap(address_, bytes_); }

  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

 private:
  void* address_;
  std::size_t bytes_;
};

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

  [[nodiscard]] Result<std::size_t> read_at(std::int64_t position,
                                            MutableBytes out) const override {
    std::size_t done = 0;
    while (done < out.size()) {
      const auto got = ::pread(fd_.get(), out.data() + done, out.size() - done,
                               position + static_cast<off_t>(done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return system_error(errno, "read", path_);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Status write_at(std::int64_t position, std::span<const Bytes> pieces) override {
    std::array<iovec, kPiecesMax> vectors{};
    std::size_t piece = 0;
    std::size_t skip = 0;  // bytes of pieces[piece] that are written
    while (piece < pieces.size()) {
      const auto count = std::min(pieces.size() - piece, kPiecesMax);
      for (std::size_t i = 0; i < count; ++i) {
        const auto bytes = pieces[piece + i].subspan(i == 0 ? skip : 0);
        vectors.at(i) = {const_cast<std::byte*>(bytes.data()), bytes.size()};
      }
      auto wrote = ::pwritev(fd_.get(), vectors.data(), static_cast<int>(count), position);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return system_error(errno, "write", path_);
      position += wrote;
      for (auto left = static_cast<std::size_t>(wrote); piece < pieces.size();) {
        const auto here = pieces[piece].size() - skip;
        if (left < here) {
          skip += left;
          break;
        }
        left -= here;
        skip = 0;
        ++piece;
      }
    }
    return {};
  }

  Status allocate(std::int64_t bytes) override {
    int error = EINTR;
    while (error == EINTR) error = ::posix_fallocate(fd_.get(), 0, bytes);
    if (error != 0) return system_error(error, "allocate", path_);
    return {};
  }

  Status truncate(std::int64_t bytes) override {
    while (::ftruncate(fd_.get(), bytes) != 0) {
      if (errno != EINTR) return system_error(errno, "truncate", path_);
    }
    return {};
  }

  Status sync() override {
    if (::fdatasync(fd_.get()) != 0) return sync_error(errno, path_);
    return {};
  }

  void begin_sync(std::int64_t from, std::int64_t bytes) override {
    (void)::sync_file_range(fd_.get(), from, bytes, SYNC_FILE_RANGE_WRITE);
  }

  Status forget_cached() override {
    const int error =
        ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_DONTNEED);  // pages that are clean
    if (error != 0) return system_error(error, "forget cached pages of", path_);
    return {};
  }

  [[nodiscard]] Result<std::int64_t> size() const override {
    struct stat info{};

    if (::fstat(fd_.get(), &info) != 0) return system_error(errno, "stat", path_);
    return info.st_size;
  }

  [[nodiscard]] Result<Slice> map(std::int64_t bytes) const override {
    if (bytes == 0) return Slice{};
    const auto length = static_cast<std::size_t>(bytes);
    void* address = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, fd_.get(), 0);
    if (address == MAP_FAILED) return system_error(errno, "map", path_);
    return Slice{std::make_shared<const Mapping>(address, length),
                 Bytes(static_cast<const std::byte*>(address), length)};
  }

  [[nodiscard]] int descriptor() const noexcept override { return fd_.get(); }

 private:
  Descriptor fd_;
  std::string path_;
};

}  // namespace

Result<std::unique_ptr<File>> PosixDisk::open(const std::string& path, Open how) {
  int flags = O_CLOEXEC;
  if (how == Open::kRead) flags |= O_RDONLY;
  if (how == Open::kWrite) flags |= O_RDWR;
  if (how == Open::kCreate) flags |= O_RDWR | O_CREAT | O_EXCL;
  const int fd = ::open(path.c_str(), flags, kFileMode);
  if (fd < 0) return system_error(errno, "open", path);
  return std::make_unique<PosixFile>(fd, path);
}

Result<std::vector<std::string>> PosixDisk::list(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    names.push_back(entry->path().filename().string());
  if (error) return system_error(error.value(), "list", directory);
  std::ranges::sort(names);
  return names;
}

Result<bool> PosixDisk::exists(const std::string& path) {
  std::error_code error;
  const bool there = std::filesystem::exists(path, error);
  if (error) return system_error(error.value(), "stat", path);
  return there;
}

Status PosixDisk::make_directories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return system_error(error.value(), "create directory", path);
  return {};
}

Status PosixDisk::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return system_error(errno, "rename", from);
  return {};
}

Status PosixDisk::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return system_error(errno, "remove", path);
  return {};
}

Status PosixDisk::remove_all(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return system_error(error.value(), "remove", path);
  return {};
}

Status PosixDisk::sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_error(errno, "open", path);
  const Descriptor directory(fd);
  if (::fsync(fd) != 0) return sync_error(errno, path);
  return {};
}

bool PosixDisk::is_resident(Bytes mapped) {
  std::array<unsigned char, kPagesAsked> pages{};
  for (auto left = whole_pages(mapped); !left.empty();) {
    const auto part = left.first(std::min(left.size(), pages.size() * kPageBytes));
    if (::mincore(address_of(part), part.size(), pages.data()) != 0) return false;
    const auto count = (part.size() + kPageBytes - 1) / kPageBytes;
    if (!std::ranges::all_of(std::span(pages).first(count), [](auto page) { return page & 1U; }))
      return false;
    left = left.subspan(part.size());
  }
  return true;
}

Status PosixDisk::bring_in(Bytes mapped) {
  const auto pages = whole_pages(mapped);
  if (pages.empty()) return {};
  (void)::madvise(address_of(pages), pages.size(), MADV_WILLNEED);  // in large requests
  while (::madvise(address_of(pages), pages.size(), MADV_POPULATE_READ) != 0) {
    if (errno == EINTR || errno == EAGAIN) continue;
    if (errno == EINVAL) return {};  // a kernel before 5.14: whoever reads waits
    return system_error(errno, "read", "a mapped segment");
  }
  return {};
}

Result<std::shared_ptr<void>> PosixDisk::lock(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode);
  if (fd < 0) return system_error(errno, "open", path);
  auto held = std::make_shared<Descriptor>(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return held;
  if (errno == EWOULDBLOCK)
    return fail(Errc::kAlreadyExists, path + " is locked by another process");
  return system_error(errno, "lock", path);
}

}  // namespace xylem::storage
