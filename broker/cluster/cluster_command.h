// What the brokers of the root tier decide together: the entries of the metadata log.
//
// A command is checked again where it is applied, by everyone alike: between its proposal and its
// turn others were decided. As JSON, one object with "do" and the fields of the struct:
//
//   {"do":"fenceBroker","broker":3}
//
// Errors: kInvalidRequest names the field; unknown commands and fields are refused.
#pragma once

#include "broker/cluster/partition_record.h"
#include "broker/cluster/placement.h"
#include "broker/topics/topic_definition.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace xylem::broker {

inline constexpr std::int32_t kRootBrokersMax = 64;         // ids are below it
inline constexpr std::size_t kCommandBytesMax = 8'000'000;  // of JSON
inline constexpr std::size_t kChangesMax = 10'000;          // partitions in one command
inline constexpr std::size_t kWhoBytesMax = 256;
inline constexpr std::int64_t kMoveBytesPerSMax = 1'000'000'000'000;

// A broker started: it is alive, and none of its earlier leaderships goes on.
struct RegisterBroker {
  ReplicaId broker;
  NodeId node;
  Uuid instance;          // of the process: one that comes again has lost nothing
  Uuid disk;              // made with the data directory
  std::string clients;    // "host:port" of the native protocol
  std::string pipe;       // and of the pipe
  bool is_clean = false;  // all that was written before the start was synced
  // Logs that its start did not prove up to their synced bound.
  std::vector<LogId> unproven;

  bool operator==(const RegisterBroker&) const = default;
};

// The controller has not heard it for too long: others lead in its place.
struct FenceBroker {
  ReplicaId broker;
  bool operator==(const FenceBroker&) const = default;
};

struct CreateTopic {
  TopicDefinition topic;
  std::vector<std::vector<ReplicaId>> replicas;  // by partition; the preferred leader first
  bool operator==(const CreateTopic&) const = default;
};

// New policies, and partitions behind those there are.
struct AlterTopic {
  TopicDefinition topic;
  std::vector<std::vector<ReplicaId>> added;
  bool operator==(const AlterTopic&) const = default;
};

struct DeleteTopic {
  Incarnation topic;
  bool operator==(const DeleteTopic&) const = default;
};

// A leader's proposals; each stands or falls by itself.
struct ChangeInSync {
  struct Change {
    LogId log;
    ReplicaId leader;
    std::uint64_t version = 0;  // of the record that it saw
    ReplicaSet in_sync;
    bool operator==(const Change&) const = default;
  };

  std::vector<Change> changes;
  bool operator==(const ChangeInSync&) const = default;
};

// On whose word something was decided that brokers do not decide by themselves.
struct Order {
  std::string who;
  std::int64_t at_ms = 0;  // of the wall clock
  bool operator==(const Order&) const = default;
};

struct MoveReplicas {
  std::vector<Placed> moves;
  // Of what each broker copies for moves, from now on; 0: each one's own setting.
  std::int64_t bytes_per_s = 0;
  Order order;
  bool operator==(const MoveReplicas&) const = default;
};

// Nobody in sync is alive: `broker` leads with what it has, and what only others had is given up.
// The topic begins a new generation.
struct ForceElection {
  LogId log;
  ReplicaId broker;
  Order order;
  bool operator==(const ForceElection&) const = default;
};

// Each to its preferred leader, where that one is alive and in sync.
struct ReturnLeaders {
  std::vector<LogId> logs;
  bool operator==(const ReturnLeaders&) const = default;
};

using ClusterCommand = std::variant<RegisterBroker,
                                    FenceBroker,
                                    CreateTopic,
                                    AlterTopic,
                                    DeleteTopic,
                                    ChangeInSync,
                                    MoveReplicas,
                                    ReturnLeaders,
                                    ForceElection>;

std::string to_json(const ClusterCommand& command);
Result<ClusterCommand> command_from_json(std::string_view json);

}  // namespace xylem::broker
