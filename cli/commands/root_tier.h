// `xylem root status`, `xylem root elect`: what a root tier of several has decided, and who leads
// where nobody can by itself.
#pragma once

#include "cli/admin_http.h"
#include "cli/exit_code.h"
#include "common/result.h"

#include <cstdint>
#include <string>

namespace xylem::cli {

struct RootStatusOptions {
  AdminBrokers brokers;
  bool json = false;
};

struct RootElectOptions {
  AdminBrokers brokers;
  std::string topic;
  std::int32_t partition = 0;
  std::int32_t broker = 0;
  bool accepts_loss = false;
  bool json = false;
};

ExitCode run_root_status(const RootStatusOptions& options);
ExitCode run_root_elect(const RootElectOptions& options);

// From the document of GET /api/v1/cluster.
Result<std::string> root_status_text(const std::string& document);

// Who gives an order, for the audit: "user@host".
std::string operator_name();

}  // namespace xylem::cli
