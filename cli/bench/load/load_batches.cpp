#include "cli/bench/load/load_batches.h"

#include "common/batch/batch_builder.h"

#include <algorithm>
#include <utility>

namespace xylem::cli {
namespace {

constexpr std::size_t kSmallRecordBytes = 1024;
constexpr std::size_t kSmallBatchBytes = std::size_t{16} * 1024;
constexpr std::size_t kBatchBytes = std::size_t{64} * 1024;
constexpr std::size_t kRecordOverheadBytes = 16;                 // about
constexpr std::size_t kSetBytes = std::size_t{4} * 1024 * 1024;  // of all batches, about

}  // namespace

std::string load_value(std::size_t bytes, Random& random) {
  std::string value(bytes, 'v');
  for (auto at = bytes / 2; at < bytes; ++at) value[at] = static_cast<char>(random.next());
  return value;
}

Result<LoadBatches> LoadBatches::make(std::size_t record_bytes, Random& random) {
  LoadBatches made;
  const auto room = record_bytes < kSmallRecordBytes ? kSmallBatchBytes : kBatchBytes;
  made.record_bytes_ = record_bytes;
  made.records_ = static_cast<std::int64_t>(
      std::max<std::size_t>(room / (record_bytes + kRecordOverheadBytes), 1));
  const auto count = std::max<std::size_t>(kSetBytes / std::max(room, record_bytes), 4);
  for (std::size_t i = 0; i < count; ++i) {
    BatchBuilder builder;
    for (std::int64_t k = 0; k < made.records_; ++k) {
      if (auto added = builder.add({.value = load_value(record_bytes, random)}); !added)
        return pass(added);
    }
    auto batch = builder.build();
    if (!batch) return pass(batch);
    const auto header = read_batch_header(*batch);
    if (!header) return std::unexpected(header.error());
    made.crcs_.push_back(header->crc);
    made.batches_.push_back(std::move(*batch));
  }
  return made;
}

}  // namespace xylem::cli
