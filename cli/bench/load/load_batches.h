// Batches that are made before anything is timed, and sent in turns: what is measured is the
// broker.
//
// They are as a Producer makes them: of 16 KiB when records are small, of 64 KiB else. Half of each
// value is random. Each has a CRC of its own, which tells a receiver what it is looking at.
#pragma once

#include "common/bytes.h"
#include "common/random.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace xylem::cli {

class LoadBatches {
 public:
  // kMessageTooLarge: no batch holds such a record.
  static Result<LoadBatches> make(std::size_t record_bytes, Random& random);

  // The batch with that number; they repeat.
  [[nodiscard]] const Buffer& at(std::int64_t number) const { return batches_[index(number)]; }

  [[nodiscard]] std::uint32_t crc_at(std::int64_t number) const { return crcs_[index(number)]; }

  [[nodiscard]] std::int64_t records() const { return records_; }  // of each

  [[nodiscard]] std::size_t record_bytes() const { return record_bytes_; }  // of a value

  [[nodiscard]] std::size_t count() const { return batches_.size(); }  // until they repeat

 private:
  [[nodiscard]] std::size_t index(std::int64_t number) const {
    return static_cast<std::size_t>(number) % batches_.size();
  }

  std::vector<Buffer> batches_;
  std::vector<std::uint32_t> crcs_;
  std::int64_t records_ = 0;
  std::size_t record_bytes_ = 0;
};

// A value of that size, its second half random.
[[nodiscard]] std::string load_value(std::size_t bytes, Random& random);

}  // namespace xylem::cli
