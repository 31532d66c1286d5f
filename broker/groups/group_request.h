// What the commands of group_admin.h ask for, out of their JSON.
//
// Threads: any; everything is pure. Errors: kInvalidRequest, with the field that is wrong.
#pragma once

#include "broker/groups/assignor.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem::broker {

inline constexpr std::size_t kResetOffsetsMax = 10'000;  // in one request

// All partitions of a topic, or one: by where they begin or end, or by time.
struct ResetTarget {
  std::string topic;
  std::optional<PartitionId> partition;
  std::string to;
};

struct ResetRequest {
  std::string group;
  std::vector<std::pair<TopicPartition, Offset>> offsets;
  std::optional<ResetTarget> target;  // in place of offsets
  bool is_dry = false;
  std::string instance;  // of broadcast topics only this one's; empty: all that have any
};

struct ForgetRequest {
  std::string group;
  std::string instance;
};

struct OffsetsRequest {
  std::string topic;
  std::optional<std::int64_t> timestamp_ms;
};

Result<std::string> group_in(std::string_view json);
Result<ResetRequest> reset_request_in(std::string_view json);
Result<ForgetRequest> forget_request_in(std::string_view json);
Result<OffsetsRequest> offsets_request_in(std::string_view json);

}  // namespace xylem::broker
