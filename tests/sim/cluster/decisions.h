// The metadata log as the quorum decided it: every member must apply the same commands in the same
// order.
//
// Threads: one.
#pragma once

#include "broker/cluster/cluster_state.h"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace xylem::sim {

class Decisions {
 public:
  // Somebody applies the command number `index`, counted from 0. Null: it is not the one that was
  // decided there, or none at all.
  const broker::ClusterCommand* applied(std::size_t index, Bytes command);

  // All that anybody has applied.
  [[nodiscard]] const broker::ClusterState& state() const { return state_; }

  [[nodiscard]] std::size_t size() const { return decided_.size(); }

 private:
  struct Decided {
    std::string text;
    broker::ClusterCommand command;
  };

  std::vector<Decided> decided_;
  broker::ClusterState state_;
};

}  // namespace xylem::sim
