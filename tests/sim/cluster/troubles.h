// What goes wrong in a cluster world: every kind of fault in every history, each as often as its
// seed says.
//
// Bad networks, cut links, pauses, crashes, power cuts of one and of all, full, slow, failing, lost
// and rotten disks, clocks that jump; and people who move replicas, take brokers for dead, and
// change parents. Of disks that were lost or rotten one is rebuilt at a time, and not the last one
// of its partitions' in-sync sets: more than min_insync - 1 may lose what was acknowledged.
// Threads: one.
#pragma once

#include "tests/sim/cluster/edge.h"
#include "tests/sim/cluster/root_broker.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace xylem::sim {

class Troubles {
 public:
  Troubles(Setting& setting,
           const std::vector<RootBroker*>& roots,
           const std::vector<Edge*>& edges);

  // From now on, until end().
  void begin();

  // All is well from now on: links and disks are, and whoever is down is started.
  void end();

  [[nodiscard]] int count() const { return count_; }

  [[nodiscard]] int disks_lost() const { return disks_lost_; }

 private:
  static constexpr std::size_t kKinds = 15;
  using Trouble = void (Troubles::*)();
  static const std::array<Trouble, kKinds> kTroubles;

  void turn();
  void repair();
  void restore();
  [[nodiscard]] bool by_chance(std::uint64_t one_in);
  [[nodiscard]] std::int64_t up_to_us(std::int64_t us);
  [[nodiscard]] std::size_t any_node();
  RootBroker& any_root();
  Edge& any_edge();
  [[nodiscard]] bool may_lose(std::size_t root) const;
  [[nodiscard]] bool is_in_sync(std::size_t root) const;

  void change_weather();
  void cut_link();
  void cut_off();
  void pause();
  void crash();
  void cut_power();
  void cut_power_of_all();
  void fill_disk();
  void slow_disk();
  void fail_disk();
  void lose_disk();
  void jump_clock();
  void move_replicas();
  void take_for_dead();
  void change_parents();

  Setting& setting_;
  const std::vector<RootBroker*>& roots_;
  const std::vector<Edge*>& edges_;
  std::array<std::uint64_t, kKinds> one_in_{};  // turns
  bool is_over_ = false;
  int count_ = 0;
  int disks_lost_ = 0;
};

}  // namespace xylem::sim
