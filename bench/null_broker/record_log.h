// What the null broker keeps: all batches in a file, and the newest of them in memory.
//
// A turn's batches are added, then written by one pwritev. Reading knows positions: bytes from the
// beginning. A note every kNoteBytes says where a batch begins, so that a reader far behind takes
// whole batches without looking at them.
#pragma once

#include "common/bytes.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace xylem::bench {

class RecordLog {
 public:
  struct Place {
    std::size_t position = 0;  // bytes
    std::int64_t offset = 0;   // records before it
    std::uint32_t batches = 0;
  };

  static constexpr std::size_t kWindowBytes = std::size_t{4} * 1024 * 1024;
  static constexpr std::size_t kFrameBytes = std::size_t{1024} * 1024;  // of one push, about

  // With `sync`, commit() waits for the disk.
  RecordLog(const std::string& path, bool sync);
  RecordLog(const RecordLog&) = delete;
  RecordLog& operator=(const RecordLog&) = delete;
  ~RecordLog();

  // Checks its CRC and gives it an offset. The answer is the offset after it.
  std::int64_t add(MutableBytes batch);

  void commit();  // what was added becomes readable

  [[nodiscard]] const Place& end() const { return committed_; }

  // Where a push that begins at `from` may end.
  [[nodiscard]] Place after(const Place& from) const;

  // The bytes from there on, if memory has them; else none. Until the next add().
  [[nodiscard]] Bytes in_memory(std::size_t position, std::size_t bytes) const;

  [[nodiscard]] int fd() const { return fd_; }

 private:
  static constexpr std::size_t kNoteBytes = kFrameBytes / 4;
  static constexpr std::size_t kAllocatedBytes = std::size_t{64} * 1024 * 1024;  // ahead

  int fd_;
  bool sync_;
  std::byte* window_;  // the same kWindowBytes twice, one after the other: no range is torn
  Place added_;
  Place committed_;
  std::size_t allocated_ = 0;
  std::vector<Place> notes_;
};

}  // namespace xylem::bench
