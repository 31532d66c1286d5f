// READY with id 0: a subscriber is told once, when all that there was when it subscribed is
// acknowledged; again until it answers. A state machine without I/O.
//
// Threads: one.
#pragma once

#include "common/ids.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace xylem::broker {

class FirstReady {
 public:
  static constexpr std::int64_t kAgainMs = 10'000;

  // Where it began, and what there was, per partition.
  FirstReady(std::vector<Offset> cursors, std::vector<Offset> goal);

  void acknowledged(PartitionId partition, Offset next);

  // True: send READY now.
  bool is_due(std::int64_t now_ms);

  void answered() { is_over_ = true; }

  [[nodiscard]] bool is_over() const { return is_over_; }

  [[nodiscard]] const std::vector<Offset>& goal() const { return goal_; }

 private:
  std::vector<Offset> acknowledged_;
  std::vector<Offset> goal_;
  std::optional<std::int64_t> told_at_ms_;
  bool is_over_ = false;
};

}  // namespace xylem::broker
