// The records of a delivered batch one by one, as the handlers get on with them.
//
// It stands at one record between two calls, so that a handler may be given the same one again, or
// the next one in another turn of the loop, and nothing is unpacked twice.
//
// Threads: one.
#pragma once

#include "common/batch/record.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstddef>
#include <optional>

namespace xylem::network {

class RecordWalk {
 public:
  // `batches`: whole and checked; they outlive this.
  explicit RecordWalk(Bytes batches) : batches_(batches) {}

  // The first record at or above `from`, which never goes back; null: there is none. Control
  // batches have none. An error: the batch up to batch_end() cannot be read.
  Result<const RecordView*> find(Offset from);

  // After the batch that was looked at last.
  [[nodiscard]] Offset batch_end() const { return batch_end_; }

 private:
  Result<bool> open_next(Offset from);

  Bytes batches_;
  std::size_t at_ = 0;  // of the batch that is open, or the next one
  Offset batch_end_;
  std::optional<BatchReader> reader_;
  std::optional<RecordView> record_;
};

}  // namespace xylem::network
