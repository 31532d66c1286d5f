// Where a reader over HTTP begins: the query arguments `from` and `reset`.
//
//   from=17|earliest|latest   a number is the next offset to read; absent: earliest
//   reset=earliest|latest     in place of an offset that retention has removed
//
// An offset above the high watermark is none of the errors: another broker of the tree may have
// been further, so the reader waits for it.
//
// Threads: the loop's.
#pragma once

#include "broker/partitions/partition.h"
#include "common/ids.h"
#include "common/result.h"
#include "network/http/http_server.h"

#include <cstdint>
#include <optional>

namespace xylem::broker {

struct RecordStart {
  enum class At : std::uint8_t { kEarliest, kLatest, kOffset };

  At at = At::kEarliest;
  Offset offset;            // with kOffset
  std::optional<At> reset;  // not kOffset
};

// kInvalidRequest names the argument.
Result<RecordStart> record_start(const network::HttpRequest& request);

// The next offset to read in `partition`. kOffsetOutOfRange: it is below the log's start, and there
// is no reset. kUnavailable: where the latest is, is not known yet.
Result<Offset> first_offset(const RecordStart& start, const Partition& partition);

// Answers with `error`; kOffsetOutOfRange with the members "partition", "start" and
// "highWatermark".
void send_start_error(const Error& error, const Partition& partition, network::HttpReply& reply);

}  // namespace xylem::broker
