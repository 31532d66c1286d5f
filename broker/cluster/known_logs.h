// Which logs of this broker's replicas have held something, in state.db: one of them that is not
// there any more was lost, and is not a new one.
//
// Threads: the loop's.
#pragma once

#include "common/ids.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/loop/turn_end.h"
#include "common/result.h"
#include "storage/state_store.h"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace xylem::broker {

class KnownLogs {
 public:
  KnownLogs(Loop& loop, storage::StateStore& store, Logger& logger);
  ~KnownLogs() = default;
  KnownLogs(const KnownLogs&) = delete;
  KnownLogs& operator=(const KnownLogs&) = delete;

  // Before all else. kCorrupt: a row that is none of ours.
  void load(std::function<void(Status)> done);

  [[nodiscard]] const std::set<LogId>& all() const { return all_; }

  // Those of one turn of the loop are written together.
  void add(const LogId& log);
  void remove(const LogId& log);

 private:
  void write();

  storage::StateStore& store_;
  Logger& logger_;
  std::set<LogId> all_;
  std::set<LogId> unwritten_;
  TurnEnd turn_end_;
  std::shared_ptr<const bool> alive_;
};

// "<topic id> <generation> <partition>"
[[nodiscard]] std::string known_log_key(const LogId& log);
[[nodiscard]] std::optional<LogId> known_log_of(std::string_view key);

}  // namespace xylem::broker
