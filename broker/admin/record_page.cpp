#include "broker/admin/record_page.h"

#include "broker/admin/record_walk.h"
#include "common/batch/record_json.h"

#include <algorithm>

namespace xylem::broker {

Result<RecordPage::Filled> RecordPage::fill(const Partition& partition) {
  auto first = first_offset(start_, partition);
  if (!first) return pass(first);
  RecordWalk walk(*first);
  auto stop = walk.run(partition, [&](const BatchHeader& header, const RecordView& record) {
    return take(header, record);
  });
  if (!stop) return pass(stop);
  start_.at = RecordStart::At::kOffset;
  start_.offset = walk.next();
  if (!records_.empty()) return Filled::kDone;
  return *stop == RecordWalk::Stop::kDisk ? Filled::kDisk : Filled::kEmpty;
}

bool RecordPage::take(const BatchHeader& header, const RecordView& record) {
  if (left_.records == 0) return false;
  const auto json = record_json(topic_, log_.partition, header, record);
  const auto bytes = json.size() + 1;
  if (bytes > left_.bytes && !records_.empty()) return false;
  if (!records_.empty()) records_ += ',';
  records_ += json;
  --left_.records;
  left_.bytes -= std::min(bytes, left_.bytes);
  return true;
}

std::string RecordPage::json(const Partition& partition) const {
  return "{\"records\":[" + records_ + "],\"next\":" + std::to_string(start_.offset.value()) +
         ",\"start\":" + std::to_string(partition.log()->start_offset().value()) +
         ",\"highWatermark\":" + std::to_string(partition.high_watermark().value()) + "}";
}

}  // namespace xylem::broker
