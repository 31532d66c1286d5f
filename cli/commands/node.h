// `xylem node [ID|URL]`: what a broker says about itself. An id is looked up at the registry.
#pragma once

#include "cli/exit_code.h"
#include "common/result.h"

#include <string>

namespace xylem::cli {

struct NodeOptions {
  std::string registry_url;
  std::string target;  // a node's id, or http://host:port of its admin HTTP
  bool json = false;
};

ExitCode run_node(const NodeOptions& options);

// From the document of GET /api/v1/node.
Result<std::string> node_text(const std::string& document);

}  // namespace xylem::cli
