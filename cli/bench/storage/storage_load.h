// What `xylem bench storage` stores: batches that were made beforehand, half of each value random.
#pragma once

#include "common/bytes.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace xylem::cli {

struct StorageLoad {
  std::size_t record_bytes = 0;  // of a value; 0: what each line is usually measured with
  std::size_t batch_bytes = 0;   // as above
  std::int64_t bytes = std::int64_t{1} << 30;  // of each run that is not over after `seconds`
  std::int64_t seconds = 2;                    // of each run that has no end by itself
  std::int64_t pairs = 5;
};

// A few batches of equal shape, over and over: what comes from a socket is in the CPU's cache too.
class BatchSet {
 public:
  // As many records as fit into `batch_bytes`, at least one.
  BatchSet(std::size_t record_bytes, std::size_t batch_bytes);

  [[nodiscard]] Bytes batch(std::int64_t index) const {
    return batches_[static_cast<std::size_t>(index) % batches_.size()];
  }

  [[nodiscard]] std::size_t batch_bytes() const { return batches_.front().size(); }

  [[nodiscard]] std::int64_t records() const { return records_; }  // of each batch

  // How many batches are about `bytes`; at least one.
  [[nodiscard]] std::int64_t batches_in(std::int64_t bytes) const;

 private:
  std::vector<Buffer> batches_;
  std::int64_t records_ = 0;
};

}  // namespace xylem::cli
