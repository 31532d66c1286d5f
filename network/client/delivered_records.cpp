#include "network/client/delivered_records.h"

#include "common/batch/batch.h"

namespace xylem::network {

Status each_record(const DeliveredBatch& delivered,
                   const std::function<Status(const RecordView&)>& take) {
  auto left = delivered.batches.bytes;
  while (!left.empty()) {
    auto header = read_batch_header(left);
    if (!header) return pass(header);
    const auto batch = left.first(header->bytes);
    left = left.subspan(header->bytes);
    if (header->is_control()) continue;
    auto reader = BatchReader::open(batch);
    if (!reader) return pass(reader);
    while (auto record = reader->next()) {
      if (!*record) return pass(*record);
      if ((*record)->offset < delivered.first_offset) continue;
      if (auto taken = take(**record); !taken) return taken;
    }
  }
  return {};
}

}  // namespace xylem::network
