#include "cli/commands/root_tier.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem::cli {
namespace {

constexpr const char* kCluster =
    R"({"self":0,"controller":2,"contactAgeMs":12,"brokers":[)"
    R"({"broker":0,"node":"root-0","isAlive":true,"clients":"h:9092"},)"
    R"({"broker":1,"node":"root-1","isAlive":false,"clients":"h:9093"},)"
    R"({"broker":2,"node":"root-2","isAlive":true,"clients":"h:9094"}],)"
    R"("topics":[{"name":"prices","minInsync":2,"partitions":[)"
    R"({"partition":0,"replicas":[0,1,2],"inSync":[0,1,2],"leader":0,"movingTo":[]},)"
    R"({"partition":1,"replicas":[0,1,2],"inSync":[1],"leader":-1,"movingTo":[]},)"
    R"({"partition":2,"replicas":[0,2],"inSync":[0,2],"leader":2,"movingTo":[2,1]}]}]})";

TEST_CASE("root status: brokers with what they have, and the partitions to look at") {
  const auto text = root_status_text(kCluster);
  REQUIRE(text);
  CHECK(*text ==
        "controller 2  as broker 0 knows it, 12 ms old\n"
        "BROKER  NODE    STATE  CLIENTS  REPLICAS  LEADS\n"
        "0       root-0  alive  h:9092   3         1\n"
        "1       root-1  dead   h:9093   2         0\n"
        "2       root-2  alive  h:9094   3         1\n"
        "partitions 3  without a leader 1  below min in-sync 1  moving 1\n"
        "TOPIC   PARTITION  LEADER  IN SYNC  REPLICAS  MOVING TO\n"
        "prices  1          none    1        0,1,2     none\n"
        "prices  2          2       0,2      0,2       2,1\n");
}

TEST_CASE("root status: what is missing is none, what is no document is an error") {
  const auto text = root_status_text("{}");
  REQUIRE(text);
  CHECK(text->starts_with("controller none  as broker none knows it"));
  CHECK_FALSE(root_status_text("[]"));
}

TEST_CASE("whoever gives an order has a name") { CHECK(operator_name().contains('@')); }

}  // namespace
}  // namespace xylem::cli
