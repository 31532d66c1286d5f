// Where a topic's partitions begin and end, asked of whoever leads each.
#pragma once

#include "cli/client_runtime.h"
#include "common/ids.h"
#include "common/result.h"
#include "network/transport/transport.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xylem::cli {

struct PartitionOffsets {
  Offset start;
  Offset end;                     // the high watermark
  std::optional<Offset> at_time;  // the first at or after the moment that was asked for
};

using TopicOffsets = std::map<PartitionId, PartitionOffsets>;

// Those without a leader just now are not in it. Runs the loop. kUnknownTopicOrPartition, and as
// ask_broker().
Result<TopicOffsets> ask_offsets(ClientRuntime& runtime,
                                 const std::vector<network::Address>& brokers,
                                 const std::string& topic,
                                 std::optional<std::int64_t> timestamp_ms);

// From the answer to partition.offsets; kCorrupt: none of these.
Result<TopicOffsets> offsets_in(const std::string& answer);

}  // namespace xylem::cli
