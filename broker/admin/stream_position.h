// Where a stream of records stands: the `id:` of its events, which comes back as Last-Event-ID.
//
//   3f1c9a0b7e52d418.0@17,5,33     the next offsets of partitions 0, 1 and 2
//   3f1c9a0b7e52d418.0@3:17,5,8:2  of partitions 3, 4 and 8
//
// Before the dot the first 16 digits of the topic's id, then the generation: offsets mean nothing
// in another history. A partition's number is left out where it is the one after the last (the
// first: where it is 0); the numbers ascend.
#pragma once

#include "common/ids.h"
#include "common/result.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::broker {

inline constexpr std::size_t kStreamPartitionsMax = 256;  // so that a position fits into a head

struct StreamPlace {
  PartitionId partition;
  Offset next;

  bool operator==(const StreamPlace&) const = default;
};

// `places` ascend by partition.
std::string position_text(const Incarnation& history, std::span<const StreamPlace> places);

// kInvalidRequest: no such text. kStaleGeneration: it is of another history.
Result<std::vector<StreamPlace>> position_places(std::string_view text, const Incarnation& history);

}  // namespace xylem::broker
