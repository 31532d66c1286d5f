#include "broker/delivery/filtered_batches.h"

#include "common/batch/batch.h"
#include "common/check.h"
#include "storage/compaction/batch_filter.h"

#include <utility>

namespace xylem::broker {

FilteredBatches filtered(const std::vector<Slice>& slices, const RecordFilter& filter) {
  FilteredBatches out;
  Buffer skipped;  // the last one without a match, unless something was sent behind it
  const auto keeps = [&](const RecordView& record) { return filter.matches(record); };
  const auto send = [&out, &skipped](Slice slice) {
    skipped.clear();
    out.bytes += slice.bytes.size();
    out.slices.push_back(std::move(slice));
  };
  for (const auto& slice : slices) {
    for (std::size_t at = 0; at < slice.bytes.size();) {
      const auto header = read_batch_header(slice.bytes.subspan(at));
      XYLEM_CHECK(header);  // a log hands out whole batches
      auto batch = storage::filter_batch(slice.bytes.subspan(at, header->bytes), keeps);
      if (batch.result == storage::Filtered::kEmptied)
        skipped = std::move(batch.bytes);
      else if (batch.result == storage::Filtered::kFewer)
        send(Slice::own(std::move(batch.bytes)));
      else if (header->record_count > 0)
        send(slice.sub(at, header->bytes));
      else
        skipped = emptied(*header);
      at += header->bytes;
    }
  }
  if (!skipped.empty()) send(Slice::own(std::move(skipped)));
  return out;
}

}  // namespace xylem::broker
