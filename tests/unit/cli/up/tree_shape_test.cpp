#include "cli/up/tree_shape.h"

#include <doctest/doctest.h>

namespace xylem::cli {
namespace {

TEST_CASE("a tree is counted per parent") {
  const auto shape = parse_tree_shape("pos=3,l2=2,l3=2,local=1");
  REQUIRE(shape);
  CHECK(shape->brokers() == 1 + 2 + 4 + 12 + 12);
  CHECK(parse_tree_shape("l2=0")->brokers() == 1);
}

TEST_CASE("what is no tree is refused") {
  for (const char* text : {"", "l2", "l2=", "l2=x", "l2=-1", "l2=101", "l9=1", "l2=1,", "l2=1;l3=1",
                           "l2=100,l3=100", "l2=5,l3=5,pos=5,local=5"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_tree_shape(text));
  }
}

TEST_CASE("a topic has a name, partitions and perhaps a policy") {
  const auto topic = parse_topic_spec("prices:8:compact");
  REQUIRE(topic);
  CHECK(topic->name == "prices");
  CHECK(topic->partitions == 8);
  CHECK(topic->cleanup == "compact");
  CHECK(parse_topic_spec("prices:1")->cleanup == "delete");
  for (const char* text : {"", "prices", "prices:", "prices:0", "prices:x", ":1", "a/b:1",
                           "p:1:keep", "p:1:delete:x"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_topic_spec(text));
  }
}

}  // namespace
}  // namespace xylem::cli
