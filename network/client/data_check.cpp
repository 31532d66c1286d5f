#include "network/client/data_check.h"

#include "common/batch/batch.h"

#include <algorithm>
#include <optional>
#include <string>

namespace xylem::network {

Result<CheckedData> check_data(const Data& data, Offset cursor) {
  const auto bytes = data.batches.bytes;
  CheckedData checked{.batches = {}, .next_offset = cursor, .epoch = data.header.epoch};
  std::optional<Offset> end;  // of the batch before
  std::uint32_t batch_count = 0;
  for (std::size_t at = 0; at < bytes.size(); ++batch_count) {
    auto batch = check_batch(bytes.subspan(at));
    if (!batch) return fail(Errc::kCorrupt, "pushed batch: " + batch.error().what());
    if (batch->base_offset.value() < 0 || (end && batch->base_offset < *end))
      return fail(Errc::kCorrupt, "pushed batch at " + std::to_string(batch->base_offset.value()) +
                                      " after one that ended at " +
                                      std::to_string(end.value_or(Offset()).value()));
    end = batch->next_offset();
    if (checked.batches.bytes.empty() && *end > cursor) {
      checked.batches = data.batches.sub(at, bytes.size() - at);
      checked.epoch = batch->epoch;
    }
    at += batch->bytes;
  }
  if (batch_count != data.header.batch_count)
    return fail(Errc::kCorrupt, "DATA holds another number of batches than it says");
  if (end) checked.next_offset = std::max(*end, cursor);
  return checked;
}

}  // namespace xylem::network
