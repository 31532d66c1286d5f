// The child's half of a fetch session: which partitions the next request must list.
//
// A partition is listed when the parent does not know where it stands: it is new, it moved (stored,
// repaired, touched), the session is new, or its pause is over. What was listed stays to be listed
// until an answer comes; a request that got none costs nothing but being repeated.
//
// Threads: the owner's. Times are milliseconds of a monotonic clock.
#pragma once

#include "common/ids.h"
#include "common/random.h"
#include "common/result.h"
#include "pipe/backoff.h"
#include "pipe/messages.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace xylem::pipe {

class ChildSession {
 public:
  static constexpr std::size_t kListedMax = 10'000;  // partitions of one request

  using Position = std::function<Result<FetchPartition>(const LogId&)>;

  ChildSession(const Backoff& backoff, Random& random);

  void add(const LogId& log);
  void remove(const LogId& log);
  void touch(const LogId& log);  // its position moved

  // Another parent, or the parent lost the session: everything is listed again.
  void start_anew();

  // Fills in session, sequence, answered, partitions and forgotten. A partition whose position
  // cannot be told is paused. The answer's `second`: there is more to list than fits.
  std::pair<FetchRequest, bool> next(std::int64_t now_ms, const Position& position);

  // An answer to the last request. False: the parent does not know the session.
  [[nodiscard]] bool answered(const FetchAnswer& answer);

  // What the parent was last asked about `log`; nullptr: nothing, or it was removed.
  [[nodiscard]] const FetchPartition* asked(const LogId& log) const;

  void set_state(const LogId& log, FetchState state);

  // Lists it again after a back-off that grows until recovered(). An urgent one is worth a request
  // of its own.
  void pause(const LogId& log, std::int64_t now_ms, bool is_urgent);
  void recovered(const LogId& log);

  // It waits in an urgent pause: what it was sent last is still to be stored or repaired.
  [[nodiscard]] bool is_retrying(const LogId& log) const;

  [[nodiscard]] bool has_news(std::int64_t now_ms) const;

  // When the next urgent pause is over.
  [[nodiscard]] std::optional<std::int64_t> due_at_ms() const;

  [[nodiscard]] std::size_t size() const { return partitions_.size(); }

  [[nodiscard]] std::size_t count(FetchState state) const {
    return counts_.at(static_cast<std::size_t>(state));
  }

  [[nodiscard]] std::vector<LogId> logs_in(FetchState state) const;

  [[nodiscard]] std::size_t paused() const { return pauses_.size(); }

 private:
  struct Partition {
    std::optional<FetchPartition> asked;
    std::optional<FetchState> state;
    std::uint32_t failures = 0;
    bool is_in_request = false;  // and has not moved since
  };

  struct Pause {
    std::int64_t until_ms = 0;
    bool is_urgent = false;
  };

  void forget_state(Partition& partition);

  Backoff backoff_;
  Random& random_;
  std::uint64_t session_ = 0;
  std::uint32_t sequence_ = 0;
  std::uint32_t answers_ = 0;
  std::unordered_map<LogId, Partition> partitions_;
  std::set<LogId> unlisted_;
  std::unordered_map<LogId, Pause> pauses_;
  std::vector<LogId> in_request_;
  std::vector<LogId> forgotten_;
  std::size_t forgotten_in_request_ = 0;
  std::array<std::size_t, kFetchStates> counts_{};
};

}  // namespace xylem::pipe
