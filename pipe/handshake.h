// The question that is on every fetch: does the child's log agree with this parent's, and what now?
//
// The child says (cursor, epoch and CRC of its last batch); the parent compares with its own log.
// Re-parenting, failover, restart, divergence and a recreated topic are all this one case. The
// rules, first match wins (`limit`: what the asker may read; a replica what is written, a child
// what is below the HW):
//
//   no such incarnation                                       kUnknownTopicId
//   log not here, or a replica asks who is not the leader     kNotHere
//   that it follows
//   child's epoch above every epoch known here                kBehind    we missed a leadership
//   cursor > limit, a replica asks, cursor > the log's end    kDiverged  to the end of its epoch
//   here
//   cursor > limit                                            kBehind
//   cursor < log start                                        kOutOfRange
//   cursor < tombstone horizon, unless the copy begins here   kOutOfRange  it may have missed
//   or began under this horizon                                            deletions
//   nothing below the cursor on the child's side              kOk
//   cursor within a batch of ours                             kDiverged
//   last batches comparable and equal                         kOk
//   last batches comparable, unequal, ours checked            kDiverged
//   below a compaction: epoch out of order                    kDiverged    otherwise kOk
//
// A copy that begins takes over the horizon it is told of (child_position.h) and says so in every
// question: else a log longer than one answer could never be read from its start.
//
// A range that this log lost ends the limit, unless it is the owner's; a cursor within it is
// kNotHere without a leader. A batch of ours that is unreadable or fails its CRC accuses nobody:
// kNotHere without a leader. Every kDiverged names an offset below the cursor, so each round makes
// progress. Source of the (epoch, end offset) rule: KIP-101, KIP-279.
#pragma once

#include "common/ids.h"
#include "pipe/messages.h"
#include "pipe/source.h"

#include <cstdint>
#include <optional>

namespace xylem::pipe {

enum class Asker : std::uint8_t { kChild, kReplica };

struct Verdict {
  FetchedPartition answer;  // without batches
  Offset limit;             // with kOk: batches below it may follow
};

// Threads: any that may read the log. Reads at most one batch.
Verdict judge(const FetchPartition& asked,
              const std::optional<SourcePartition>& source,
              Asker asker);

}  // namespace xylem::pipe
