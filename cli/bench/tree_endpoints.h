// Where the processes of an `xylem up` are, from its endpoints.json.
#pragma once

#include "common/result.h"
#include "network/transport/transport.h"

#include <string>
#include <sys/types.h>
#include <vector>

namespace xylem::cli {

struct TreeEndpoints {
  std::vector<network::Address> roots;
  std::vector<network::Address> leaves;  // POS
  std::vector<pid_t> brokers;            // of every tier
};

// kNotFound: no such file; kCorrupt: it is not one of these.
Result<TreeEndpoints> read_tree_endpoints(const std::string& directory);

}  // namespace xylem::cli
