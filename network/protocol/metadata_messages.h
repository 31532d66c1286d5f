// The payloads of METADATA as plain structs; their codec is that of messages.h.
#pragma once

#include "common/ids.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xylem::network {

// METADATA: no topics: all that the client may see; none where a group is asked about.
struct MetadataRequest {
  std::vector<std::string> topics;
  std::string group;          // who coordinates it; empty: nobody wants to know
  bool with_offsets = false;  // what it has committed: asks the coordinator, others say NOT_LEADER
  std::string member;         // who asks for offsets: of broadcast topics each member has its own
  std::string instance;
};

struct PartitionMetadata {
  PartitionId partition;
  NodeId leader;               // empty: none now
  std::string leader_address;  // host:port of its client listener
  Epoch epoch = kNoEpoch;
  Offset log_start;
  Offset high_watermark;
  std::optional<Offset> committed;  // in this incarnation, where it was asked for
};

// How a group's members consume a topic.
enum class Delivery : std::uint8_t {
  kShared,     // each partition by one of them
  kBroadcast,  // all of it by each of them
};

struct TopicMetadata {
  std::string name;
  Incarnation incarnation;
  std::vector<PartitionMetadata> partitions;
  Delivery delivery = Delivery::kShared;
  bool is_local = false;  // of the broker that answers, and no other one
};

struct MetadataAnswer {
  std::vector<TopicMetadata> topics;
  std::vector<std::string> unknown;  // asked for, but not there
  std::string coordinator_address;   // host:port; empty: not known now, or there is none
};

}  // namespace xylem::network
