// The records of `__topics`: a topic's name as the key, its definition as the value.
//
// Threads: the loop's.
#pragma once

#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "storage/partition_log.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem::broker {

struct TopicChange {
  std::string name;
  std::optional<std::string> json;  // none: deleted
};

// Calls `each` for every change in [from, below), and answers the next offset. Records that cannot
// be read are left out. kCorrupt, kIo: the log cannot be read at that offset.
Result<Offset> read_topic_changes(const storage::PartitionLog& log,
                                  Offset from,
                                  Offset below,
                                  const std::function<void(const TopicChange&)>& each);

// One batch. kMessageTooLarge: too many at once.
Result<Buffer> batch_of_changes(const std::vector<TopicChange>& changes, std::int64_t now_ms);

}  // namespace xylem::broker
