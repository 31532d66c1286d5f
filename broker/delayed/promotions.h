// What of one partition of `__delayed` goes where, and what to do next: a pure machine, events in
// and actions out, no I/O, no clock.
//
// For each target, one batch at a time:
//
//   idle -Ask-> asked -WriteIntent-> written -Promote-> stored -WriteDone-> idle
//
// The intent is durable before the batch is first sent, and says where in the target's log it can
// be. Whoever leads next finds the intent, and as any of its records is still there, sends the same
// batch by the same numbers: a target that has it says so. WriteDone takes all of the batch's
// records away at once; only then may the next intent be written.
//
// Order: those of one target by (due time, offset in `__delayed`), as far as they were parked
// before the batch was put together.
//
// Limits: Limits; who asks admits at most kParkedMax records.
#pragma once

#include "broker/delayed/parked.h"
#include "common/ids.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace xylem::broker {

class Promotions {
 public:
  static constexpr std::size_t kParkedMax = 250'000;  // records, of one partition of `__delayed`

  struct Limits {
    std::size_t records = kPromotedMax;      // in a batch
    std::size_t bytes = 1ULL * 1024 * 1024;  // of a batch of more than one record
    std::size_t busy = 32;                   // targets at a time
    std::int64_t rest_ms = 20;               // after a failure, twice as long after each further
    std::int64_t rest_ms_max = 1'000;
  };

  struct Now {
    std::int64_t wall_ms = 0;
    std::int64_t monotonic_ms = 0;
  };

  // Where the target's log is committed to: known(), gone() or failed().
  struct Ask {
    Target target;
  };

  // Into `__delayed`: written().
  struct WriteIntent {
    Intent intent;
  };

  // Into the target, unless it is there: promoted().
  struct Promote {
    Intent intent;
    std::uint64_t bytes = 0;  // of its records, at most
  };

  // Tombstones into `__delayed`, in one batch; `forgets`: the target's too: written().
  struct WriteDone {
    Target target;
    std::vector<Offset> parked;
    bool forgets = false;
  };

  using Action = std::variant<Ask, WriteIntent, Promote, WriteDone>;

  enum class Outcome : std::uint8_t {
    kStored,           // now, or before
    kAgain,            // it may be stored
    kOtherNumbers,     // it is not: the target knows other numbers of this producer
    kOtherGeneration,  // the topic has another one now; it may be stored
  };

  // Of one topic's partition.
  struct Waiting {
    std::size_t records = 0;
    std::uint64_t bytes = 0;
    std::optional<std::int64_t> next_due_ms;
  };

  explicit Promotions(const LogId& home);
  Promotions(const LogId& home, const Limits& limits);

  // What the log holds, in its order; then start().
  void load(const DelayedEntry& entry);
  void start(const Now& now);

  // From here on after start().
  void parked(const Parked& parked);
  void at(const Now& now);
  void known(const Target& target, std::uint32_t generation, Offset high_watermark);
  void failed(const Target& target);  // Ask
  void written(const Target& target, bool is_written);
  void promoted(const Target& target, Outcome outcome);

  // `missing` of the batch to be promoted are in the log no more.
  void lost(const Target& target, const std::vector<Offset>& missing);

  // The topic was deleted: what waits for it is dropped.
  void gone(const Target& target);

  [[nodiscard]] std::optional<Action> next_action();

  [[nodiscard]] std::size_t size() const { return loaded_.size() + size_; }

  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }  // of topics that are gone

  [[nodiscard]] std::uint64_t lost() const { return lost_; }

  // When at() has something to do: how long from `now`. nullopt: nothing waits.
  [[nodiscard]] std::optional<std::int64_t> next_in_ms(const Now& now) const;

  [[nodiscard]] std::map<Target, Waiting> waiting() const;
  [[nodiscard]] std::vector<Target> targets() const;

 private:
  struct Entry {
    std::int64_t due_ms = 0;
    Offset offset;
    std::uint32_t bytes = 0;
    auto operator<=>(const Entry&) const = default;
  };

  using Queue = std::priority_queue<Entry, std::vector<Entry>, std::greater<>>;

  enum class Step : std::uint8_t { kIdle, kAsking, kWritingIntent, kPromoting, kWritingDone };

  struct State {
    Queue queue;
    std::uint64_t bytes = 0;     // of the queue
    std::optional<Intent> open;  // written, or about to be
    std::uint64_t open_bytes = 0;
    bool is_unwritten = false;   // `open`, as it is now
    bool is_new_life = false;    // of `open`: it was never sent by these numbers
    std::vector<Offset> doomed;  // to be taken away without having been promoted
    bool is_gone = false;
    bool is_forgetting = false;  // what is being written ends it
    Step step = Step::kIdle;
    std::int64_t producer = -1;  // of the last intent; the next one goes on
    std::int32_t life = 0;
    std::int32_t next_sequence = 0;
    int failures = 0;
    std::optional<std::int64_t> rests_until_ms;
    std::optional<std::int64_t> agenda_ms;  // its place there
  };

  using Entered = std::pair<const Target, State>;

  State* find(const Target& target, Step step);
  void settle(Entered& entered);
  void rest(Entered& entered);
  void pump();
  void advance(Entered& entered);
  void begin_batch(Entered& entered);
  void write_intent(Entered& entered);
  void next_life(State& state, const Target& target);
  void begin_life(State& state);
  void doom_some(State& state);
  void end_open(State& state);
  void finish_done(Entered& entered);
  void act(Entered& entered, Step step, Action action);

  LogId home_;
  Limits limits_;
  Now now_;
  std::unordered_map<Offset, Parked> loaded_;
  std::map<Target, State> targets_;
  std::set<std::pair<std::int64_t, Target>> agenda_;   // idle ones with something to do, by wall
  std::set<std::pair<std::int64_t, Target>> resting_;  // by monotonic time
  std::deque<Action> actions_;
  std::size_t busy_ = 0;
  std::size_t size_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace xylem::broker
