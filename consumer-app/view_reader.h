// The queryable copy's reading side: a read-only connection of its own, so that WAL gives every
// query one committed state: the whole old copy or the whole new one, never between.
//
// Threads: one at a time, after open(). Errors: kNotFound, kIo, kCorrupt.
#pragma once

#include "common/ids.h"
#include "common/result.h"
#include "consumer-app/view_store.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::consumer_app {

// A key's current value.
struct Entry {
  Incarnation incarnation;
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

// Entries of the copy with that tag, in the order of their keys' bytes.
struct EntryRange {
  std::string_view topic;
  std::uint32_t tag = 0;
  std::string_view prefix;
  std::optional<std::string_view> after;  // only keys above it
};

// False: enough; the entry counts as taken.
using VisitEntry = std::function<bool(std::string_view key, const Entry& entry)>;

class ViewReader {
 public:
  // The file must be there: ViewStore::open makes it.
  static Result<std::unique_ptr<ViewReader>> open(const std::string& path);

  ~ViewReader();
  ViewReader(const ViewReader&) = delete;
  ViewReader& operator=(const ViewReader&) = delete;

  // kUnavailable: the topic's copy is not there, or is not whole yet.
  Status check_whole(std::string_view topic);

  Result<Entry> find(std::string_view topic, std::string_view key);
  Result<std::vector<std::string>> keys(std::string_view topic, const KeyRange& range);

  // Counts and cursors of every topic, all of one moment.
  Result<Copies> copies();

  // True: all of the range was shown. kNotFound: the copy is no longer, or not yet, the current
  // one.
  Result<bool> walk(const EntryRange& range, const VisitEntry& visit);

  // From now on, until this reader is destroyed, all that it reads is of one moment. SQLite keeps
  // what is overwritten meanwhile in its write-ahead log: not for long.
  Status hold();

 private:
  class Impl;
  explicit ViewReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem::consumer_app
