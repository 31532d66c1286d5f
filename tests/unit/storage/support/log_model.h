// A log as simple as can be, to hold the real ones to.
#pragma once

#include "common/batch/batch.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "storage/partition_log.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace xylem::storage::testing {

struct ModelBatch {
  Offset base;
  Offset next;
  Epoch epoch;
  std::int64_t timestamp_ms = 0;
  Buffer bytes;
};

struct LogModel {
  Offset start;
  Offset end;
  std::vector<ModelBatch> batches;

  void add(const Buffer& placed) {
    const auto header = check_batch(placed);
    batches.push_back({header->base_offset, header->next_offset(), header->epoch,
                       header->max_timestamp_ms, placed});
    end = header->next_offset();
  }

  void cut_back(Offset offset) {
    if (offset >= end) return;
    while (!batches.empty() && (batches.back().base >= offset || offset <= start))
      batches.pop_back();
    start = std::min(start, offset);
    end = std::max(start, batches.empty() ? start : batches.back().next);
  }

  void drop_before(Offset offset) {
    if (offset <= start) return;
    start = offset;
    end = std::max(end, offset);
    std::erase_if(batches, [&](const auto& batch) { return batch.next <= offset; });
  }

  [[nodiscard]] Buffer read_all(Offset from) const {
    Buffer all;
    for (const auto& batch : batches) {
      if (batch.next > from) append(batch.bytes, all);
    }
    return all;
  }

  [[nodiscard]] std::optional<Offset> last_below(Offset offset) const {
    std::optional<Offset> last;
    for (const auto& batch : batches) {
      if (batch.next <= offset) last = batch.base;
    }
    return last;
  }

  [[nodiscard]] Offset offset_for_time(std::int64_t timestamp_ms) const {
    for (const auto& batch : batches) {
      if (batch.timestamp_ms >= timestamp_ms) return std::max(batch.base, start);
    }
    return end;
  }
};

}  // namespace xylem::storage::testing
