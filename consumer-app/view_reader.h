// The queryable copy's reading side: a read-only connection of its own, so that WAL gives every
// query one committed state: the whole old copy or the whole new one, never between.
//
// Threads: one, after open(). Errors: kNotFound, kIo, kCorrupt.
#pragma once

#include "common/ids.h"
#include "common/result.h"
#include "consumer-app/view_store.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::consumer_app {

// A key's current value.
struct Entry {
  PartitionId partition;
  Offset offset;
  Epoch epoch;
  std::int64_t timestamp_ms = 0;
  std::string headers;  // JSON
  std::string value;
};

struct KeyRange {
  std::string_view prefix;
  std::optional<std::string_view> after;  // only keys above it, in the order of their bytes
  std::size_t limit = 0;
};

class ViewReader {
 public:
  // The file must be there: ViewStore::open makes it.
  static Result<std::unique_ptr<ViewReader>> open(const std::string& path);

  ~ViewReader();
  ViewReader(const ViewReader&) = delete;
  ViewReader& operator=(const ViewReader&) = delete;

  Result<Entry> find(std::string_view topic, std::string_view key);
  Result<std::vector<std::string>> keys(std::string_view topic, const KeyRange& range);

  // Counts and cursors of every topic, all of one moment.
  Result<Copies> copies();

 private:
  class Impl;
  explicit ViewReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem::consumer_app
