// What becomes of records whose delivery to a group fails again and again.
//
// Each failure is counted (DeliveryCounts) before it is answered. With the topic's
// `deadLetterAfter`-th one the record is stored in this broker's own `<topic>.dlq` (dead_letter.h);
// when it is synced there, that is noted, and the group's cursor moves behind the record, if it
// stood at it; then delivery goes on. While this is under way nothing is pushed to the group from
// that partition.
//
// Where the cursor is elsewhere (the consumer commits as it likes, or at another broker), what is
// pushed to the group leaves the record out, until an acknowledgement is behind it.
//
// A crash in between loses nothing: the count is on disk, and the next consumer of the group,
// before it is pushed anything, has the record stored; unless it is found among the last
// kLastLooked of
// `<topic>.dlq`, where the crash left it. If storing fails (a full disk, say) the record is
// delivered again, and its next failure tries again.
//
// In a root tier of several, counts and dead letters are those of the broker that delivers: another
// leader begins to count anew, and may store a second copy in its own `<topic>.dlq`.
//
// Threads: the loop's. Errors: kInvalidRequest (the topic counts nothing), kOffsetOutOfRange,
// kUnknownTopicOrPartition, and those of DeliveryCounts, LocalTopics and Partition::append.
#pragma once

#include "broker/catalog/local_topics.h"
#include "broker/catalog/topic_catalog.h"
#include "broker/dead_letters/first_record.h"
#include "broker/groups/delivery_counts.h"
#include "broker/groups/group_offsets.h"
#include "broker/partitions/partition_table.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/result.h"
#include "common/timer.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::broker {

class DeadLetters {
 public:
  static constexpr std::int64_t kLastLooked = 100;  // records
  static constexpr std::uint64_t kAgainMs = 100;    // what a disk was to bring in is looked for

  struct Context {
    Loop& loop;
    const Clock& clock;
    Logger& logger;
    Metrics& metrics;
    PartitionTable& partitions;
    TopicCatalog& topics;
    LocalTopics& local;
    DeliveryCounts& counts;
    GroupOffsets& offsets;
  };

  struct Failure {
    GroupPartition where;
    Incarnation incarnation;
    Offset offset;
    std::string reason;
  };

  struct Outcome {
    std::uint32_t deliveries = 0;  // that have failed
    bool is_dead_lettered = false;
  };

  using Done = std::function<void(const Result<Outcome>&)>;

  explicit DeadLetters(const Context& context);

  ~DeadLetters() { *self_ = nullptr; }

  DeadLetters(const DeadLetters&) = delete;
  DeadLetters& operator=(const DeadLetters&) = delete;

  // `done` runs when the failure is on disk and it is known what becomes of the record.
  void failed(const Failure& failure, Done done);

  // Nothing has failed: may_push() and left_out() need not be asked.
  [[nodiscard]] bool is_idle() const { return context_.counts.empty(); }

  // Whether the group may be pushed from the partition now. False: the observers hear when.
  [[nodiscard]] bool may_push(const GroupPartition& where);

  // What the group is not to be given.
  [[nodiscard]] std::optional<Offset> left_out(const GroupPartition& where,
                                               const Incarnation& incarnation) const;

  // All below `next` is acknowledged.
  void passed(const GroupPartition& where, Offset next);

  // Called when may_push() may have another answer for the topic.
  void observe(std::function<void(const std::string& topic)> observer) {
    observers_.push_back(std::move(observer));
  }

 private:
  // A record that is to be stored.
  struct Pending {
    Offset offset;
    bool may_be_stored = false;  // it was due when this broker started
    bool is_storing = false;
    bool is_given_up = false;  // until it fails again
    std::vector<Done> waiting;
  };

  [[nodiscard]] Result<std::uint32_t> limit_for(const Failure& failure) const;
  [[nodiscard]] bool is_due(const GroupPartition& where, const DeliveryCount& count) const;
  void on_counted(const Failure& failure,
                  const Pending& due,
                  std::uint32_t limit,
                  const Done& done);
  void on_removed(const TopicDefinition& topic);
  void store_later(const GroupPartition& where);
  void store_again();
  void store(const GroupPartition& where);
  void append(const GroupPartition& where, const FoundRecord& found, Partition& letters);
  [[nodiscard]] Result<bool> is_stored(const GroupPartition& where,
                                       const FoundRecord& found,
                                       Partition& letters) const;
  void on_stored(const GroupPartition& where);
  void move_cursor(const GroupPartition& where);
  void give_up(const GroupPartition& where, const Error& why);
  void settle(const GroupPartition& where, const Result<Outcome>& outcome);
  void tell(const std::string& topic);

  Context context_;
  Counter& failures_;
  Counter& dead_lettered_;
  std::map<GroupPartition, Pending> pending_;
  std::vector<std::function<void(const std::string&)>> observers_;
  Timer again_;
  std::shared_ptr<DeadLetters*> self_;  // what callbacks hold: null once this is gone
};

}  // namespace xylem::broker
