// What `xylem up` is asked to build: how many brokers of each tier, and which topics.
#pragma once

#include "common/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace xylem::cli {

struct TreeShape {  // brokers below each one of the tier above
  static constexpr int kPerParentMax = 100;
  static constexpr int kBrokersMax = 500;

  int l2 = 2;
  int l3 = 1;
  int pos = 1;
  int local = 0;

  [[nodiscard]] int brokers() const;  // in all, with one root
};

// "l2=2,l3=1,pos=1,local=0"; what is not said keeps its default. kInvalidRequest.
Result<TreeShape> parse_tree_shape(std::string_view text);

struct TopicSpec {
  std::string name;
  int partitions = 1;
  std::string cleanup = "delete";  // or compact
};

// "name:partitions" or "name:partitions:delete|compact". kInvalidRequest.
Result<TopicSpec> parse_topic_spec(std::string_view text);

}  // namespace xylem::cli
