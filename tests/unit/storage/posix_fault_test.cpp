// What the operating system may answer: short counts, EINTR, full disks and quotas, failed syncs.
// The linker puts these functions in the place of the system's (--wrap, tests/CMakeLists.txt); each
// does what the plan says, else what it would have done.
#include "storage/disk.h"
#include "tests/support/files.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <string>
#include <sys/uio.h>
#include <vector>

namespace {

// Of the next calls of one function: an errno, or how many bytes it may move at most.
struct Answer {
  int error = 0;
  std::size_t bytes_max = SIZE_MAX;
};

struct Plan {
  std::deque<Answer> answers;
  int calls = 0;

  Answer next() {
    if (answers.empty()) return {};
    ++calls;
    const auto answer = answers.front();
    answers.pop_front();
    return answer;
  }
};

struct Plans {
  Plan pread, pwritev, fdatasync, fsync, fallocate, ftruncate;
};

Plans& plans() {
  static Plans all;
  return all;
}

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the linker's names
extern "C" {
ssize_t __real_pread(int fd, void* out, size_t count, off_t position);
ssize_t __real_pwritev(int fd, const iovec* pieces, int count, off_t position);
int __real_fdatasync(int fd);
int __real_fsync(int fd);
int __real_posix_fallocate(int fd, off_t position, off_t bytes);
int __real_ftruncate(int fd, off_t bytes);

ssize_t __wrap_pread(int fd, void* out, size_t count, off_t position) {
  const auto answer = plans().pread.next();
  if (answer.error != 0) return errno = answer.error, -1;
  return __real_pread(fd, out, std::min(count, answer.bytes_max), position);
}

ssize_t __wrap_pwritev(int fd, const iovec* pieces, int count, off_t position) {
  const auto answer = plans().pwritev.next();
  if (answer.error != 0) return errno = answer.error, -1;
  if (answer.bytes_max == SIZE_MAX) return __real_pwritev(fd, pieces, count, position);
  std::vector<iovec> cut;
  auto left = answer.bytes_max;
  for (int i = 0; i < count && left > 0; ++i) {
    cut.push_back({pieces[i].iov_base, std::min(left, pieces[i].iov_len)});
    left -= cut.back().iov_len;
  }
  return __real_pwritev(fd, cut.data(), static_cast<int>(cut.size()), position);
}

int __wrap_fdatasync(int fd) {
  const auto answer = plans().fdatasync.next();
  return answer.error != 0 ? (errno = answer.error, -1) : __real_fdatasync(fd);
}

int __wrap_fsync(int fd) {
  const auto answer = plans().fsync.next();
  return answer.error != 0 ? (errno = answer.error, -1) : __real_fsync(fd);
}

int __wrap_posix_fallocate(int fd, off_t position, off_t bytes) {
  const auto answer = plans().fallocate.next();
  return answer.error != 0 ? answer.error : __real_posix_fallocate(fd, position, bytes);
}

int __wrap_ftruncate(int fd, off_t bytes) {
  const auto answer = plans().ftruncate.next();
  return answer.error != 0 ? (errno = answer.error, -1) : __real_ftruncate(fd, bytes);
}
}

// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)

namespace xylem::storage {
namespace {

struct Fixture {
  Fixture() {
    plans() = {};
    auto made = disk.open(path, Disk::Open::kCreate);
    REQUIRE(made);
    file = std::move(*made);
  }

  ~Fixture() { plans() = {}; }

  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  TemporaryDirectory directory;
  std::string path = directory.file("f");
  PosixDisk disk;
  std::unique_ptr<File> file;
};

const std::array kPieces = {bytes_of("one "), bytes_of(""), bytes_of("two "), bytes_of("three")};
constexpr std::string_view kAll = "one two three";

TEST_CASE_FIXTURE(Fixture, "posix disk: a write of any length of first part is finished") {
  for (std::size_t first = 1; first < kAll.size(); ++first) {
    for (std::size_t second = 1; second < 4; ++second) {
      CAPTURE(first);
      CAPTURE(second);
      REQUIRE(file->truncate(0));
      plans().pwritev = {
          {{.error = EINTR}, {.bytes_max = first}, {.error = EINTR}, {.bytes_max = second}}, 0};
      REQUIRE(file->write_at(2, kPieces));
      CHECK(plans().pwritev.calls >= 3);
      CHECK(read_text(path) == std::string(2, '\0') + std::string(kAll));
    }
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "posix disk: a read in parts is finished, and ends where the file does") {
  REQUIRE(file->write_at(0, kPieces));
  for (std::size_t first = 1; first < kAll.size(); ++first) {
    CAPTURE(first);
    plans().pread = {{{.error = EINTR}, {.bytes_max = first}, {.error = EINTR}}, 0};
    Buffer out(20);
    CHECK(file->read_at(0, out) == kAll.size());
    CHECK(text_of(Bytes(out).first(kAll.size())) == kAll);
    CHECK(plans().pread.calls == 3);
  }
}

TEST_CASE_FIXTURE(Fixture, "posix disk: a write that fails in the middle says why") {
  for (const auto& [error, code] : {std::pair(EIO, Errc::kIo), std::pair(ENOSPC, Errc::kDiskFull),
                                    std::pair(EDQUOT, Errc::kDiskFull)}) {
    CAPTURE(error);
    plans().pwritev = {{{.bytes_max = 5}, {.error = error}}, 0};
    const auto wrote = file->write_at(0, kPieces);
    REQUIRE_FALSE(wrote);
    CHECK(wrote.error().code() == code);
    CHECK(wrote.error().what().find(path) != std::string::npos);
    plans().fallocate = {{{.error = EINTR}, {.error = error}}, 0};
    CHECK(file->allocate(10).error().code() == code);
    plans().pread = {{{.error = EIO}}, 0};
    Buffer out(3);
    CHECK(file->read_at(0, out).error().code() == Errc::kIo);
  }
}

TEST_CASE_FIXTURE(Fixture, "posix disk: allocating and truncating go on after a signal") {
  plans().fallocate = {{{.error = EINTR}, {.error = EINTR}}, 0};
  REQUIRE(file->allocate(100));
  CHECK(file->size() == 100);
  plans().ftruncate = {{{.error = EINTR}, {.error = EINTR}}, 0};
  REQUIRE(file->truncate(7));
  CHECK(file->size() == 7);
}

// "Full" would mean: wait, and try again.
TEST_CASE_FIXTURE(Fixture,
                  "posix disk: a sync that fails is never a full disk, and is not repeated") {
  for (const int error : {EIO, ENOSPC, EDQUOT, EINTR}) {
    CAPTURE(error);
    plans() = {};
    plans().fdatasync = {{{.error = error}, {}}, 0};
    CHECK(file->sync().error().code() == Errc::kIo);
    CHECK(plans().fdatasync.calls == 1);
    plans().fsync = {{{.error = error}, {}}, 0};
    CHECK(disk.sync_directory(directory.path()).error().code() == Errc::kIo);
    CHECK(plans().fsync.calls == 1);
  }
}

TEST_CASE_FIXTURE(Fixture, "posix disk: forgetting what is cached loses nothing") {
  REQUIRE(file->write_at(0, kPieces));
  REQUIRE(file->forget_cached());
  CHECK(read_text(path) == kAll);
}

}  // namespace
}  // namespace xylem::storage
