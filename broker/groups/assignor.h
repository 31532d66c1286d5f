// Who of a group consumes what.
//
//   range        per topic, members in order get runs of neighbouring partitions
//   round-robin  all partitions in order are dealt to the members in turn
//   sticky       as even as can be, and of all such assignments one that moves the fewest
//                partitions [KIP-54]; where members want different topics, nearly the fewest
//
// Each partition goes to one member that wants its topic, or to nobody where none does. The same
// input gives the same result; members and partitions are taken in the order of their names.
// Threads: any; everything is pure.
#pragma once

#include "common/ids.h"

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace xylem::broker {

enum class Assignor : std::uint8_t { kRange, kRoundRobin, kSticky };

// "range", "round-robin", "sticky".
[[nodiscard]] std::string_view to_string(Assignor assignor);
[[nodiscard]] std::optional<Assignor> assignor_of(std::string_view name);

struct TopicPartition {
  std::string topic;
  PartitionId partition;

  auto operator<=>(const TopicPartition&) const = default;
};

using TopicPartitions = std::set<TopicPartition>;

// What a member wants.
struct Wish {
  std::set<std::string> topics;
  TopicPartitions owned;  // what it has already; of two that have one, the first keeps it
};

using Wishes = std::map<std::string, Wish>;                   // by member
using PartitionCounts = std::map<std::string, std::int32_t>;  // of topics; others are not there
using Assignment = std::map<std::string, TopicPartitions>;    // by member; all are in it

[[nodiscard]] Assignment assign(Assignor assignor,
                                const Wishes& wishes,
                                const PartitionCounts& counts);

// All partitions of broadcast topics, to each member that wants their topic.
void assign_all(const Wishes& wishes, const PartitionCounts& counts, Assignment& assignment);

}  // namespace xylem::broker
