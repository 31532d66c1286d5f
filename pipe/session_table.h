// The sessions of all children, bounded, and which of them listen to a log.
//
// When there are too many, the one that was idle longest and has no fetch waiting goes first; its
// child starts anew.
// Threads: the loop's.
#pragma once

#include "common/ids.h"
#include "common/random.h"
#include "pipe/fetch_session.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

namespace xylem::pipe {

class SessionTable {
 public:
  struct Limits {
    std::size_t sessions_max = 10'000;
    std::size_t partitions_max = 100'000;  // over all sessions
  };

  struct Entry {
    FetchSession session;
    std::int32_t replica = -1;  // >= 0: of the root tier
    std::int64_t used_at_ms = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t waiting = 0;  // token of its fetch that waits; 0: none
  };

  SessionTable(const Limits& limits, Random& random);

  // nullptr: no such session of that child.
  [[nodiscard]] Entry* find(std::uint64_t id, const NodeId& child);
  [[nodiscard]] Entry* find(std::uint64_t id);

  // nullptr: full of sessions that wait.
  Entry* create(const NodeId& child, Asker asker, std::int64_t now_ms);

  // False: there is no room for another partition; the session is as before.
  [[nodiscard]] bool list(Entry& entry, const FetchPartition& at);
  void forget(Entry& entry, const LogId& log);
  void drop(std::uint64_t id);

  // Drops what has been idle since before `since_ms`.
  void expire(std::int64_t since_ms);

  // Session ids.
  [[nodiscard]] std::vector<std::uint64_t> listeners(const LogId& log) const;

  [[nodiscard]] const std::unordered_map<std::uint64_t, Entry>& all() const { return sessions_; }

  [[nodiscard]] std::size_t partitions() const { return partitions_; }

 private:
  [[nodiscard]] bool evict_oldest(const Entry* keep);
  void stop_listening(std::uint64_t id, const LogId& log);

  Limits limits_;
  Random& random_;
  std::unordered_map<std::uint64_t, Entry> sessions_;
  std::unordered_map<LogId, std::vector<std::uint64_t>> listeners_;
  std::size_t partitions_ = 0;
};

}  // namespace xylem::pipe
