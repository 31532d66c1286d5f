// Where a reset takes a group: from what the user wants and where the partitions begin and end; and
// what is told of a reset and of a deletion.
#pragma once

#include "cli/commands/groups.h"
#include "cli/partition_offsets.h"
#include "common/result.h"

#include <map>
#include <string>

namespace xylem::cli {

// The request of group.reset. kInvalidRequest: an offset that a partition does not have, or no
// partition is left; kUnavailable: one of them has no leader now. `partitions`: how many each topic
// has.
Result<std::string> reset_request(const GroupsOptions& options,
                                  const std::map<std::string, TopicOffsets>& topics);

// From the answer to group.reset. kCorrupt: none of these.
Result<std::string> reset_text(const std::string& answer);

// From the answer to group.delete. kCorrupt: none of these.
Result<std::string> deleted_text(const std::string& answer);

}  // namespace xylem::cli
