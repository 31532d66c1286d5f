// One partition as this broker has it: its log, how far it is committed, how old it may be.
//
// The owner gives offsets out, and what is durable here (synced, unless the topic chose
// flush=never) is committed. Everywhere else the log was pulled from a parent, which serves
// committed batches only: all that is written is committed, up to what was lost to damage. What is
// above that is kept, and served once the parent has filled the gap: a site serves a prefix.
//
// Observers are told once per commit round that the high watermark, the log's start or its
// existence changed, or that cold batches were brought in; everything that waits for data
// (acknowledgements, delivery, the pipe) hangs on that.
//
// Threads: the loop's.
#pragma once

#include "broker/topics/topic_definition.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/result.h"
#include "storage/partition_log.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::broker {

class Partition {
 public:
  struct Appended {
    Offset base_offset;
    Offset next_offset;
    std::uint16_t replicas_synced = 0;  // as of the commit; 0: not even here (flush=never)
  };

  using AppendDone = std::function<void(Result<Appended>)>;

  static constexpr std::size_t kPendingMax = 65'536;  // appends that wait for their commit

  Partition(std::string topic, std::shared_ptr<storage::PartitionLog> log, const Clock& clock);
  ~Partition();  // what waits gets kCancelled
  Partition(const Partition&) = delete;
  Partition& operator=(const Partition&) = delete;

  // From now on this broker owns it and appends in `epoch`.
  void lead(Epoch epoch);

  [[nodiscard]] bool is_leader() const { return leads_; }

  [[nodiscard]] const std::string& topic() const { return topic_; }

  [[nodiscard]] LogId id() const { return log_->name().id; }

  [[nodiscard]] Epoch epoch() const;

  [[nodiscard]] const std::shared_ptr<storage::PartitionLog>& log() const { return log_; }

  [[nodiscard]] Offset high_watermark() const { return high_watermark_; }

  // How old the copy may be; kAgeUnknown: it has never been at its parent's high watermark.
  static constexpr std::uint64_t kAgeUnknown = UINT64_MAX;
  [[nodiscard]] std::uint64_t age_ms() const;

  // One batch from a producer, checked deeply. `done` runs when it is committed, or at once when it
  // was refused. kNotLeader, kCorrupt, kDiskFull, kIo, kUnavailable (too many wait).
  void append(Bytes batch, AppendDone done);

  // Committed batches from the parent; `high_watermark` and `age_ms` are the parent's. When they
  // cannot be stored the copy is behind that high watermark, and its age grows.
  Status store(Bytes batches, Offset high_watermark, std::uint64_t age_ms);

  // The parent says nothing is new: the copy is as old as the parent's, once all below the parent's
  // high watermark can be read here.
  void confirm(std::uint64_t age_ms);

  // Forgets everything and begins at `start` (history was lost upstream). Observers are told.
  Status restart_at(Offset start);

  Status cut_back(Offset offset);

  // Where damage took all up to the log's end, that end moves back: what comes next is pulled as
  // ever. True: it did.
  Result<bool> cut_lost_tail();

  // Cuts back to the first offset that damage took: it does not come back by itself.
  Result<bool> give_up_lost();

  void on_log_progress();  // the log's listener

 private:
  struct Pending {
    Appended appended;
    AppendDone done;
  };

  // What the parent said at one time: a copy that has all below `high_watermark` was `age_ms` old.
  struct Told {
    Offset high_watermark;
    std::uint64_t age_ms = 0;
    std::int64_t at_ms = 0;
  };

  [[nodiscard]] Offset whole_end() const;
  void settle_age();
  void settle_pending();
  void refuse_unwritten();

  std::string topic_;
  std::shared_ptr<storage::PartitionLog> log_;
  const Clock& clock_;
  bool leads_ = false;
  Epoch epoch_ = kNoEpoch;
  Offset high_watermark_;
  Offset parent_high_watermark_;
  std::optional<Told> reached_;
  std::vector<Told> told_;  // not reached yet: the first one and the last one
  std::deque<Pending> pending_;
};

}  // namespace xylem::broker
