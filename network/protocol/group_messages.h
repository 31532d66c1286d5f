// The payloads of ASSIGNMENT as plain structs; their codec is that of messages.h.
#pragma once

#include "common/ids.h"

#include <cstdint>
#include <string>
#include <vector>

namespace xylem::network {

struct TopicPartitions {
  std::string topic;
  std::vector<PartitionId> partitions;

  bool operator==(const TopicPartitions&) const = default;
};

// ASSIGNMENT, member -> coordinator: joins, says what it has, stays alive, leaves. The answer is
// GroupAssignment in an ASSIGNMENT frame of the same id. NOT_LEADER: another broker coordinates the
// group, and the hint is its address; UNKNOWN_MEMBER: another one has the instance now.
struct GroupBeat {
  std::string group;
  std::string member;    // made by the client, unlike all others
  std::string instance;  // who keeps its place over restarts; empty: nobody
  std::vector<std::string> topics;
  std::string assignor;                // range, round-robin, sticky
  std::vector<TopicPartitions> owned;  // what it consumes; before it commits the last of what it
                                       // lets go of it still does
  std::uint32_t generation = 0;        // of the last assignment that it has acted upon; 0: none
  bool leaves = false;
};

// ASSIGNMENT, coordinator -> member: what it shall consume, all of it. Also unasked, with id 0,
// when that changes. Beat every `beat_ms`, and at once when what it has changes; after `session_ms`
// without a beat others get it.
struct GroupAssignment {
  std::string group;
  std::uint32_t generation = 0;
  std::vector<TopicPartitions> assigned;
  std::uint32_t beat_ms = 0;
  std::uint32_t session_ms = 0;
  std::vector<std::string> broadcast;  // of its topics: each member has all of them
};

}  // namespace xylem::network
