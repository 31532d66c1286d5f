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

  // Appends a record at the next offset delta; its bytes are copied. The batch is unchanged after
  // an error. kMessageTooLarge: it would pass kBatchBytesMax. kInvalidRequest: too many headers, or
  // a timestamp further from the batch's first than 64 bits can say.
  Status add(const Record& record);

  // As add(), but at `delta` (> the last one): compaction and filters leave holes. The view's own
  // offset is not looked at.
  Status add_at(std::int32_t delta, const RecordView& record);

  [[nodiscard]] bool empty() const { return count_ == 0; }

  [[nodiscard]] std::int32_t count() const { return count_; }

  [[nodiscard]] std::size_t bytes() const;  // uncompressed, header included

  // The finished batch: base offset 0, epoch 0, CRC set. The builder is empty again. Records that
  // do not shrink, or shrink so far that readers would take them for a bomb, are stored plain.
  // kInvalidRequest: there is no record.
  Result<Buffer> build(const BatchProducer& producer = {});

 private:
  Status put(std::int32_t delta, const RecordView& record);
  Status pack();

  Compression compression_;
  Buffer batch_;  // header space, then the records
  std::size_t bytes_expected_ = 0;
  std::int32_t count_ = 0;
  std::int32_t last_delta_ = -1;
  std::int64_t base_timestamp_ms_ = 0;
  std::int64_t max_timestamp_ms_ = 0;
};

}  // namespace xylem
