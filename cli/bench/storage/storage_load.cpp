#include "cli/bench/storage/storage_load.h"

#include "common/batch/batch_builder.h"
#include "common/check.h"
#include "common/random.h"

#include <algorithm>

namespace xylem::cli {
namespace {

constexpr std::size_t kSetBytes = 1024UL * 1024;
constexpr std::uint64_t kSeed = 11;
constexpr std::size_t kRecordOverhead = 16;  // lengths and deltas; generous

std::string half_random(std::size_t bytes, Random& random) {
  std::string value(bytes, 'x');
  for (std::size_t i = 0; i < bytes / 2; ++i) value[i] = static_cast<char>(random.next());
  return value;
}

}  // namespace

BatchSet::BatchSet(std::size_t record_bytes, std::size_t batch_bytes) {
  Random random(kSeed);
  const auto count = std::max<std::size_t>(2, kSetBytes / std::max<std::size_t>(batch_bytes, 1));
  BatchBuilder builder;
  while (batches_.size() < std::min<std::size_t>(count, 256)) {
    do {
      Record record;
      record.value = half_random(record_bytes, random);
      record.timestamp_ms = 1'700'000'000'000;
      XYLEM_CHECK(builder.add(record));
    } while (builder.bytes() + record_bytes + kRecordOverhead <= batch_bytes);
    records_ = builder.count();
    auto built = builder.build();
    XYLEM_CHECK(built);
    batches_.push_back(std::move(*built));
  }
}

std::int64_t BatchSet::batches_in(std::int64_t bytes) const {
  return std::max<std::int64_t>(1, bytes / static_cast<std::int64_t>(batch_bytes()));
}

}  // namespace xylem::cli
