#include "bench/null_broker/record_log.h"

#include "bench/null_relay/socket.h"
#include "common/batch/batch.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

namespace xylem::bench {
namespace {

std::byte* map_twice(std::size_t bytes) {
  const int memory = memfd_create("window", MFD_CLOEXEC);
  if (memory < 0 || ftruncate(memory, static_cast<off_t>(bytes))) die("memfd_create");
  void* room = mmap(nullptr, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) die("mmap");
  auto* first = static_cast<std::byte*>(room);
  for (auto* at : {first, first + bytes}) {
    if (mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memory, 0) == MAP_FAILED)
      die("mmap");
  }
  close(memory);
  return first;
}

}  // namespace

RecordLog::RecordLog(const std::string& path, bool sync)
    : fd_(open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)),
      sync_(sync),
      window_(map_twice(kWindowBytes)),
      notes_(1) {
  if (fd_ < 0) die("open");
}

RecordLog::~RecordLog() {
  munmap(window_, 2 * kWindowBytes);
  close(fd_);
}

std::int64_t RecordLog::add(MutableBytes batch) {
  const auto header = check_batch(batch);
  if (!header) die("a batch is bad");
  if (batch.size() != header->bytes) die("more than one batch in a frame");
  if (batch.size() > kWindowBytes / 2) die("a batch is too large");
  if (added_.position - committed_.position + batch.size() > kWindowBytes / 2) commit();
  assign(batch, Offset(added_.offset), Epoch(0));
  std::memcpy(window_ + added_.position % kWindowBytes, batch.data(), batch.size());
  added_.position += batch.size();
  added_.offset += header->last_offset_delta + std::int64_t{1};
  ++added_.batches;
  if (added_.position - notes_.back().position >= kNoteBytes) notes_.push_back(added_);
  return added_.offset;
}

void RecordLog::commit() {
  if (added_.position == committed_.position) return;
  if (sync_ && added_.position > allocated_) {
    if (fallocate(fd_, 0, static_cast<off_t>(allocated_), kAllocatedBytes)) die("fallocate");
    allocated_ += kAllocatedBytes;
  }
  for (auto from = committed_.position; from < added_.position;) {
    const iovec piece{window_ + from % kWindowBytes, added_.position - from};
    const auto count = pwritev(fd_, &piece, 1, static_cast<off_t>(from));
    if (count < 0 && errno != EINTR) die("pwritev");
    if (count > 0) from += static_cast<std::size_t>(count);
  }
  if (sync_ && fdatasync(fd_)) die("fdatasync");
  committed_ = added_;
}

RecordLog::Place RecordLog::after(const Place& from) const {
  if (committed_.position - from.position <= kFrameBytes) return committed_;
  const auto beyond =
      std::ranges::upper_bound(notes_, from.position + kFrameBytes, {}, &Place::position);
  const auto last = beyond - 1;
  if (last->position > from.position) return *last;
  return beyond == notes_.end() || beyond->position > committed_.position ? committed_ : *beyond;
}

Bytes RecordLog::in_memory(std::size_t position, std::size_t bytes) const {
  if (committed_.position - position > kWindowBytes) return {};
  return {window_ + position % kWindowBytes, bytes};
}

}  // namespace xylem::bench
