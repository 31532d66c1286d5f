#include "storage/segment/batch_run.h"

#include "common/batch/batch.h"
#include "storage/segment/chunk_checks.h"

#include <algorithm>

namespace xylem::storage {
namespace {

constexpr std::size_t kEpochAt = 12;
constexpr std::size_t kCrcAt = 17;
constexpr std::size_t kLastDeltaAt = 23;
constexpr std::size_t kMaxTimestampAt = 35;

}  // namespace

Result<BatchPlace> place_at(Bytes bytes) {
  if (bytes.size() < kBatchHeaderBytes) return fail(Errc::kCorrupt, "batch header is cut");
  const auto length = load_be<std::int32_t>(bytes.subspan(kBatchLengthAt));
  const auto last_delta = load_be<std::int32_t>(bytes.subspan(kLastDeltaAt));
  const Offset base(load_be<std::int64_t>(bytes));
  if (length < static_cast<std::int32_t>(kBatchHeaderBytes - kBatchPrefixBytes) ||
      length > static_cast<std::int32_t>(kBatchBytesMax) || last_delta < 0 || base < Offset(0) ||
      base > kOffsetMax)
    return fail(Errc::kCorrupt, "batch header is impossible");
  const auto size = kBatchPrefixBytes + static_cast<std::size_t>(length);
  if (size > bytes.size()) return fail(Errc::kCorrupt, "batch is cut");
  return BatchPlace{base,
                    base + last_delta + 1,
                    size,
                    Epoch(load_be<std::int32_t>(bytes.subspan(kEpochAt))),
                    load_be<std::uint32_t>(bytes.subspan(kCrcAt)),
                    load_be<std::int64_t>(bytes.subspan(kMaxTimestampAt))};
}

Result<BatchPlace> BatchRun::place(std::size_t position) const {
  if (auto good = prove(position, position + kBatchHeaderBytes); !good) return pass(good);
  return place_at(bytes.subspan(position));
}

Status BatchRun::prove(std::size_t begin, std::size_t end) const {
  return checks == nullptr ? Status() : checks->ensure(bytes, begin, end);
}

Result<Extent> find_batches(const BatchRun& run, std::size_t position, const ReadRange& range) {
  Extent found{position, position, range.from};
  while (found.end < run.bytes.size()) {
    auto batch = run.place(found.end);
    const bool holds_some = found.end > found.begin;
    if (!batch && holds_some) break;
    if (!batch) return pass(batch);
    if (batch->next > range.below) break;
    if (batch->next <= range.from) {
      found.begin = found.end = found.end + batch->bytes;
      continue;
    }
    const auto end = found.end + batch->bytes;
    if (holds_some && end - found.begin > range.bytes_max) break;
    auto good = run.prove(found.end, end);
    if (!good && holds_some) break;
    if (!good) return pass(good);
    found.end = end;
    found.next = batch->next;
  }
  return found;
}

Result<std::size_t> find_start(const BatchRun& run, std::size_t position, Offset offset) {
  while (position < run.bytes.size()) {
    auto batch = run.place(position);
    if (!batch) return pass(batch);
    if (batch->base >= offset) break;
    position += batch->bytes;
  }
  return position;
}

Result<std::optional<LastBatch>> find_last(const BatchRun& run,
                                           std::size_t position,
                                           Offset offset) {
  std::optional<LastBatch> last;
  while (position < run.bytes.size()) {
    auto batch = run.place(position);
    if (!batch) return pass(batch);
    if (batch->next > offset) break;
    last = LastBatch{batch->base, batch->next, batch->epoch, batch->crc};
    position += batch->bytes;
  }
  return last;
}

Result<std::optional<Offset>> find_time(const BatchRun& run,
                                        std::size_t position,
                                        std::int64_t timestamp_ms,
                                        const ReadRange& range) {
  while (position < run.bytes.size()) {
    auto batch = run.place(position);
    if (!batch) return pass(batch);
    if (batch->next > range.below) break;
    if (batch->next > range.from && batch->max_timestamp_ms >= timestamp_ms)
      return std::max(batch->base, range.from);
    position += batch->bytes;
  }
  return std::nullopt;
}

}  // namespace xylem::storage
