// The payloads of the native protocol as plain structs, and their codec.
//
// Control payloads are FlatBuffers (xylem.fbs), verified (depth 16, 10,000 tables) before a field
// is read. DATA and the answer to FETCH are a size-prefixed FlatBuffers header followed by raw
// batches. Those of ASSIGNMENT and METADATA have headers of their own. encode() never fails;
// decode<T>() answers kInvalidRequest for anything that is not a T.
#pragma once

#include "common/bytes.h"
#include "common/error.h"
#include "common/ids.h"
#include "common/result.h"
#include "network/protocol/group_messages.h"
#include "network/protocol/metadata_messages.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::network {

inline constexpr std::uint16_t kProtocolVersion = 1;

// HELLO, client -> server, opens every connection.
struct Hello {
  std::uint16_t version = kProtocolVersion;
  std::string client_id;
  std::string token;  // empty: anonymous
};

// HELLO, the answer.
struct HelloAnswer {
  std::uint16_t version = kProtocolVersion;
  NodeId node;
  std::string role;
  ClusterId cluster;
  std::uint32_t payload_bytes_max = 0;
  std::uint32_t heartbeat_ms = 0;
  // A group's offsets are kept by one of several brokers, which METADATA names.
  bool has_coordinators = false;
};

// The header of DATA. Producer -> broker: topic, partition, acks (0, 1, -1). Broker -> consumer:
// all but acks; `refresh_id` is not 0 in a refresh's replay. Raw batches follow it.
struct DataHeader {
  std::string topic;
  PartitionId partition;
  Incarnation incarnation;
  Offset first_offset;
  Epoch epoch;
  std::uint32_t batch_count = 0;
  std::int8_t acks = -1;
  std::uint64_t refresh_id = 0;
  Offset high_watermark;
  // Producer -> broker: when the earliest of the batch's records is due, each of which says so
  // itself [common/batch/due_time.h]; 0: none is delayed. NOT_LEADER: they wait elsewhere.
  std::int64_t due_at_ms = 0;
  // Producer -> broker: where this batch can be if it was sent before, in `incarnation`. A leader
  // that knows nothing of the producer looks there, and then takes any sequence. STALE_GENERATION:
  // the topic is of another incarnation.
  std::optional<Offset> numbered_since;
};

// ACK, broker -> producer. Delayed records have no offsets (-1) yet.
struct ProduceAck {
  Incarnation incarnation;
  Offset base_offset;
  Offset next_offset;
  std::uint16_t replicas_synced = 0;
};

// ACK, consumer -> broker: gives `credit_bytes` back and, in automatic mode, commits `next_offset`.
// With the `refresh_id` of a replay's DATA it commits nothing, and says how far that copy is.
struct DeliveryAck {
  std::string topic;
  PartitionId partition;
  Incarnation incarnation;
  Offset next_offset;
  std::uint32_t credit_bytes = 0;  // 0, where deliveries are counted: commits nothing
  std::uint64_t refresh_id = 0;
};

enum class StartAt : std::uint8_t { kCommitted, kEarliest, kLatest, kOffset };

// What becomes of a cursor below the log's start: GAP, which moves it on; or else
// OFFSET_OUT_OF_RANGE for kOffset and for one that retention has outrun, and the reset position for
// what was committed.
enum class TakesGaps : std::uint8_t {
  kNo,
  kYes,
  kUnlessCompacted,  // who has all of a compacted topic begins anew instead
};

struct SubscribePartition {
  PartitionId partition;
  StartAt start = StartAt::kCommitted;
  StartAt reset = StartAt::kEarliest;  // when nothing is committed or it is out of range
  Offset offset;                       // with kOffset
  Incarnation incarnation;             // of `offset`; nil topic: not known
  TakesGaps takes_gaps = TakesGaps::kNo;
};

// SUBSCRIBE. The answer is SubscribeAnswer in a SUBSCRIBE frame of the same id; pushed DATA frames
// carry that id too. It takes the place of what the same member of the same connection had
// subscribed to of the topic: frames of the older id mean nothing any more. What the same member,
// or instance, of the group has on another connection, and shares a partition with it, it ends as
// well: that one is told ERROR. CANCELLED: by the same member; UNKNOWN_MEMBER: another one has its
// instance now: it must not subscribe again unless its group says so.
struct Subscribe {
  std::string topic;
  std::string group;
  std::string member;
  std::vector<SubscribePartition> partitions;
  std::optional<SubscribePartition> every;  // the partitions not listed, also later ones; else none
  std::uint32_t credit_bytes = 0;
  bool auto_commit = true;
  // Which records (broker/delivery/record_filter.h); empty: all. Where none matches, a batch
  // without records moves the cursor on.
  std::string filter;
  std::string instance;  // of the member; of broadcast topics it has its own committed offsets
  // It acknowledges record by record, before the next one is handled, and tells failures: so the
  // broker knows what was handled last.
  bool counts_deliveries = false;
};

