// <dir>/endpoints.json: who runs where, for scripts and tests.
//
//   {"nodes":[{"id":"pos-0","role":"POS","pid":4711,"tcp":"host:port","http":"host:port"}, ...]}
//
// An address that a process does not have is "". The pid of one that does not run is
// null. The file is replaced as a whole: a reader sees the old or the new one.
#pragma once

#include "common/result.h"

#include <string>
#include <vector>

namespace xylem::cli {

struct Endpoint {
  std::string id;
  std::string role;
  int pid = 0;  // 0: it does not run
  std::string tcp;
  std::string http;
};

[[nodiscard]] std::string endpoints_json(const std::vector<Endpoint>& endpoints);

Status write_endpoints(const std::string& dir, const std::vector<Endpoint>& endpoints);

}  // namespace xylem::cli
