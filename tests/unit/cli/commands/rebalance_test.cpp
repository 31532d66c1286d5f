#include "cli/commands/rebalance.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem::cli {
namespace {

std::string status(std::int64_t bytes) {
  return R"({"topics":[{"name":"prices","partition":0,"bytes":)" + std::to_string(bytes) +
         R"(},{"name":"prices","partition":1}]})";
}

ReplicaSizes sizes() {
  ReplicaSizes sizes;
  sizes.add(0, status(4'000'000));
  sizes.add(3, status(1'000'000));
  sizes.add(4, "nonsense");
  return sizes;
}

constexpr const char* kPlan =
    R"({"moves":[{"topic":"prices","partition":0,"from":[0,1,2],"to":[0,3,4]},)"
    R"({"topic":"prices","partition":1,"from":[0,1],"to":[0,2]},)"
    R"({"topic":"prices","partition":2,"from":[0,1],"to":[1,0]}],)"
    R"("moving":[{"topic":"prices","partition":0,"leader":0,"from":[0,1,3,4],"to":[0,3,4],"inSync":[0,1]},)"
    R"({"topic":"prices","partition":1,"leader":-1,"from":[0,1],"to":[0,2],"inSync":[]}]})";

TEST_CASE("rebalance: of each partition its largest known size, and one broker's") {
  CHECK(sizes().of("prices", 0, 3) == 1'000'000);
  CHECK(sizes().of("prices", 0, 4) == -1);
  CHECK(sizes().largest("prices", 0) == 4'000'000);
  CHECK(sizes().largest("prices", 1) == -1);
}

TEST_CASE("rebalance: the plan says what is copied, as far as that is known") {
  const auto text = plan_text(kPlan, sizes());
  REQUIRE(text);
  CHECK(*text ==
        "TOPIC   PARTITION  FROM   TO     BYTES\n"
        "prices  0          0,1,2  0,3,4  8.0 MB\n"
        "prices  1          0,1    0,2    ?\n"
        "prices  2          0,1    1,0    0 B\n"
        "3 partitions to move, 8.0 MB to copy; 2 are moving\n");
  CHECK(*plan_text("{}", {}) == "0 partitions to move, 0 B to copy; 0 are moving\n");
  CHECK_FALSE(plan_text("[]", {}));
}

TEST_CASE("rebalance: what moving replicas lack of their leader's log is left to copy") {
  const auto left = moves_left(kPlan, sizes());
  REQUIRE(left);
  CHECK(left->partitions == 2);
  CHECK(left->bytes == 3'000'000 + 4'000'000);
  CHECK(moves_left("{}", sizes())->partitions == 0);
  CHECK_FALSE(moves_left("", sizes()));
}

}  // namespace
}  // namespace xylem::cli
