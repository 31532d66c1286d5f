// `xylem groups list|describe|reset|forget|delete` and `xylem lag`, over the native protocol.
//
// A group is asked at its coordinator, where partitions begin and end at their leaders. A reset is
// all or nothing; it and a deletion are refused while the group has members.
#pragma once

#include "cli/exit_code.h"
#include "network/transport/transport.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xylem::cli {

struct GroupsOptions {
  enum class Action : std::uint8_t { kList, kDescribe, kReset, kLag, kForget, kDelete };

  Action action = Action::kList;
  std::vector<network::Address> brokers;
  std::string group;                       // lag: empty: all
  std::vector<std::string> topics;         // reset: empty: all of the group's
  std::optional<std::int64_t> partition;   // reset: only this one
  std::string to;                          // reset: earliest, latest, an offset; or:
  std::optional<std::int64_t> to_time_ms;  // reset: the first record at or after this moment
  std::string instance;                    // reset: only its offsets, empty: all; forget: whose
  bool dry_run = false;
  bool json = false;
};

ExitCode run_groups(const GroupsOptions& options);

}  // namespace xylem::cli
