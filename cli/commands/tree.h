// `xylem tree`: the registry's picture of the fleet, drawn as a tree.
#pragma once

#include "cli/exit_code.h"
#include "common/result.h"

#include <string>

namespace xylem::cli {

struct TreeOptions {
  std::string registry_url;
  bool json = false;
};

ExitCode run_tree(const TreeOptions& options);

// From the document of GET /api/v1/tree. Nodes hang below their actual parent, or below the one
// they should ask first while they have none. kCorrupt: not such a document.
Result<std::string> draw_tree(const std::string& document);

}  // namespace xylem::cli
