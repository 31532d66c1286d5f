// One life of a root broker in the metadata quorum: the real Quorum over virtual seams, what it has
// decided, the controller while this member leads, and the broker's registration.
//
// What is proposed goes to whoever is known to lead, and may be lost; so it is proposed again as
// long as it is wanted. A life acts on nothing before its own registration is decided: what was
// decided before is about an earlier one.
// Threads: one.
#pragma once

#include "broker/cluster/cluster_state.h"
#include "broker/cluster/controller.h"
#include "broker/cluster/quorum/quorum.h"
#include "tests/sim/cluster/setting.h"
#include "tests/sim/sim_disk.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>

namespace xylem::sim {

class Member {
 public:
  struct Hooks {
    std::function<void(std::size_t to, Buffer message)> send;
    std::function<void(std::size_t to, Buffer command)> forward;
    std::function<void(const std::set<LogId>& logs)> decided;
  };

  Member(Setting& setting, broker::RegisterBroker registration, SimDisk& disk, Hooks hooks);
  ~Member() = default;
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  // False: the store cannot be opened, the disk has no room.
  bool open(bool founds);

  // Ends all that is under way; before the end of this object.
  void close();

  void tick();
  void receive(std::size_t from, Bytes message);
  void receive_command(Bytes command);
  void propose(const broker::ClusterCommand& command);

  [[nodiscard]] bool is_well() const { return quorum_ && quorum_->health().has_value(); }

  [[nodiscard]] bool leads() const { return quorum_ && quorum_->is_leader(); }

  [[nodiscard]] bool is_registered() const { return is_registered_; }

  [[nodiscard]] std::size_t applied() const { return applied_; }

  [[nodiscard]] const broker::ClusterState& state() const { return state_; }

  // It does not want to be taken for alive: it asks for the opposite.
  void give_up() { has_given_up_ = true; }

 private:
  struct Work {
    std::function<void()> work;
    std::function<void()> done;
  };

  [[nodiscard]] std::size_t host() const { return host_of(registration_.broker); }

  broker::Quorum::Machine machine();
  broker::Quorum::Seams seams();
  Status apply(Bytes command);
  [[nodiscard]] Buffer snapshot() const;
  Status restore(Bytes snapshot);
  void decided(const std::set<LogId>& logs);
  [[nodiscard]] std::set<LogId> all_logs() const;
  void work(Work one);
  void run_work(std::size_t count);
  void control();
  void register_again();

  Setting& setting_;
  broker::RegisterBroker registration_;
  SimDisk& disk_;
  Hooks hooks_;
  std::deque<Work> work_;
  bool is_working_ = false;
  std::size_t applied_ = 0;
  broker::ClusterState state_;
  bool is_registered_ = false;
  bool has_given_up_ = false;
  std::int64_t asked_ms_ = 0;
  std::optional<broker::Controller> controller_;
  std::unique_ptr<broker::Quorum> quorum_;
};

}  // namespace xylem::sim
