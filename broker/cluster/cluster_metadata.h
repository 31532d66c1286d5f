// What the root brokers have decided together, and the way to have something decided.
//
// One member of the quorum with its disk, and the state that its entries make. While this member
// leads the quorum it is the controller: it says which commands are due (Controller), and decides
// those that other brokers send it.
//
// Threads: the loop's; the quorum's disk has one of its own.
#pragma once

#include "broker/cluster/cluster_command.h"
#include "broker/cluster/cluster_state.h"
#include "broker/cluster/controller.h"
#include "broker/cluster/peer_network.h"
#include "broker/cluster/quorum/quorum.h"
#include "common/clock.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/loop/turn_end.h"
#include "common/random.h"
#include "common/result.h"
#include "common/timer.h"
#include "common/worker.h"
#include "storage/disk.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::broker {

class ClusterMetadata {
 public:
  static constexpr std::uint64_t kTickMs = 50;
  static constexpr std::uint64_t kQuorumLostMs = 1'500;  // longer than an election takes
  static constexpr std::int64_t kHeardMs = 5'000;
  static constexpr std::int64_t kStallMs = 300;  // between two ticks: nobody was heard meanwhile

  struct Context {
    Loop& loop;
    const Clock& clock;
    Random& random;
    Logger& logger;
    storage::Disk& disk;
  };

  struct Options {
    ReplicaId self;
    std::size_t members = 0;  // numbered from 0 on
    std::string directory;    // of the quorum's file
    bool founds = false;      // this disk may begin a quorum, where it has none
    Controller::Options controller;
  };

  // After changes were applied, together. All of them after a snapshot was taken over.
  using Observer = std::function<void(const ClusterState::Changes&)>;

  // kCorrupt, kIo: the quorum's file.
  static Result<std::unique_ptr<ClusterMetadata>> open(const Context& context,
                                                       const Options& options);

  // After close() only.
  ~ClusterMetadata();
  ClusterMetadata(const ClusterMetadata&) = delete;
  ClusterMetadata& operator=(const ClusterMetadata&) = delete;

  void observe(Observer observer) { observers_.push_back(std::move(observer)); }

  // From now on it takes part; `peers` outlives it.
  Status start(PeerNetwork& peers);

  // What PeerNetwork hears.
  void on_message(ReplicaId from, Bytes message);
  void on_reached(ReplicaId peer);
  void on_refused(ReplicaId peer);
  void on_command(const std::string& json, std::function<void(Status)> done);

  // Decides `command` here or at the controller. kUnavailable: nobody knows whether it was, or
  // there is no controller just now; else what ClusterState::apply says.
  void propose(const ClusterCommand& command, std::function<void(Status)> done);

  [[nodiscard]] const ClusterState& state() const { return state_; }

  [[nodiscard]] bool is_controller() const { return quorum_->is_leader(); }

  [[nodiscard]] std::optional<ReplicaId> controller() const { return quorum_->leader(); }

  // Since it was last known that a quorum goes on with this member.
  [[nodiscard]] std::uint64_t contact_age_ms() const;

  // A quorum goes on, as far as is known here; else nobody is elected any more.
  [[nodiscard]] bool has_quorum() const { return contact_age_ms() < kQuorumLostMs; }

  // `peer` said something lately. Who looks for a quorum says so to all.
  [[nodiscard]] bool hears(ReplicaId peer) const;

  [[nodiscard]] Status health() const { return quorum_->health(); }

  // This broker's registration, asked for in this life, has been applied here.
  void registered() { quorum_->joined(); }

  // Every tick, while this broker is the controller.
  void on_control(std::function<void()> hook) { control_ = std::move(hook); }

  void close(std::function<void()> done);

 private:
  ClusterMetadata(const Context& context, const Options& options);

  Status apply(Bytes command);
  Status restore(Bytes snapshot);
  void note(const ClusterState::Changes& changes);
  void tell();
  void tick();
  void control();

  Context context_;
  Options options_;
  Controller controller_;
  ClusterState state_;
  ClusterState::Changes untold_;
  bool is_telling_ = false;
  bool is_started_ = false;
  std::vector<Observer> observers_;
  std::function<void()> control_;
  PeerNetwork* peers_ = nullptr;
  bool was_controller_ = false;
  bool is_sick_ = false;
  std::int64_t contact_ms_;
  std::int64_t controlled_ms_ = 0;
  Timer ticker_;
  TurnEnd turn_end_;
  std::unique_ptr<Quorum> quorum_;
  Worker worker_;  // last: joined before what it uses goes
};

}  // namespace xylem::broker
