// A refresh of many nodes as JSON (docs: openapi.json).
#pragma once

#include "registry/refresh/refresh_jobs.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace xylem::registry {

// What it is and how far, without its nodes.
std::string refresh_document(const RefreshJob& job);

// Which of its nodes are to be shown, by level and id.
struct RefreshPage {
  std::int64_t from = 0;  // position among those of `state`
  std::int64_t limit = 0;
  std::optional<JobNodeState> state;
};

// The same, and in `page` some of its nodes and the waves that they are in.
std::string refresh_document(const RefreshJob& job, const RefreshPage& page);

// Those that run first. `after`: an id; empty: from the first. kNotFound: no such id.
Result<std::string> refresh_list_document(const RefreshJobs& jobs,
                                          std::optional<RefreshId> after,
                                          std::int64_t limit);

}  // namespace xylem::registry
