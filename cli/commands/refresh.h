// `xylem refresh start|list|status|stop`: copies of a topic built anew, at one node, a subtree or
// the fleet through the registry, or at one broker without it.
//
// Exit codes of `start --wait`: kOk when every copy is new, kFailed when it was stopped, failed, or
// left nodes out. Who is interrupted leaves the refresh running.
#pragma once

#include "cli/exit_code.h"
#include "common/result.h"

#include <cstdint>
#include <string>

namespace xylem::cli {

struct RefreshOptions {
  enum class Action : std::uint8_t { kStart, kList, kStatus, kStop };

  Action action = Action::kList;
  std::string registry_url;
  std::string broker_url;  // of one broker's administration; empty: by the registry
  std::string topic;
  std::string id;
  std::string node;  // one of these three, by the registry
  std::string subtree;
  bool fleet = false;
  std::int64_t wave_nodes = 50;
  std::int64_t failures_max = 0;
  std::string reason;
  std::string state;  // of the nodes to show; empty: all
  bool waits = false;
  bool json = false;
};

ExitCode run_refresh(const RefreshOptions& options);

// The body of the request that starts it.
std::string refresh_request(const RefreshOptions& options, const std::string& who);

}  // namespace xylem::cli
