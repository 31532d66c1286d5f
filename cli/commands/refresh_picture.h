// Refreshes as text: those of the registry, which have nodes, and those of one broker.
//
// Errors: kCorrupt: not such a document.
#pragma once

#include "cli/exit_code.h"
#include "common/result.h"

#include <cstdint>
#include <optional>
#include <string>

namespace xylem::cli {

// Of the registry's or a broker's GET /api/v1/refreshes.
Result<std::string> refresh_list_text(const std::string& document, std::int64_t wall_ms);

// Of GET /api/v1/refreshes/{id}, either's.
Result<std::string> refresh_text(const std::string& document, std::int64_t wall_ms);

struct RefreshLook {
  std::string id;
  std::string line;             // how far it is
  std::optional<ExitCode> end;  // none: it runs
};

Result<RefreshLook> refresh_look(const std::string& document);

}  // namespace xylem::cli
