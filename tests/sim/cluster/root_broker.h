// A root broker through all its lives: its disk, and the process on it while one runs.
//
// What replicas it has is what the quorum's records say, as it applies them; a replica that it has
// no more is deleted by such a record alone.
// Threads: one.
#pragma once

#include "tests/sim/cluster/hosted_replica.h"
#include "tests/sim/cluster/member.h"

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace xylem::sim {

class RootBroker final : public Node {
 public:
  // `roots`: all of them, by host; it outlives this.
  RootBroker(Setting& setting, std::size_t host, const std::vector<RootBroker*>& roots);
  ~RootBroker() override;
  RootBroker(const RootBroker&) = delete;
  RootBroker& operator=(const RootBroker&) = delete;

  void start() override;
  void stop(End how) override;
  std::optional<Answer> answer(const Question& question) override;
  void hear(const Answer& answer) override;

  [[nodiscard]] DiskState& disk() override { return disk_; }

  // A client's batch arrives.
  void produce(std::size_t partition, Bytes batch, const Reply& reply);

  // Somebody asks whoever leads the quorum.
  void propose(const broker::ClusterCommand& command);

  // There is no room, for the quorum's store neither; there is again.
  void set_full(bool is_full);

  // One of its next calls fails: of the logs' disk a sync, of the quorum's store anything.
  void fail_soon();

  // The power goes within one of the store's next steps.
  void cut_power_soon();

  // Only while it is down. All logs are gone, with the disk that they were on; the quorum's store
  // is on another one.
  void lose_disk();

  // Only while it is down. What was synced cannot be read any more, from some place on; the start
  // says so.
  void rot(std::size_t partition);

  // It has not been in sync with all that it lost, since.
  [[nodiscard]] bool is_rebuilding() const { return is_rebuilding_; }

  void is_rebuilt() { is_rebuilding_ = false; }

  [[nodiscard]] std::size_t host() const { return host_; }

  [[nodiscard]] bool is_up() const { return life_ != nullptr; }

  [[nodiscard]] bool has_fenced_log() const;

  [[nodiscard]] bool is_registered() const { return life_ && life_->member.is_registered(); }

  [[nodiscard]] bool leads_quorum() const { return life_ && life_->member.leads(); }

  [[nodiscard]] std::size_t applied() const { return life_ ? life_->member.applied() : 0; }

  [[nodiscard]] const ModelLog& log(std::size_t partition) const { return *logs_[partition]; }

 private:
  struct Life {
    Life(Setting& setting, broker::RegisterBroker registration, SimDisk& disk, Member::Hooks hooks);

    Member member;
    std::array<std::unique_ptr<HostedReplica>, kPartitions> replicas;
    std::array<std::int64_t, kRoots> heard_ms{};  // as followers; 0: not yet
  };

  void begin_life();
  Member::Hooks hooks();
  void decided(const std::set<LogId>& logs);
  void decided(std::size_t partition, const broker::PartitionRecord& record);
  void tick();
  void tick_later();

  Setting& setting_;
  std::size_t host_;
  const std::vector<RootBroker*>& roots_;
  std::unique_ptr<SimDisk> store_ = std::make_unique<SimDisk>();
  DiskState disk_;
  Uuid disk_id_;
  std::array<std::shared_ptr<ModelLog>, kPartitions> logs_;
  std::vector<LogId> unproven_;
  bool was_ever_up_ = false;
  bool is_rebuilding_ = false;
  std::unique_ptr<Life> life_;
};

}  // namespace xylem::sim
