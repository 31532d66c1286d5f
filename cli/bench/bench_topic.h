// The topic that a measurement writes to: made where there is none, and deleted again by who made
// it, so that nothing of a run stays in the cluster.
#pragma once

#include "common/result.h"
#include "network/transport/transport.h"

#include <string>
#include <utility>
#include <vector>

namespace xylem::cli {

class BenchTopic {
 public:
  static Result<BenchTopic> make(std::string name, std::vector<network::Address> brokers);

  // Deletes it if make() created it; a topic of the user's stays.
  Status clean_up();

 private:
  BenchTopic(std::string name, std::vector<network::Address> brokers)
      : name_(std::move(name)), brokers_(std::move(brokers)) {}

  Status command(const std::string& verb);

  std::string name_;
  std::vector<network::Address> brokers_;
  bool is_ours_ = false;
};

}  // namespace xylem::cli
