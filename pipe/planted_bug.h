// Bugs of replication that can be compiled in, to show that the simulator finds them:
// -DXYLEM_PLANTED_BUG=kName.
#pragma once

#include <cstdint>

namespace xylem {

enum class PlantedBug : std::uint8_t {
  kNone,
  kCutToHighWatermark,      // a follower cuts back to what it knows as committed
  kShrinkBeforeDecision,    // who was proposed out does not count any more
  kJoinerNotCounted,        // who was proposed into the set does not count yet
  kJoinBehindEpochStart,    // a replica joins at the high watermark, below the epoch's start
  kJoinByOldRecord,         // a replica joins by what it said before it lost its disk
  kStaleCutBack,            // an answer about a log as it was is followed all the same
  kCommitWithoutSync,       // what was written counts as safe
  kLeadAgain,               // a broker that starts anew leads on in its old epoch
  kEmptyDiskElected,        // a member that comes with another disk stays in the set
  kChildrenSeeUncommitted,  // a child is given what is above the high watermark
  kBehindTakenForDiverged,  // a child that is ahead of its parent is told to cut back
};

#ifndef XYLEM_PLANTED_BUG
#define XYLEM_PLANTED_BUG kNone
#endif

// Leaves no code behind, so that a program may link parts with a bug and parts without.
consteval bool is_planted(PlantedBug bug) { return PlantedBug::XYLEM_PLANTED_BUG == bug; }

}  // namespace xylem
