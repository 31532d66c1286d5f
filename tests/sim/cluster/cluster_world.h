// The whole of a Xylem cluster in one thread: five root brokers with their metadata quorum and
// their controller, three tiers of the tree below them, producers; everything that can go wrong,
// from one seed; and the history checker over it.
//
// The rules are the real code: Quorum (with libraft), ClusterState, Controller, Replica, the
// handshake, the parent walk, ProducerStates. Modelled are what they stand on: time, network, disks
// (SimDisk under the quorum, ModelLog for partitions), and the shells between them.
// Threads: one. The same seed gives the same history.
#pragma once

#include "tests/sim/cluster/edge.h"
#include "tests/sim/cluster/producer.h"
#include "tests/sim/cluster/root_broker.h"
#include "tests/sim/cluster/setting.h"
#include "tests/sim/cluster/troubles.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace xylem::sim {

class ClusterWorld {
 public:
  ClusterWorld(std::uint64_t seed, bool is_traced);

  // A calm start, `seconds` of troubles, and healing. What went wrong; empty: nothing.
  std::string run(std::int64_t seconds);

  struct Covered {
    std::uint64_t acknowledged = 0;
    std::uint64_t decisions = 0;
    std::uint64_t epochs = 0;
    std::uint64_t troubles = 0;
    std::uint64_t disks_lost = 0;
    std::uint64_t stranded = 0;  // a partition whose in-sync set is empty: an operator's turn

    Covered& operator+=(const Covered& other);
  };

  [[nodiscard]] Covered covered() const;

  [[nodiscard]] const std::deque<std::string>& trace() const { return setting_.trace.lines(); }

 private:
  void begin();
  void heal();
  bool run_until(std::int64_t ms, const std::function<bool()>& is_so);
  void run_for(std::int64_t ms);
  [[nodiscard]] bool is_stranded() const;
  void check_stranded();
  [[nodiscard]] std::string unhealed() const;
  [[nodiscard]] std::string unhealed(std::size_t partition) const;

  Setting setting_;
  std::deque<RootBroker> root_brokers_;
  std::vector<RootBroker*> roots_;
  std::deque<Edge> edge_nodes_;
  std::vector<Edge*> edges_;
  std::deque<Producer> producers_;
  Troubles troubles_;
};

}  // namespace xylem::sim
