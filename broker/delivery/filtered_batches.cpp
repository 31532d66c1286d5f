#include "broker/delivery/filtered_batches.h"

#include "common/batch/batch.h"
#include "common/check.h"
#include "storage/compaction/batch_filter.h"

#include <algorithm>
#include <utility>

namespace xylem::broker {

namespace {

constexpr std::size_t kRecordBytes = 32;  // what looking at one costs beside its bytes
constexpr std::size_t kHeaderBytes = 8;

std::size_t bytes_in(const RecordView& record) {
  auto bytes = kRecordBytes + (record.key ? record.key->size() : 0) +
               (record.value ? record.value->size() : 0);
  for (const auto& header : record.headers)
    bytes += kHeaderBytes + header.key.size() + (header.value ? header.value->size() : 0);
  return bytes;
}

class Filtering {
 public:
  Filtering(const RecordFilter& filter, std::size_t look_bytes_max)
      : filter_(filter), left_(look_bytes_max) {}

  [[nodiscard]] bool is_over() const { return left_ == 0; }

  void take(const Slice& batch, const BatchHeader& header) {
    auto kept = storage::filter_batch(batch.bytes, [this](const RecordView& record) {
      left_ -= std::min(left_, bytes_in(record));
      return filter_.matches(record);
    });
    if (kept.result == storage::Filtered::kEmptied)
      skipped_ = std::move(kept.bytes);
    else if (kept.result == storage::Filtered::kFewer)
      send(Slice::own(std::move(kept.bytes)));
    else if (header.record_count > 0)
      send(batch);
    else
      skipped_ = emptied(header);
    out_.next = header.next_offset();
  }

  FilteredBatches finish() {
    if (!skipped_.empty()) send(Slice::own(std::exchange(skipped_, {})));
    return std::move(out_);
  }

 private:
  void send(Slice slice) {
    skipped_.clear();
    out_.bytes += slice.bytes.size();
    out_.slices.push_back(std::move(slice));
  }

  const RecordFilter& filter_;
  std::size_t left_;
  Buffer skipped_;  // the last one without a match, unless something was sent behind it
  FilteredBatches out_;
};

}  // namespace

FilteredBatches filtered(const std::vector<Slice>& slices,
                         const RecordFilter& filter,
                         std::size_t look_bytes_max) {
  Filtering filtering(filter, look_bytes_max);
  for (const auto& slice : slices) {
    for (std::size_t at = 0; at < slice.bytes.size() && !filtering.is_over();) {
      const auto header = read_batch_header(slice.bytes.subspan(at));
      XYLEM_CHECK(header);  // a log hands out whole batches
      filtering.take(slice.sub(at, header->bytes), *header);
      at += header->bytes;
    }
  }
  return filtering.finish();
}

FilteredBatches without(const std::vector<Slice>& slices, Offset offset) {
  FilteredBatches out;
  for (const auto& slice : slices) {
    for (std::size_t at = 0; at < slice.bytes.size();) {
      const auto header = read_batch_header(slice.bytes.subspan(at));
      XYLEM_CHECK(header);  // a log hands out whole batches
      auto batch = slice.sub(at, header->bytes);
      at += header->bytes;
      if (offset >= header->base_offset && offset < header->next_offset()) {
        auto kept = storage::filter_batch(
            batch.bytes, [&](const RecordView& record) { return record.offset != offset; });
        if (!kept.bytes.empty()) batch = Slice::own(std::move(kept.bytes));
      }
      out.bytes += batch.bytes.size();
      out.slices.push_back(std::move(batch));
      out.next = header->next_offset();
    }
  }
  return out;
}

}  // namespace xylem::broker
