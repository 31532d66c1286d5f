// Writes and syncs one log in rounds, as slowly as its host's disk is.
//
// Threads: one.
#pragma once

#include "tests/sim/cluster/hosts.h"
#include "tests/sim/cluster/model_log.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace xylem::sim {

// What ails the disk of a host.
struct DiskState {
  std::int64_t sync_us = 5'000;  // up to
  bool is_full = false;          // of what takes room
  bool fails_sync = false;       // the next one, once
};

class Committer {
 public:
  // `moved` runs after each round, also after one that failed. Lives as long as the process.
  Committer(Hosts& hosts,
            std::size_t host,
            Random& random,
            DiskState& disk,
            std::shared_ptr<ModelLog> log,
            std::function<void()> moved);

  // There is something to write, perhaps.
  void wake();

 private:
  void end(std::size_t count);

  Hosts& hosts_;
  std::size_t host_;
  Random& random_;
  DiskState& disk_;
  std::shared_ptr<ModelLog> log_;
  std::function<void()> moved_;
  bool is_busy_ = false;
};

}  // namespace xylem::sim
