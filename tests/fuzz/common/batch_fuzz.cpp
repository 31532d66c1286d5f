// Any bytes as a batch: the deep check and the iterator agree, and what they accept survives being
// built again. The checksum is put right first, so that the fuzzer gets past it.
#include "common/batch/batch_builder.h"
#include "common/batch/record.h"
#include "common/check.h"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace {

using xylem::BatchBuilder;
using xylem::BatchReader;
using xylem::Bytes;
using xylem::OffsetHoles;
using xylem::RecordView;

// The records up to the end or the first bad one; `whole` tells which.
std::vector<RecordView> read_all(BatchReader& reader, bool& whole) {
  std::vector<RecordView> records;
  while (auto record = reader.next()) {
    whole = record->has_value();
    if (!whole) break;
    records.push_back(std::move(**record));
  }
  return records;
}

void rebuild(const xylem::BatchHeader& header, const std::vector<RecordView>& records) {
  BatchBuilder builder;
  for (const auto& record : records) {
    const auto delta = static_cast<std::int32_t>(record.offset - header.base_offset);
    // Another base timestamp can put records too far apart, padding can hide a few bytes too many.
    if (!builder.add_at(delta, record)) return;
  }
  const auto built = builder.build();
  XYLEM_CHECK(built.has_value());
  const auto checked = xylem::check_batch_deeply(*built, OffsetHoles::kAllowed);
  XYLEM_CHECK(checked.has_value() && checked->record_count == header.record_count);
  auto reader = BatchReader::open(*built);
  XYLEM_CHECK(reader.has_value());
  bool whole = false;
  const auto again = read_all(*reader, whole);
  XYLEM_CHECK(whole && again.size() == records.size());
  for (std::size_t i = 0; i < again.size(); ++i) {
    const auto ours = again[i].to_record();
    const auto theirs = records[i].to_record();
    XYLEM_CHECK(ours.key == theirs.key && ours.value == theirs.value &&
                ours.headers == theirs.headers && ours.timestamp_ms == theirs.timestamp_ms);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes given(reinterpret_cast<const std::byte*>(data), size);
  static_cast<void>(xylem::check_batch_deeply(given));
  const auto header = xylem::read_batch_header(given);
  if (!header) return 0;
  xylem::Buffer batch(given.begin(), given.end());
  xylem::write_batch_header(*header, batch);
  XYLEM_CHECK(xylem::check_batch(batch).has_value());
  const bool dense = xylem::check_batch_deeply(batch).has_value();
  const bool sound = xylem::check_batch_deeply(batch, OffsetHoles::kAllowed).has_value();
  XYLEM_CHECK(sound || !dense);
  auto reader = BatchReader::open(batch);
  XYLEM_CHECK(reader.has_value() || !sound);
  if (!reader) return 0;
  bool whole = header->record_count == 0;
  const auto records = read_all(*reader, whole);
  XYLEM_CHECK(whole == sound);
  if (whole && !records.empty()) rebuild(*header, records);  // none: what compaction leaves
  return 0;
}
