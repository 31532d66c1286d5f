// What `__delayed` holds, and its bytes. All integers big-endian.
//
//   parked record   key    u8 1 | its own offset i64
//                   value  u8 1 (version) | topic id u64 u64 | partition i32 | due at i64, ms |
//                          flags u8 (1: it has a key, 2: it has a value) | key length u32 | key |
//                          value
//                   Headers and timestamp are the record's own.
//   intent          key    u8 2 | topic id u64 u64 | partition i32
//                   value  u8 1 (version) | generation u32 | producer id i64 | life i32 |
//                          sequence i32 | since i64 | count u32 | parked offsets i64...
//
// A null value: the record was delivered, or dropped; the target is gone. The key of a parked
// record is known before it is stored, for one leader gives offsets out, in order.
//
// Errors: nullopt: not what a broker wrote. Limits: kPromotedMax offsets in an intent.
#pragma once

#include "common/batch/record.h"
#include "common/bytes.h"
#include "common/ids.h"

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace xylem::broker {

inline constexpr std::size_t kPromotedMax = 500;  // records in one batch

// Where a record shall go: the partition of a topic, in whatever generation that is then.
struct Target {
  TopicId topic;
  PartitionId partition;
  auto operator<=>(const Target&) const = default;
};

// One that waits, as far as it must be known to promote it in time.
struct Parked {
  Target target;
  std::int64_t due_ms = 0;
  Offset offset;            // in `__delayed`
  std::uint32_t bytes = 0;  // of key, value and headers
};

// What is about to be stored in a target's log as one batch, and whether it is there already:
// written before the first attempt.
struct Intent {
  Target target;
  std::uint32_t generation = 0;  // of the topic
  std::int64_t producer = 0;     // the batch's producer id
  std::int32_t life = 0;         // how often its numbers began anew
  std::int32_t sequence = 0;
  Offset since;                // the batch is not below it
  std::vector<Offset> parked;  // in the order of the batch

  bool operator==(const Intent&) const = default;

  [[nodiscard]] std::int16_t epoch() const { return static_cast<std::int16_t>(life & 0x7fff); }
};

// Unlike for any other partition of `__delayed` (in any generation of it), target, or 2^15 lives.
std::int64_t promoter_id(const LogId& home, const Target& target, std::int32_t life);

// A producer counts the records of each target by themselves; here they meet in one log.
std::int64_t parker_id(std::int64_t producer, const Target& target);

std::string parked_key(Offset offset);
std::string intent_key(const Target& target);
std::string intent_value(const Intent& intent);

// `record` as it is parked at `offset`.
Record parked_record(const RecordView& record,
                     const Target& target,
                     std::int64_t due_ms,
                     Offset offset);

// As it was produced. `parked` is what parked_record() made.
std::optional<Record> original_record(const RecordView& parked);

// Of key, value and headers.
[[nodiscard]] std::uint32_t record_bytes(const RecordView& record);
[[nodiscard]] std::uint32_t record_bytes(const Record& record);

struct Promoted {
  Offset parked;
};

struct Forgotten {
  Target target;
};

// What a record of `__delayed` says.
using DelayedEntry = std::variant<Parked, Intent, Promoted, Forgotten>;
std::optional<DelayedEntry> delayed_entry(const RecordView& record);

}  // namespace xylem::broker
