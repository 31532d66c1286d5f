// `xylem consume TOPIC`: writes records to standard output as they come.
//
// Without `follow` and `count` it ends at the high watermarks it was told when it subscribed. With
// a group, what was written is committed, record by record, before the command ends.
#pragma once

#include "cli/exit_code.h"
#include "cli/format/output_format.h"
#include "common/ids.h"
#include "network/protocol/messages.h"
#include "network/transport/transport.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xylem::cli {

struct ConsumeOptions {
  std::vector<network::Address> brokers;
  std::string topic;
  std::string group;
  std::string instance;  // keeps its place in the group over restarts; empty: none
  network::StartAt start = network::StartAt::kEarliest;
  Offset start_offset;  // with kOffset
  std::optional<PartitionId> partition;
  std::string filter;      // empty: all records
  std::int64_t count = 0;  // stop after so many; 0: no such limit
  bool follow = false;
  OutputKind output = OutputKind::kNdjson;
};

ExitCode run_consume(const ConsumeOptions& options);

}  // namespace xylem::cli