struct SubscribedPartition {
  PartitionId partition;
  Offset cursor;
  Offset log_start;
  Offset high_watermark;
};

struct PartitionElsewhere {
  PartitionId partition;
  std::string leader_address;  // host:port of its client listener; empty: not known now, ask again
};

// What is pushed from here, and what was asked for but is not here. A partition that goes away
// later ends the subscription with NOT_LEADER: subscribe again.
struct SubscribeAnswer {
  std::string topic;
  Incarnation incarnation;
  std::vector<SubscribedPartition> partitions;
  std::vector<PartitionElsewhere> elsewhere;
  std::uint32_t dead_letter_after = 0;  // 0: nothing is counted, whole batches are acknowledged
};

// GAP, broker -> consumer, with the subscription's id, between two DATA of the partition: records
// from `from` up to but not with `to` are gone, and what comes next begins at `to`.
enum class GapReason : std::uint8_t {
  kRetention,
  kUpstream,  // the broker's own copy was begun anew there: its parent had nothing older
};

std::string_view to_string(GapReason reason);  // "retention", "upstream"

struct Gap {
  std::string topic;
  PartitionId partition;
  Incarnation incarnation;
  Offset from;  // where the subscription was
  Offset to;    // above `from`
  GapReason reason = GapReason::kRetention;

  bool operator==(const Gap&) const = default;
};

// COMMIT_OFFSET; answered by an empty COMMIT_OFFSET of the same id, or ERROR. NOT_LEADER: another
// broker keeps the group's offsets, and the hint is its address.
struct CommitOffset {
  std::string group;
  std::string member;
  std::uint32_t group_generation = 0;
  std::string topic;
  PartitionId partition;
  Incarnation incarnation;
  Offset next_offset;
  std::string instance;  // as SUBSCRIBE says
};

// RESET, READY, RESET_ACK, READY_ACK. A consumer that has finished a refresh already answers its
// RESET by READY_ACK. READY with id 0: a fresh subscriber has caught up.
struct Refresh {
  std::string topic;
  std::uint64_t refresh_id = 0;
  Incarnation incarnation;
  std::string reason;           // RESET
  std::vector<Offset> barrier;  // READY: per partition, the offset the copy has reached
};

// FETCH: the pull form. The answer is a FETCH frame: DataHeader and batches.
struct Fetch {
  std::string topic;
  PartitionId partition;
  Incarnation incarnation;  // nil topic: whatever is there
  Offset cursor;
  std::uint32_t bytes_max = 1024 * 1024;
  std::uint32_t wait_ms = 0;
};

// ERROR and DISCONNECT.
struct ErrorMessage {
  std::uint16_t code = 0;  // Errc's number
  std::string text;
  std::string hint;
};

ErrorMessage to_message(const Error& error);
Error to_error(const ErrorMessage& message);

// ADMIN: `command` with JSON in and out (topic.create, topic.alter, topic.delete).
struct Admin {
  std::string command;
  std::string json;
};

inline constexpr std::size_t kFailureReasonBytesMax = 1'000;

// DELIVERY_FAILURE, consumer -> broker: a handler has failed for this record. The answer is
// DeliveryFailureAnswer in a frame of the same type and id, once the failure is on disk. Only in a
// subscription whose answer has named a `dead_letter_after`.
struct DeliveryFailure {
  std::string group;
  std::string member;
  std::string topic;
  PartitionId partition;
  Incarnation incarnation;
  Offset offset;
  std::string reason;  // for people; of more bytes than kFailureReasonBytesMax the first ones count
};

struct DeliveryFailureAnswer {
  std::uint32_t deliveries = 0;   // of this record to this group that have failed
  bool is_dead_lettered = false;  // go on behind it; else it is for the consumer to try again
};

template <class Message>
Buffer encode(const Message& message);

template <class Message>
Result<Message> decode(Bytes payload);

// DATA and FETCH answers: header and body in one payload.
Buffer encode_data_header(const DataHeader& header);

struct Data {
  DataHeader header;
  Slice batches;
};

Result<Data> decode_data(const Slice& payload);

}  // namespace xylem::network
