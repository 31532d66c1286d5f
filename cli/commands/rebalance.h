// `xylem rebalance --plan|--execute`: moves replicas between the brokers of a root tier, a few
// partitions at a time, until all that the brokers plan is done.
//
// The brokers decide and copy; this asks for the next portion when one is done. Interrupted, what
// was begun goes on, and the same command goes on with the rest. Once moves have begun, brokers that
// do not answer, or have no controller, are asked again for a minute.
#pragma once

#include "cli/admin_http.h"
#include "cli/exit_code.h"
#include "common/result.h"

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

namespace xylem::cli {

struct RebalanceOptions {
  AdminBrokers brokers;
  std::string targets;  // "0,1,2": who shall hold replicas; empty: all that are alive
  bool executes = false;
  std::int32_t moves_max = 5;    // partitions at a time
  std::int64_t bytes_per_s = 0;  // of what each broker copies; 0: its own setting
  bool json = false;
};

ExitCode run_rebalance(const RebalanceOptions& options);

// How many bytes each broker has of each partition, as the brokers tell it.
class ReplicaSizes {
 public:
  // From the document of GET /pipe/v1/status of one broker.
  void add(std::int64_t broker, const std::string& document);

  // -1: not known.
  [[nodiscard]] std::int64_t of(const std::string& topic,
                                std::int64_t partition,
                                std::int64_t broker) const;
  [[nodiscard]] std::int64_t largest(const std::string& topic, std::int64_t partition) const;

 private:
  std::map<std::tuple<std::string, std::int64_t, std::int64_t>, std::int64_t> bytes_;
};

// From the document of GET /api/v1/cluster/rebalance.
Result<std::string> plan_text(const std::string& document, const ReplicaSizes& sizes);

struct MovesLeft {
  std::size_t partitions = 0;  // moving now
  std::int64_t bytes = 0;      // that they lack, where known
};

Result<MovesLeft> moves_left(const std::string& document, const ReplicaSizes& sizes);

}  // namespace xylem::cli
