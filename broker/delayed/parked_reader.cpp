#include "broker/delayed/parked_reader.h"

#include "broker/delayed/parked.h"
#include "broker/partitions/read_records.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace xylem::broker {

ParkedReader::ParkedReader(std::vector<Offset> offsets) : wanted_(std::move(offsets)) {
  std::ranges::sort(wanted_);
}

void ParkedReader::take(const RecordView& record) {
  while (next_ < wanted_.size() && wanted_[next_] < record.offset) ++next_;
  if (next_ == wanted_.size() || wanted_[next_] != record.offset) return;
  const auto entry = delayed_entry(record);
  auto original = original_record(record);
  if (entry && original && std::holds_alternative<Parked>(*entry))
    found_.emplace(record.offset, Found{std::move(*original), std::get<Parked>(*entry).due_ms});
}

Result<ParkedReader::Progress> ParkedReader::read_on(storage::PartitionLog& log, Offset below) {
  std::size_t bytes = 0;
  while (next_ < wanted_.size()) {
    if (bytes >= kPartBytes) return Progress::kMore;
    const auto from = std::max(wanted_[next_], log.start_offset());
    if (from >= below) return Progress::kHeld;
    auto warm = log.warm_up(from, kWarmBytes);
    if (!warm) return pass(warm);
    if (!*warm) return Progress::kCold;
    std::size_t records = 0;
    auto next = read_records(log, from, below, 1, [&](const RecordView& record) {
      ++records;
      bytes += record_bytes(record);
      take(record);
    });
    if (!next) return pass(next);
    bytes += records;
    if (*next == from) break;  // nothing is left up there
    while (next_ < wanted_.size() && wanted_[next_] < *next) ++next_;
  }
  next_ = wanted_.size();
  return Progress::kDone;
}

}  // namespace xylem::broker
