// What all actors of a cluster world share: hosts, network, chance, and who watches.
//
// Hosts by number: the root brokers, the brokers of the tree and the consumers below them, the
// producers.
#pragma once

#include "broker/cluster/partition_record.h"
#include "broker/topics/topic_definition.h"
#include "pipe/handshake.h"
#include "tests/sim/cluster/committer.h"
#include "tests/sim/cluster/decisions.h"
#include "tests/sim/cluster/history.h"
#include "tests/sim/cluster/hosts.h"
#include "tests/sim/cluster/model_log.h"
#include "tests/sim/cluster/network.h"
#include "tests/sim/cluster/trace.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace xylem::sim {

inline constexpr std::size_t kRoots = 5;
inline constexpr std::size_t kTiers = 3;  // below the root: L2, L3, consumers
inline constexpr std::size_t kPerTier = 2;
inline constexpr std::size_t kProducers = 2;
inline constexpr std::size_t kPartitions = 3;
inline constexpr std::size_t kReplicas = 3;
inline constexpr std::size_t kMinInsync = 2;

inline constexpr std::size_t kFirstEdge = kRoots;
inline constexpr std::size_t kFirstProducer = kFirstEdge + kTiers * kPerTier;
inline constexpr std::size_t kHosts = kFirstProducer + kProducers;

[[nodiscard]] constexpr broker::ReplicaId replica_of(std::size_t root) {
  return broker::ReplicaId(static_cast<std::int32_t>(root));
}

[[nodiscard]] constexpr std::size_t host_of(broker::ReplicaId replica) {
  return static_cast<std::size_t>(replica.value());
}

// One partition's part of a fetch.
struct Question {
  std::size_t from = 0;
  std::size_t partition = 0;
  pipe::Asker asker = pipe::Asker::kChild;
  pipe::FetchPartition at;
};

struct Answer {
  Question question;
  std::size_t from = 0;
  pipe::FetchedPartition said;
  std::vector<StoredBatch*> batches;
};

// A broker that others pull from and that pulls itself; a consumer.
class Node {
 public:
  enum class End : std::uint8_t { kProcess, kPower };

  virtual ~Node() = default;

  virtual void start() = 0;
  virtual void stop(End how) = 0;
  virtual std::optional<Answer> answer(const Question& question) = 0;
  virtual void hear(const Answer& answer) = 0;
  [[nodiscard]] virtual DiskState& disk() = 0;
};

// Of this seed.
struct Pace {
  std::int64_t tick_us = 100'000;
  std::int64_t fetch_us = 100'000;
  std::int64_t produce_us = 200'000;
};

struct Setting {
  explicit Setting(std::uint64_t seed);

  // Sends it, and the answer back.
  void ask(std::size_t to, const Question& question);

  [[nodiscard]] LogId log(std::size_t partition) const {
    return topic.log(static_cast<std::int32_t>(partition));
  }

  // What is newest of all that was decided; null: nothing yet.
  [[nodiscard]] const broker::PartitionRecord* record(std::size_t partition) const {
    return decisions.state().find(log(partition));
  }

  Random random;
  Hosts hosts;
  Network network;
  BatchPool pool;
  History history;
  Decisions decisions;
  Trace trace;
  Pace pace;
  broker::TopicDefinition topic;
  std::vector<Node*> nodes;  // by host; without producers
};

// The batches that may follow a verdict.
std::vector<StoredBatch*> batches_for(const pipe::Verdict& verdict, const ModelLog& log);

}  // namespace xylem::sim
