// A keyed log as a list of records, and what a reader of the whole log sees of it.
#pragma once

#include "common/batch/batch_builder.h"
#include "common/batch/record.h"
#include "tests/unit/storage/support/log_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::storage::testing {

using Value = std::optional<std::string>;  // none: a tombstone

struct KeyedRecord {
  Offset offset;
  std::optional<std::string> key;
  Value value;

  bool operator==(const KeyedRecord&) const = default;
};

inline Buffer keyed_batch(const std::vector<std::pair<std::optional<std::string>, Value>>& records,
                          Compression compression = Compression::kNone,
                          std::int64_t timestamp_ms = 1'000) {
  BatchBuilder builder(compression);
  for (const auto& [key, value] : records)
    REQUIRE(builder.add({.key = key, .value = value, .headers = {}, .timestamp_ms = timestamp_ms}));
  auto built = builder.build();
  REQUIRE(built);
  return *built;
}

// Every record of the log in order; every batch is checked on the way.
inline Result<std::vector<KeyedRecord>> records_of(const PartitionLog& log,
                                                   std::size_t bytes_max = 5'000) {
  std::vector<KeyedRecord> records;
  for (auto cursor = log.start_offset();;) {
    auto read = log.read(cursor, bytes_max, kAll);
    // A segment is just being replaced.
    if (!read && read.error().code() == Errc::kUnavailable) continue;
    if (!read) return pass(read);
    if (read->bytes == 0) return records;
    for (const auto& slice : read->slices) {
      for (auto left = slice.bytes; !left.empty();) {
        auto header = check_batch_deeply(left, OffsetHoles::kAllowed);
        if (!header) return pass(header);
        auto reader = BatchReader::open(left);
        if (!reader) return pass(reader);
        while (auto record = reader->next()) {
          if (!*record) return pass(*record);
          auto own = (*record)->to_record();
          records.push_back({(*record)->offset, std::move(own.key), std::move(own.value)});
        }
        left = left.subspan(header->bytes);
      }
    }
    cursor = read->next;
  }
}

// What somebody who applies the records in order holds at the end: key -> (offset, value).
inline std::map<std::string, std::pair<Offset, std::string>> view_of(
    const std::vector<KeyedRecord>& records) {
  std::map<std::string, std::pair<Offset, std::string>> view;
  for (const auto& record : records) {
    if (!record.key) continue;
    if (record.value)
      view[*record.key] = {record.offset, *record.value};
    else
      view.erase(*record.key);
  }
  return view;
}

// `part` is `whole` with records left out; each is what it was, where it was.
inline bool is_selection(const std::vector<KeyedRecord>& part,
                         const std::vector<KeyedRecord>& whole) {
  auto at = whole.begin();
  for (const auto& record : part) {
    at =
        std::find_if(at, whole.end(), [&](const auto& one) { return one.offset >= record.offset; });
    if (at == whole.end() || *at != record) return false;
    ++at;
  }
  return true;
}

inline LogOptions compacting() {
  LogOptions options;
  options.segment_bytes_max = 1'500;
  options.cleanup = Cleanup::kCompact;
  options.compaction_dirty_percent = 1;
  return options;
}

inline double runs(const Node& node) { return node.metric("xylem_storage_compaction_runs_total"); }

// Asks for a run until one has ended.
inline void compact(Node& node, PartitionLog& log) {
  const auto before = runs(node);
  REQUIRE(xylem::testing::run_until(node.loop, [&] {
    if (runs(node) > before) return true;
    return !log.retain();
  }));
}

// Values that fill a segment soon.
inline std::string value_of(int number) { return std::to_string(number) + std::string(200, 'v'); }

inline Offset add(Node& node, PartitionLog& log, const Buffer& batch, Epoch epoch = Epoch(1)) {
  const auto base = log.append(batch, epoch);
  REQUIRE(base);
  node.settle(log);
  return *base;
}

// Opened anew: nothing of it is in memory, all reads are from files.
inline void reopen(Node& node, std::shared_ptr<PartitionLog>& log, const LogOptions& options) {
  log.reset();
  node.stop();
  log = node.open(options);
}

inline std::vector<KeyedRecord> all_of(const PartitionLog& log) {
  auto records = records_of(log);
  if (!records) FAIL(records.error().what());
  return *records;
}

}  // namespace xylem::storage::testing
