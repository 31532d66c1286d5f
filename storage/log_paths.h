// The names of a log's directories and files (storage_engine.h draws them), and back.
#pragma once

#include "common/ids.h"
#include "storage/partition_log.h"

#include <optional>
#include <string>
#include <string_view>

namespace xylem::storage {

struct TopicDirectory {
  std::string topic;
  Incarnation incarnation;
};

// "<topic>-<topic id>", and ".<generation>" where that is not 0.
[[nodiscard]] std::string topic_directory(const LogName& name);
[[nodiscard]] std::optional<TopicDirectory> parse_topic_directory(std::string_view name);

// A canonical, non-negative decimal number.
[[nodiscard]] std::optional<std::int64_t> parse_number(std::string_view digits);

// The base offset in 20 digits, without an extension.
[[nodiscard]] std::string segment_stem(Offset base);

// "<20 digits>.log" and nothing else.
[[nodiscard]] std::optional<Offset> parse_segment_file(std::string_view name);

inline constexpr std::string_view kLogSuffix = ".log";
inline constexpr std::string_view kIndexSuffix = ".index";
inline constexpr std::string_view kTimeIndexSuffix = ".timeindex";
inline constexpr std::string_view kQuarantinedSuffix = ".quarantined";
inline constexpr std::string_view kReplacementSuffix = ".new";        // being made
inline constexpr std::string_view kSalvagedSuffix = ".salvaged.new";  // as above, beside others
inline constexpr std::string_view kWholeSuffix = ".whole";  // made, about to take the name
inline constexpr std::string_view kCompactingSuffix = ".compacting";  // behind ".log"

}  // namespace xylem::storage
