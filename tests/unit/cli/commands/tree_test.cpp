#include "cli/commands/tree.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem::cli {
namespace {

std::string node(const std::string& id, const std::string& parents, const std::string& parent) {
  return R"({"nodeId":")" + id + R"(","role":"L2","health":"HEALTHY","ageMs":5,"parents":[)" +
         parents + R"(],"parent":")" + parent + R"("})";
}

std::string drawn(const std::string& nodes) {
  const auto text = draw_tree("{\"nodes\":[" + nodes + "]}");
  REQUIRE(text);
  return *text;
}

TEST_CASE("nodes hang below the parent they follow") {
  CHECK(drawn(node("b", "\"a\"", "a") + "," + node("a", "", "") + "," + node("d", "\"b\"", "b") +
              "," + node("c", "\"a\"", "a")) ==
        "a  L2  HEALTHY  5 ms old\n"
        "├─ b  L2  HEALTHY  5 ms old\n"
        "│  └─ d  L2  HEALTHY  5 ms old\n"
        "└─ c  L2  HEALTHY  5 ms old\n");
}

TEST_CASE("another parent than the wanted one, and none, are said") {
  const auto text = drawn(node("a", "", "") + "," + node("b", "", "") + "," +
                          node("c", R"("a","b")", "b") + "," + node("d", "\"a\"", ""));
  CHECK(text.contains("└─ c  L2  HEALTHY  5 ms old  (should follow a)\n"));
  CHECK(text.contains("└─ d  L2  HEALTHY  5 ms old  (no parent; should follow a)\n"));
}

TEST_CASE("every node is drawn once, whatever the document says") {
  const auto circle = drawn(node("a", "\"b\"", "b") + "," + node("b", "\"a\"", "a") + "," +
                            node("c", "\"c\"", "c") + "," + node("d", "\"gone\"", "gone"));
  for (const char* start : {"a  L2", "b  L2", "c  L2", "d  L2"}) {
    const auto first = circle.find(start);
    REQUIRE(first != std::string::npos);
    CHECK(circle.find(start, first + 1) == std::string::npos);
  }
}

TEST_CASE("a stale node looks stale; names cannot steer a terminal") {
  CHECK(drawn(R"({"nodeId":"a","stale":true,"lastSeenMs":65000,"role":"\u001b[2J"})") ==
        "a  \\u001b[2J    0 ms old  not heard for 1 min\n");
}

TEST_CASE("an empty fleet, and what is no document") {
  CHECK(drawn("") == "no nodes yet\n");
  CHECK(drawn("7,null,\"x\"").size() > 0);
  CHECK(draw_tree("[]").error().code() == Errc::kCorrupt);
  CHECK(draw_tree("{").error().code() == Errc::kCorrupt);
}

}  // namespace
}  // namespace xylem::cli
