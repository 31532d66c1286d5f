// Which nodes a refresh is for, and which of them come first.
//
// A node carries a topic when it reports a partition of it; one that has not been heard of since
// the registry started is taken to, since every node is assigned every topic. Root brokers are left
// out, unless one is named by itself. A subtree is a node and all that hang below it now: by the
// parent they follow, else by the one they should ask first.
//
// Pure. Threads: the loop's.
#pragma once

#include "registry/refresh/refresh_record.h"
#include "registry/registry_service.h"

#include <string_view>
#include <vector>

namespace xylem::registry {

// With id, level and when it was heard of. kNotFound: no such node, or none that carries the topic.
Result<std::vector<JobNode>> nodes_in(const RefreshScope& scope,
                                      std::string_view topic,
                                      const RegistryService& service,
                                      std::int64_t now_ms);

// Parents have smaller ones than their children: two a tier, the second for those that follow a
// sibling at their site.
[[nodiscard]] std::int32_t level_of(const NodeEntry& node, const RegistryService& service);
[[nodiscard]] Role tier_of_level(std::int32_t level) noexcept;

}  // namespace xylem::registry
