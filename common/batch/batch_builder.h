// Builds one batch from records.
#pragma once

#include "common/batch/batch.h"
#include "common/batch/record.h"
#include "common/bytes.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>

namespace xylem {

// Who made a batch, for idempotence; the default is nobody.
struct BatchProducer {
  std::int64_t id = -1;
  std::int16_t epoch = -1;
  std::int32_t sequence = -1;  // of the first record
};

class BatchBuilder {
 public:
  explicit BatchBuilder(Compression compression = Compression::kNone);

  // Appends a record at the next offset delta. kMessageTooLarge: the batch would pass
  // kBatchBytesMax; it is unchanged.
  Status add(const Record& record);

  // As add(), but at `delta` (> the last one): compaction and filters leave holes.
  Status add_at(std::int32_t delta, const RecordView& record);

  [[nodiscard]] bool empty() const { return count_ == 0; }

  [[nodiscard]] std::int32_t count() const { return count_; }

  [[nodiscard]] std::size_t bytes() const;  // uncompressed, header included

  // The finished batch: base offset 0, epoch 0, CRC set. The builder is empty again.
  // kInvalidRequest: there is no record.
  Result<Buffer> build(const BatchProducer& producer = {});

 private:
  Status put(std::int32_t delta, const RecordView& record);

  Compression compression_;
  Buffer records_;
  std::int32_t count_ = 0;
  std::int32_t last_delta_ = -1;
  std::int64_t base_timestamp_ms_ = 0;
  std::int64_t max_timestamp_ms_ = 0;
};

}  // namespace xylem
