#include "bench/null_relay/record_file.h"

#include "bench/null_relay/socket.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

namespace xylem::bench {
namespace {

void write_at(int fd, Bytes bytes, std::size_t position) {
  while (!bytes.empty()) {
    const iovec piece{const_cast<std::byte*>(bytes.data()), bytes.size()};
    const auto count = pwritev(fd, &piece, 1, static_cast<off_t>(position));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) die("pwritev");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    position += static_cast<std::size_t>(count);
  }
}

}  // namespace

RecordFile::RecordFile(const std::string& path, bool sync)
    : fd_(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)), sync_(sync) {
  if (fd_ < 0) die("open");
  batches_.reserve(kMemoryBytes);  // untouched pages cost nothing
  if (!sync_) return;
  write_at(fd_, Buffer(kPrewrittenBytes), 0);
  if (fsync(fd_)) die("fsync");
}

RecordFile::~RecordFile() { close(fd_); }

void RecordFile::commit() {
  if (batches_.size() == committed_) return;
  if (batches_.size() > kMemoryBytes) die("more than the null relay keeps in memory");
  write_at(fd_, Bytes(batches_).subspan(committed_), committed_);
  if (sync_ && fdatasync(fd_)) die("fdatasync");
  committed_ = batches_.size();
}

}  // namespace xylem::bench
