// One partition as this broker has it: its log, how far it is committed, how old it may be.
//
// An owner alone gives offsets out, and what is durable here (synced, unless the topic chose
// flush=never) is committed. In a root tier of several one replica leads, and `Replication` says
// how far all are committed. Everywhere else the log was pulled from a parent, which serves
// committed batches only: all that is written is committed, up to what was lost to damage. What is
// above that is kept, and served once the parent has filled the gap: a site serves a prefix.
//
// Observers are told once per commit round that the high watermark, the log's start or its
// existence changed, or that cold batches were brought in; everything that waits for data
// (acknowledgements, delivery, the pipe) hangs on that.
//
// Threads: the loop's.
#pragma once

#include "broker/partitions/producer_check.h"
#include "broker/topics/topic_definition.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/result.h"
#include "storage/partition_log.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::broker {

enum class Acks : std::int8_t { kAll = -1, kNone = 0, kLeader = 1 };

class Partition;

// How a partition is replicated; the root tier's part. Threads: the loop's.
class Replication {
 public:
  virtual ~Replication() = default;

  // More of the log is written or synced, or its health changed. May commit().
  virtual void log_moved(Partition& partition) = 0;

  // kNotEnoughReplicas: acks=all cannot be promised now.
  [[nodiscard]] virtual Status may_append(const LogId& log, Acks acks) const = 0;

  // Replicas in sync that have all below `end` on stable storage.
  [[nodiscard]] virtual std::uint16_t synced_at(const LogId& log, Offset end) const = 0;

  // Of the leader's copy: since it was in contact with the quorum.
  [[nodiscard]] virtual std::uint64_t leader_age_ms() const = 0;
};

class Partition {
 public:
  struct Appended {
    Offset base_offset;
    Offset next_offset;
    std::uint16_t replicas_synced = 0;  // when it was settled; 0: not even here (flush=never)
  };

  using AppendDone = std::function<void(Result<Appended>)>;

  static constexpr std::size_t kPendingMax = 65'536;  // appends that wait for their commit

  // `replication`: null: it is owned alone, or pulled from a parent.
  Partition(std::string topic,
            std::shared_ptr<storage::PartitionLog> log,
            const Clock& clock,
            Replication* replication = nullptr);
  ~Partition();  // what waits gets kCancelled
  Partition(const Partition&) = delete;
  Partition& operator=(const Partition&) = delete;

  // From now on this broker appends to it, in `epoch`.
  void lead(Epoch epoch);

  // Another one does. What waits gets kNotLeader: it may have been committed, or be lost.
  void stop_leading();

  // Replicated: all below is committed. Never goes back while the log is not cut.
  void commit(Offset high_watermark);

  [[nodiscard]] bool is_replicated() const { return replication_ != nullptr; }

  // False: a replica that was started, and has not heard yet how far it is committed.
  [[nodiscard]] bool knows_committed() const {
    return !is_replicated() || knows_committed_ || high_watermark_ >= log_->end_offset();
  }

  [[nodiscard]] bool is_leader() const { return leads_; }

  [[nodiscard]] const std::string& topic() const { return topic_; }

  [[nodiscard]] LogId id() const { return log_->name().id; }

  [[nodiscard]] Epoch epoch() const;

  [[nodiscard]] const std::shared_ptr<storage::PartitionLog>& log() const { return log_; }

  // Up to where it is served. A replica serves nothing behind what it has lost and others have; one
  // that follows may know of more that is committed than it has written.
  [[nodiscard]] Offset high_watermark() const;

  void set_others_have_all(bool others_have_all) { others_have_all_ = others_have_all; }

  // What is lost here comes back from another replica.
  [[nodiscard]] bool is_to_be_filled() const { return others_have_all_ && log_->has_lost(); }

  // How old the copy may be; kAgeUnknown: it has never been at its parent's high watermark.
  static constexpr std::uint64_t kAgeUnknown = UINT64_MAX;
  [[nodiscard]] std::uint64_t age_ms() const;

  // As the parent said last; nullopt: it has not, since this was opened.
  [[nodiscard]] std::optional<Offset> parent_high_watermark() const {
    return has_heard_parent_ ? std::optional(parent_high_watermark_) : std::nullopt;
  }

  // One batch from a producer, checked deeply. `done` runs when it is committed (kLeader, kNone:
  // durable here), or at once when it was refused. A batch of a numbered producer that is here
  // already is answered as it was then. kNotLeader, kCorrupt, kDiskFull, kIo, kNotEnoughReplicas,
  // kUnavailable (too many wait), and what ProducerCheck says. `numbered_since`: as its `since`.
  void append(Bytes batch,
              Acks acks,
              AppendDone done,
              std::optional<Offset> numbered_since = std::nullopt);

  // Batches from the parent or the leader; `high_watermark` and `age_ms` are its own. When they
  // cannot be stored the copy is behind that high watermark, and its age grows.
  Status store(Bytes batches, Offset high_watermark, std::uint64_t age_ms);

  // The parent says nothing is new: the copy is as old as the parent's, once all below the parent's
  // high watermark can be read here.
  void confirm(std::uint64_t age_ms);

  // Forgets everything and begins at `start` (history was lost upstream). Observers are told.
  Status restart_at(Offset start);

  // Since this process runs; 0: it was not.
  [[nodiscard]] Offset begun_anew_at() const { return begun_anew_at_; }

  Status cut_back(Offset offset);

  // Where damage took all up to the log's end, that end moves back: what comes next is pulled as
  // ever. True: it did. A replica's stays: others count on what it has said that it has.
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
  static void await_commit(std::deque<Pending>& waiting, const Appended& appended, AppendDone done);
  void settle_pending();
  void settle(std::deque<Pending>& pending, Offset below);
  void refuse_all(const Error& why);
  void refuse_unwritten();

  std::string topic_;
  std::shared_ptr<storage::PartitionLog> log_;
  const Clock& clock_;
  Replication* replication_;
  bool leads_ = false;
  bool knows_committed_ = false;
  bool others_have_all_ = false;  // replicas in sync
  Epoch epoch_ = kNoEpoch;
  Offset high_watermark_;
  Offset parent_high_watermark_;
  Offset begun_anew_at_;
  bool has_heard_parent_ = false;
  std::optional<Told> reached_;
  std::vector<Told> told_;  // not reached yet: the first one and the last one
  ProducerCheck producers_;
  std::deque<Pending> pending_;       // acks=all, by offset: settled by the high watermark
  std::deque<Pending> leader_alone_;  // the others: by what is durable here
};

}  // namespace xylem::broker
