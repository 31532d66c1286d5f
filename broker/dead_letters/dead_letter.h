// A record that could not be delivered, as it is stored in `<topic>.dlq`: its key, value, timestamp
// and headers, and behind them
//
//   xylem-dlq-topic, -partition, -offset, -epoch   where it was
//   xylem-dlq-group                                to whom it could not be delivered
//   xylem-dlq-reason                               of the last failure, for people
//   xylem-dlq-deliveries                           how many have failed
//   xylem-dlq-time                                 when it was stored here, ms since 1970
//
// all as text, numbers in decimal digits. Headers of these names that it had already (it was one
// before, and was produced again) give way; of more headers than a record may have the last do.
//
// Threads: any.
#pragma once

#include "broker/groups/delivery_counts.h"
#include "broker/groups/offset_record.h"
#include "common/batch/record.h"
#include "common/ids.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace xylem::broker {

inline constexpr std::string_view kDeadLetterSuffix = ".dlq";

inline std::string dead_letter_topic(const std::string& topic) {
  return topic + std::string(kDeadLetterSuffix);
}

[[nodiscard]] Record dead_letter(Record record,
                                 Epoch epoch,
                                 const GroupPartition& where,
                                 const DeliveryCount& count,
                                 std::int64_t now_ms);

// That `letter` is what dead_letter() made of that record for that group.
[[nodiscard]] bool is_dead_letter_of(const RecordView& letter,
                                     const GroupPartition& where,
                                     const DeliveryCount& count,
                                     Epoch epoch);

}  // namespace xylem::broker
