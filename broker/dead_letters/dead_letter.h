// A record that could not be delivered, as it is stored in `<topic>.dlq`: its key, value, timestamp
// and headers, and behind them
//
//   xylem-dlq-topic, -partition, -offset, -epoch   where it was
//   xylem-dlq-group                                to whom it could not be delivered
//   xylem-dlq-reason                               of the last failure, for people
//   xylem-dlq-deliveries                           how many have failed
//   xylem-dlq-time                                 when it was stored here, ms since 1970
//   xylem-dlq-left-out                             what did not fit; only where something did not
//
// all as text, numbers in decimal digits. Headers of these names that it had already (it was one
// before, and was produced again) give way; of more headers than a record may have the last do.
//
// A record that is too large for a batch with these headers is stored without its value, so that it
// looks like a tombstone ("value" is what was left out); if that is not enough, also without its
// own headers ("value,headers"), and at last without its key ("value,headers,key"): a batch that
// came packed may have held one larger than any that is stored. It can be read where it was.
//
// Threads: any.
#pragma once

#include "broker/groups/delivery_counts.h"
#include "broker/groups/offset_record.h"
#include "common/batch/record.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace xylem::broker {

[[nodiscard]] Record dead_letter(Record record,
                                 Epoch epoch,
                                 const GroupPartition& where,
                                 const DeliveryCount& count,
                                 std::int64_t now_ms,
                                 const std::string& left_out = {});

// A batch with dead_letter() of it, and of that as much as fits.
[[nodiscard]] Result<Buffer> dead_letter_batch(Record record,
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
