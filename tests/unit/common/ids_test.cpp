#include "common/ids.h"

#include "common/random.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <unordered_set>

namespace xylem {
namespace {

TEST_CASE("ids: a uuid is 32 hexadecimal digits, both ways") {
  const auto id = Uuid::from_words(0x0123456789abcdef, 0xfedcba9876543210);
  CHECK(id.text() == "0123456789abcdeffedcba9876543210");
  CHECK(Uuid::parse(id.text()) == id);
  CHECK(Uuid::parse("0123456789ABCDEFFEDCBA9876543210") == id);
  CHECK(Uuid().is_nil());
  CHECK(Uuid().text() == std::string(32, '0'));
  CHECK_FALSE(Uuid::from_words(0, 1).is_nil());
}

TEST_CASE("ids: what is not a uuid") {
  const std::string good(32, 'a');
  for (const auto& bad :
       {std::string(), good.substr(1), good + "a", "-" + good.substr(1), good.substr(1) + "g",
        " " + good.substr(1), "0x" + good.substr(2), good.substr(0, 15) + "-" + good.substr(16)}) {
    CAPTURE(bad);
    const auto id = Uuid::parse(bad);
    REQUIRE_FALSE(id);
    CHECK(id.error().code() == Errc::kInvalidRequest);
  }
}

TEST_CASE("ids: random uuids differ") {
  Random random(1);
  CHECK(Uuid::random(random) != Uuid::random(random));
}

TEST_CASE("ids: names") {
  for (const std::string_view good : {"a", "pos-1.shop_7", "A.b", "...", "-"}) {
    CHECK(check_node_id(good));
    CHECK(check_topic_name(good));
  }
  CHECK(check_node_id(std::string(kNodeIdMax, 'a')));
  CHECK(check_topic_name(std::string(kTopicNameMax, 'a')));
  CHECK_FALSE(check_node_id(std::string(kNodeIdMax + 1, 'a')));
  CHECK_FALSE(check_topic_name(std::string(kTopicNameMax + 1, 'a')));
  for (const std::string_view bad : {"", ".", "..", "a/b", "a b", "é", "a\n", "a\x7f"}) {
    CAPTURE(bad);
    CHECK(check_topic_name(bad).error().code() == Errc::kInvalidRequest);
  }
  CHECK(check_node_id("a/b").error().what().find("a/b") != std::string::npos);
}

TEST_CASE("ids: strong numbers order, move and measure") {
  CHECK(Offset(3) + 4 == Offset(7));
  CHECK(Offset(7) - Offset(3) == 4);
  CHECK(Offset(3) < Offset(4));
  CHECK(kNoEpoch < Epoch(0));
}

TEST_CASE("ids: logs of one topic hash apart") {
  std::unordered_set<LogId> logs;
  for (int partition = 0; partition < 100; ++partition)
    logs.insert({{Uuid::from_words(1, 2), 0}, PartitionId(partition)});
  logs.insert({{Uuid::from_words(1, 2), 1}, PartitionId(0)});
  CHECK(logs.size() == 101);
}

}  // namespace
}  // namespace xylem
