// The pipe's request and answer as plain structs, and their codec.
//
// On the wire each is a size-prefixed FlatBuffer (pipe.fbs); an answer's raw batches follow it,
// partition after partition. Content type: application/vnd.xylem.pipe.
// decode_*: kInvalidRequest for anything malformed; verified (depth 16, 10,000 tables) first;
// counts are checked against the bytes that are there.
#pragma once

#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::pipe {

// What a replica of the root tier says of itself besides.
struct Following {
  std::uint64_t version = 0;  // of the cluster's record that it goes by
  Offset synced;              // all below is safe here
  Epoch epoch;                // of the leadership that it follows

  bool operator==(const Following&) const = default;
};

// One partition of a request: the handshake that is on every fetch.
struct FetchPartition {
  LogId log;
  Offset cursor;
  Epoch last_epoch = kNoEpoch;  // of the child's last batch; kNoEpoch: it has none
  std::uint32_t last_crc = 0;
  Offset compacted_below;  // CRCs below it say nothing
  // Batches below it are enough: the child has what is above. Where there is none, the answer's
  // first batch lies above, which proves it. nullopt: everything.
  std::optional<Offset> below;
  // The copy was begun from a log whose tombstones below this were gone, with what they deleted.
  Offset tombstone_horizon;
  std::optional<Following> following;

  bool operator==(const FetchPartition&) const = default;

  // An answer to `asked` holds for this: log and leadership are still those.
  [[nodiscard]] bool still_asks(const FetchPartition& asked) const;
};

struct FetchRequest {
  NodeId child;
  ClusterId cluster;           // nil: not known yet
  std::int32_t replica = -1;   // >= 0: a follower in the root tier, if the source agrees
  std::uint64_t session = 0;   // 0: start one; then only changed partitions are listed
  std::uint32_t sequence = 0;  // of this request within its session, from 1
  std::uint32_t answered = 0;  // answers the child has had in this session
  std::vector<FetchPartition> partitions;
  std::vector<LogId> forgotten;  // no longer wanted in this session
  std::uint32_t bytes_max = 4 * 1024 * 1024;
  std::uint32_t bytes_min = 1;
  std::uint32_t wait_ms = 10'000;

  bool operator==(const FetchRequest&) const = default;
};

enum class FetchState : std::uint8_t {
  kOk,
  kDiverged,        // cut back to (epoch, offset)
  kOutOfRange,      // offset = log start
  kUnknownTopicId,  // deleted, recreated, or another incarnation
  kBehind,          // offset = the parent's end: the child is ahead of it
  kNotHere,         // leader, leader_address, epoch; no leader: not readable here just now
};

inline constexpr std::size_t kFetchStates = 6;

[[nodiscard]] std::string_view to_string(FetchState state) noexcept;  // "OUT_OF_RANGE"

struct FetchedPartition {
  LogId log;
  FetchState state = FetchState::kOk;
  Offset cursor;           // the question it answers
  Offset high_watermark;   // with kOk
  Offset log_start;        // with kOk and kOutOfRange
  Offset offset;           // as the state says
  Epoch epoch = kNoEpoch;  // with kOk, to a replica: of the leadership that answers
  NodeId leader;
  std::string leader_address;
  std::uint64_t age_ms = 0;  // how old a copy that has everything below the HW is
  // With kOk, of the parent's log when the batches were read: what the copy inherits.
  Offset compacted_below;
  Offset tombstone_horizon;
  // With kOk, one after the other; may be empty. Decoded, there is at most one slice.
  std::vector<Slice> batches;
};

struct FetchAnswer {
  NodeId parent;
  ClusterId cluster;
  std::uint64_t session = 0;  // 0: the parent knows no such session; start again
  std::uint32_t pace_ms = 0;  // do not ask again before: no parent paces yet, every child obeys
  std::uint64_t topology_version = 0;
  // When given: the HW of every partition not listed here is still what the child was told last;
  // a copy that has everything below it is this old.
  std::optional<std::uint64_t> age_ms;
  std::vector<FetchedPartition> partitions;  // with news; the others are unchanged
};

Buffer encode(const FetchRequest& request);
Result<FetchRequest> decode_request(Bytes bytes);

// The head and the batches, to be sent one after the other without copying.
std::vector<Slice> encode(const FetchAnswer& answer);
Result<FetchAnswer> decode_answer(const Slice& bytes);

}  // namespace xylem::pipe
