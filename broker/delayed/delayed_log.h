// One leadership of one partition of `__delayed`: reads back what waits, parks what comes, and does
// what Promotions says.
//
// Until what earlier leaders parked and promoted is known nothing is parked here, and nothing
// promoted.
//
// Owned by shared_ptr: what is under way keeps it.
// Threads: the loop's.
#pragma once

#include "broker/catalog/topic_catalog.h"
#include "broker/delayed/parked_reader.h"
#include "broker/delayed/promotion_budget.h"
#include "broker/delayed/promotions.h"
#include "broker/delayed/target_partitions.h"
#include "broker/partitions/led_log.h"
#include "common/clock.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/result.h"
#include "common/timer.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace xylem::broker {

class DelayedLog : public std::enable_shared_from_this<DelayedLog> {
 public:
  static constexpr std::int64_t kLookMs = 1'000;  // the wall clock may have been set meanwhile

  struct Context {
    Loop& loop;
    const Clock& clock;
    Logger& logger;
    PartitionTable& partitions;
    const TopicCatalog& topics;
    TargetPartitions& targets;
    Counter& promoted;
    Counter& dropped;
    Counter& lost;
    Histogram& lateness;
    std::shared_ptr<PromotionBudget> budget;  // of all partitions
  };

  // `partition` is led by this broker.
  DelayedLog(const Context& context, const Partition& partition);

  // That this leadership goes on.
  [[nodiscard]] bool is_current() const { return log_.leading() != nullptr; }

  // It does, and all from before is known.
  [[nodiscard]] bool is_ready() const { return log_.is_read() && is_current(); }

  // Reads what may be read now.
  void read_on();

  // Drops what waits for topics that were deleted.
  void look_for_gone();

  // The records of `batch`, which was checked deeply, for `target`. `done` has offsets of -1; else
  // as Partition::append, and: kUnavailable (not ready), kQuotaExceeded (too many wait),
  // kInvalidRequest (a record has no due time, or it is too far ahead), kMessageTooLarge.
  void park(const Target& target, Bytes batch, Acks acks, Partition::AppendDone done);

  // Nothing is looked at any more, also not by what is under way.
  void close();

  [[nodiscard]] const Promotions& promotions() const { return promotions_; }

 private:
  struct Promotion {
    Intent intent;
    ParkedReader reader;
    std::vector<std::int64_t> due_ms;
    bool is_sent = false;
    std::unique_ptr<PromotionBudget::Claim> claim;
  };

  struct Packed {
    Buffer batch;
    std::vector<Parked> parked;
  };

  [[nodiscard]] Promotions::Now now() const;
  void begin();
  void take(const RecordView& record);
  [[nodiscard]] Status may_park(std::size_t count) const;
  [[nodiscard]] Result<Packed> pack(const Target& target, Bytes batch, Offset base) const;

  [[nodiscard]] bool knows_topics() const;

  // After each event: what Promotions wants is done.
  void run();
  void perform(const Promotions::Action& action);
  void ask(const Target& target);
  void write(const Target& target, const std::vector<Record>& records);
  void begin_promotion(const Promotions::Promote& action);
  void read_parked_soon();
  void read_parked();
  void read_parked(Partition& partition, const Target& target, Promotion& promotion);
  void read_again(const Target& target);
  void promote(const Partition& partition, const Target& target, Promotion& promotion);
  void send(const Target& target, const Intent& intent, const std::vector<Record>& records);
  void on_answer(const Target& target, const Status& answer);
  void count_promoted(const Promotion& promotion);
  void count_gone();

  Context context_;
  LedLog log_;
  std::uint64_t unreadable_ = 0;
  Promotions promotions_;
  std::size_t parking_ = 0;    // records on their way into the log
  std::uint64_t dropped_ = 0;  // as counted
  std::uint64_t lost_ = 0;
  bool is_running_ = false;
  Timer next_read_;
  Timer wake_;
  std::map<Target, Promotion> promoting_;  // destroyed first: a claim given back may start a timer
};

}  // namespace xylem::broker
