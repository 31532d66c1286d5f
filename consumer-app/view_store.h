// The queryable copy: the current value of every key, in one SQLite file. This is its writing side.
//
//   copies   copy -> topic, state, refresh id, topic id, generation, whole, keys, records, tag
//   cursors  (copy, partition) -> next offset, begin, exact
//   entries  (copy, key) -> partition, offset, epoch, timestamp, headers (JSON), value
//
// A topic has a *current* copy, which queries see, and while it is rebuilt a *shadow* beside it. A
// swap turns one into the other in one transaction; what is left of the old copy goes in bounded
// steps. Records and the cursor behind them are one transaction: whatever is lost in a power cut is
// lost together, so `synchronous=NORMAL` is enough and the copy is exact. A record below its
// partition's cursor has been applied before and is skipped.
//
// Which copies can be made again from the record log is kept beside the file (view_origins.h): a
// partition's part is *exact* when the log holds, from its begin on, all that the copy was made of.
//
// Threads: copies() before the first apply(); then one thread for all.
// Errors: kIo, kDiskFull, kCorrupt; nothing of the changes is applied then, and they may be
// retried.
#pragma once

#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "common/sqlite.h"
#include "storage/disk.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>

namespace xylem::consumer_app {

enum class Copy : std::uint8_t { kCurrent, kShadow };

using Cursors = std::map<PartitionId, Offset>;

// Where a copy's part of a partition begins.
struct Begin {
  Offset at;           // base offset of the first batch
  bool exact = false;  // the record log, from there on, holds just what the copy was made of

  bool operator==(const Begin&) const = default;
};

using Begins = std::map<PartitionId, Begin>;

struct CopyState {
  std::int64_t copy = 0;  // row of `copies`
  Incarnation incarnation;
  std::uint64_t refresh_id = 0;  // what it was made by; 0: by ourselves
  bool whole = false;            // it has once held everything there was
  std::int64_t keys = 0;
  std::int64_t records = 0;  // applied to it, tombstones too
  std::uint32_t tag = 0;     // random: no other copy has it, but one made again from the same log
  Cursors cursors;
  Begins begins;  // of the same partitions
};

struct TopicCopies {
  std::optional<CopyState> current;
  std::optional<CopyState> shadow;
};

using Copies = std::map<std::string, TopicCopies, std::less<>>;

// Whole batches that passed walk_batches (record_walk.h). A current copy that is not there yet is
// made; a missing shadow means that the refresh is over: they are skipped.
struct ApplyBatches {
  std::string topic;
  PartitionId partition;
  Incarnation incarnation;
  Copy copy = Copy::kCurrent;
  Slice batches;
  bool is_new_in_log = false;  // the log held nothing of them before
};

// Replaces a shadow that is there.
struct BeginShadow {
  std::string topic;
  std::uint64_t refresh_id = 0;
  Incarnation incarnation;
};

// The shadow is whole up to `barrier` and becomes the current copy.
struct SwapIn {
  std::string topic;
  Cursors barrier;
};

struct DiscardShadow {
  std::string topic;
};

// The current copy has caught up for the first time; an empty one is made if there was nothing.
struct MarkWhole {
  std::string topic;
  Incarnation incarnation;
};

// A current copy that was lost is begun again, under its old tag, to be filled from the record log.
struct RestoreCopy {
  std::string topic;
  Incarnation incarnation;
  std::uint32_t tag = 0;
  Begins begins;
};

using Change =
    std::variant<ApplyBatches, BeginShadow, SwapIn, DiscardShadow, MarkWhole, RestoreCopy>;

class ViewStore {
 public:
  struct Options {
    storage::Disk& disk;
    std::string origins_path;
    std::uint64_t seed = 0;  // of the tags
  };

  // Creates the file when it is missing.
  static Result<std::unique_ptr<ViewStore>> open(const std::string& path, const Options& options);

  ~ViewStore();
  ViewStore(const ViewStore&) = delete;
  ViewStore& operator=(const ViewStore&) = delete;

  [[nodiscard]] const Copies& copies() const;

  // Records applied to any copy since it was opened.
  [[nodiscard]] std::int64_t records_applied() const;

  // All of `changes`, in order, in one transaction.
  Status apply(std::span<const Change> changes);

  // Deletes up to `entries_max` entries of copies that are no longer used; true: there are more.
  Result<bool> drop_some(std::size_t entries_max);

 private:
  class Impl;
  explicit ViewStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem::consumer_app
