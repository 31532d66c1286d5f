// What a parent remembers of one child between two fetches, so that only changes cross the link.
//
// Rules. (1) The cursor a child lists is the truth; the parent never advances one itself. (2) A
// partition that was sent batches *rests* until the child lists it again: stored, or to be told
// once more. (3) A partition is looked at only when it is marked: listed, or its log changed.
// (4) It is news when there are batches, or its state or HW is not what the child was told last.
// (5) Both sides count the answers of the session; who counts differently starts anew, so a lost
// answer costs one round trip and never a record.
//
// Fair: partitions are looked at in the order they were marked, so what found no room in one answer
// comes first in the next. Idea: KIP-227.
// Threads: the loop's.
#pragma once

#include "common/ids.h"
#include "pipe/handshake.h"
#include "pipe/messages.h"
#include "pipe/source.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace xylem::pipe {

class FetchSession {
 public:
  static constexpr std::size_t kPartitionsPerAnswer = 4'096;
  static constexpr std::int64_t kAgeEveryMs = 500;      // whole ages, at most
  static constexpr std::uint64_t kAgeSpreadMs = 2'000;  // older ones are listed by themselves

  // What could be sent now; nothing is taken as told before seal().
  struct Draft {
    std::vector<FetchedPartition> news;
    std::vector<LogId> settled;  // need no further look once this is sent
    std::size_t batch_bytes = 0;
    bool is_urgent = false;  // more than batches
    bool is_whole = true;    // everything marked was looked at
  };

  FetchSession(std::uint64_t id, NodeId child, Asker asker);

  [[nodiscard]] std::uint64_t id() const { return id_; }

  [[nodiscard]] const NodeId& child() const { return child_; }

  [[nodiscard]] std::size_t partitions() const { return partitions_.size(); }

  [[nodiscard]] bool has(const LogId& log) const { return partitions_.contains(log); }

  // The next request: false when its sequence is not above the last one's, i.e. it was overtaken.
  [[nodiscard]] bool take(std::uint32_t sequence);

  [[nodiscard]] bool in_step(std::uint32_t answered) const { return answered == answers_; }

  void list(const FetchPartition& at);
  void forget(const LogId& log);
  void mark(const LogId& log);  // its log changed; ignored while it rests or is not listed

  [[nodiscard]] Draft draft(const PipeSource& source, std::size_t bytes_max);

  // The draft is being sent: remembers it as told, and adds ages when they are due.
  FetchAnswer seal(Draft draft, const PipeSource& source, std::int64_t now_ms);

  // Positions of a replica that were found to be on our history since this was asked last.
  [[nodiscard]] std::vector<FetchPartition> take_agreed() { return std::exchange(agreed_, {}); }

  // Every log of the session.
  [[nodiscard]] std::vector<LogId> logs() const;

 private:
  struct Partition {
    FetchPartition at;
    std::optional<FetchedPartition> told;  // without batches
    bool is_resting = false;
    bool is_marked = false;
    bool is_agreed = false;  // since it was listed
  };

  enum class Found : std::uint8_t { kNothing, kNews, kNoRoom };

  Found look(Partition& partition, const PipeSource& source, std::size_t bytes_max, Draft& draft);
  void add_ages(FetchAnswer& answer, const PipeSource& source) const;

  std::uint64_t id_;
  NodeId child_;
  Asker asker_;
  std::uint32_t sequence_ = 0;
  std::uint32_t answers_ = 0;
  std::optional<std::int64_t> aged_at_ms_;
  std::unordered_map<LogId, Partition> partitions_;
  std::deque<LogId> marked_;  // each once; forgotten ones are skipped
  std::vector<FetchPartition> agreed_;
};

}  // namespace xylem::pipe
