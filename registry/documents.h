// The registry's JSON answers (docs: openapi.json).
#pragma once

#include "registry/refresh/refresh_progress.h"
#include "registry/registry_service.h"

#include <span>
#include <string>
#include <string_view>

namespace xylem::registry {

// An assignment as JSON. The etag is "<version>-<content>" in quotes; `content` is a hash of all
// but the version, so a waiting node is woken only by what concerns it.
struct TopologyDocument {
  std::string json;
  std::string content;
  std::string etag;
};

// `orders`: what the node is to do besides; no part of content and etag.
TopologyDocument topology_document(const RegistryService& service,
                                   const Assignment& assignment,
                                   std::span<const RefreshOrder> orders = {});

// The content part of such an etag; "" for anything else.
[[nodiscard]] std::string_view content_of_etag(std::string_view etag) noexcept;

std::string node_document(const RegistryService& service, const NodeEntry& node);
std::string tree_document(const RegistryService& service);

}  // namespace xylem::registry
