#include "storage/compaction/batch_filter.h"

#include "common/batch/batch_builder.h"

#include <utility>
#include <vector>

namespace xylem::storage {
namespace {

constexpr std::int16_t kCodecBits = 0x07;

// The records of `batch` that `kept` says, as a batch with the same offsets. An error leaves it.
Result<Buffer> with_records(Bytes batch, const std::vector<bool>& kept) {
  auto reader = BatchReader::open(batch);
  if (!reader) return pass(reader);
  const auto& old = reader->header();
  auto codec = old.compression();
  if (!codec) return pass(codec);
  BatchBuilder builder(*codec);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    auto record = reader->next();
    if (!record) break;
    if (!*record) return pass(*record);
    if (!kept[i]) continue;
    const auto delta = static_cast<std::int32_t>((*record)->offset - old.base_offset);
    if (auto added = builder.add_at(delta, **record); !added) return pass(added);
  }
  auto built = builder.build({old.producer_id, old.producer_epoch, old.base_sequence});
  if (!built) return built;
  auto header = read_batch_header(*built);
  if (!header) return pass(header);
  header->base_offset = old.base_offset;
  header->epoch = old.epoch;
  header->last_offset_delta = old.last_offset_delta;
  header->attributes =
      static_cast<std::int16_t>((old.attributes & ~kCodecBits) | (header->attributes & kCodecBits));
  write_batch_header(*header, *built);
  return built;
}

}  // namespace

bool for_each_record(Bytes batch, const std::function<bool(const RecordView&)>& see) {
  auto reader = BatchReader::open(batch);
  if (!reader) return false;
  while (const auto record = reader->next()) {
    if (!*record) return false;
    if (!see(**record)) return true;
  }
  return true;
}

FilteredBatch filter_batch(Bytes batch, const std::function<bool(const RecordView&)>& keeps) {
  FilteredBatch out;
  const auto header = read_batch_header(batch);
  if (!header) return {Filtered::kOpaque, {}, 0};
  if (header->is_control()) return out;
  std::vector<bool> kept;
  std::int64_t removed = 0;
  const bool readable = for_each_record(batch, [&](const RecordView& record) {
    kept.push_back(keeps(record));
    if (!kept.back()) ++removed;
    return true;
  });
  if (!readable) return {Filtered::kOpaque, {}, 0};
  if (removed == 0) return out;
  if (std::cmp_equal(removed, kept.size())) return {Filtered::kEmptied, emptied(*header), removed};
  auto fewer = with_records(batch, kept);
  if (!fewer) return {Filtered::kOpaque, {}, 0};
  return {Filtered::kFewer, std::move(*fewer), removed};
}

}  // namespace xylem::storage
