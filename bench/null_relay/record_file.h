// What a hop keeps: every batch in memory, and behind it in a file, written once a turn.
//
// Positions are bytes from the beginning; batches carry their own length.
#pragma once

#include "common/bytes.h"

#include <cstddef>
#include <string>

namespace xylem::bench {

class RecordFile {
 public:
  // With `sync` the file's blocks are written beforehand, and commit() waits for the disk.
  RecordFile(const std::string& path, bool sync);
  RecordFile(const RecordFile&) = delete;
  RecordFile& operator=(const RecordFile&) = delete;
  ~RecordFile();

  void add(Bytes batch) { append(batch, batches_); }

  void commit();  // what was added becomes readable

  [[nodiscard]] std::size_t end() const { return committed_; }

  [[nodiscard]] Bytes from(std::size_t position) const {
    return Bytes(batches_).first(committed_).subspan(position);
  }

 private:
  static constexpr std::size_t kMemoryBytes = std::size_t{512} * 1024 * 1024;
  static constexpr std::size_t kPrewrittenBytes = std::size_t{32} * 1024 * 1024;

  int fd_;
  bool sync_;
  Buffer batches_;
  std::size_t committed_ = 0;  // bytes
};

}  // namespace xylem::bench
