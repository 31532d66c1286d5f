// One replica on a root broker: the real Replica machine over a model log, the real handshake, and
// clients whose batches wait to be committed.
//
// Lives as long as the process; the log outlives it. Threads: one.
#pragma once

#include "broker/cluster/replica.h"
#include "broker/partitions/producer_states.h"
#include "tests/sim/cluster/committer.h"
#include "tests/sim/cluster/setting.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace xylem::sim {

// What a producer hears of a batch.
struct Produced {
  enum class Outcome : std::uint8_t { kAcknowledged, kNotLeader, kRefused };

  Outcome outcome = Outcome::kRefused;
  std::int32_t sequence = 0;
  Offset base;
  std::uint16_t replicas_synced = 0;
  broker::ReplicaId leader = broker::kNoReplica;  // as far as is known
};

using Reply = std::function<void(const Produced&)>;

class HostedReplica {
 public:
  using Propose = std::function<void(const broker::ClusterCommand&)>;

  HostedReplica(Setting& setting,
                std::size_t host,
                std::size_t partition,
                std::shared_ptr<ModelLog> log,
                DiskState& disk,
                Propose propose);

  void decided(const broker::PartitionRecord& record);
  void tick();

  // A follower asked this broker for something, last at that time.
  void heard(broker::ReplicaId follower, std::int64_t at_ms);

  void produce(Bytes batch, const Reply& reply);
  std::optional<Answer> answer(const Question& question);
  void hear(const Answer& answer);

 private:
  struct Waiter {
    std::int32_t sequence = 0;
    Offset base;
    Offset next;
    Reply reply;
  };

  [[nodiscard]] broker::Replica::Log facts() const;
  [[nodiscard]] pipe::FetchPartition position() const;

  [[nodiscard]] bool leads() const { return machine_.role() == broker::Replica::Role::kLeader; }

  void act(const broker::Replica::Actions& actions);
  void lead(Epoch epoch);
  void committed(Offset high_watermark);
  void cut_back(Offset offset);
  void log_moved();
  void ask();
  void ask_later();
  void store(const Answer& answer);
  Result<broker::ProducerStates::Offsets> appended(Bytes batch);
  void refuse_waiters();

  Setting& setting_;
  std::size_t host_;
  std::size_t partition_;
  std::shared_ptr<ModelLog> log_;
  DiskState& disk_;
  Propose propose_;
  Committer committer_;
  broker::Replica machine_;
  broker::ProducerStates producers_;  // while it leads
  std::vector<Waiter> waiters_;
};

}  // namespace xylem::sim
