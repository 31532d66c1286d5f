#include "cli/commands/groups.h"

#include "cli/commands/group_picture.h"
#include "cli/commands/group_reset.h"
#include "common/config/point_in_time.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem::cli {
namespace {

constexpr const char* kGroup =
    R"({"group":"shelf","generation":9,"assignor":"sticky","members":[)"
    R"({"member":"a1","instance":"till-1","client":"till","silentMs":20,)"
    R"("assigned":[{"topic":"prices","partition":0}]}],)"
    R"("offsets":[{"topic":"prices","partition":0,"committed":7}]})";

constexpr const char* kOffsets = R"({"topic":"prices","partitions":[)"
                                 R"({"partition":0,"start":2,"highWatermark":10,"offset":5},)"
                                 R"({"partition":1,"start":3,"highWatermark":4,"offset":4}]})";

std::map<std::string, TopicOffsets> prices() {
  const auto offsets = offsets_in(kOffsets);
  REQUIRE(offsets);
  return {{"prices", *offsets}};
}

TEST_CASE("groups: lag is above what is committed, or above the start where nothing is") {
  auto picture = group_in(kGroup);
  REQUIRE(picture);
  CHECK_FALSE(picture->partitions.front().lag());  // nobody leads it, as far as is known
  add_offsets(*picture, prices());
  CHECK(picture->lag() == 4);
  CHECK(group_text(*picture) ==
        "group shelf: 1 members, 4 records behind, sticky, generation 9\n"
        "\n"
        "MEMBER  CLIENT  INSTANCE  SILENT  PARTITIONS\n"
        "a1      till    till-1    20 ms   1\n"
        "\n"
        "TOPIC   PARTITION  COMMITTED  START  END  LAG  MEMBER\n"
        "prices  0          7          2      10   3    a1\n"
        "prices  1          -          3      4    1    -\n");
  CHECK(lag_text({*picture}) ==
        "GROUP  TOPIC   LAG  PARTITIONS  WITHOUT LEADER  MEMBERS\n"
        "shelf  prices  4    2           0               1\n");
}

TEST_CASE("groups: of a broadcast topic each instance, or member, has its own line") {
  auto picture = group_in(
      R"({"group":"shelf","generation":9,"assignor":"sticky","broadcast":["prices"],"members":[)"
      R"({"member":"a1","instance":"till-1","client":"till","silentMs":20,)"
      R"("assigned":[{"topic":"prices","partition":0}]},)"
      R"({"member":"b1","instance":"","client":"till","silentMs":30,)"
      R"("assigned":[{"topic":"prices","partition":0}]}],)"
      R"("offsets":[{"topic":"prices","partition":0,"committed":7,"instance":"till-1"},)"
      R"({"topic":"prices","partition":0,"committed":4,"instance":"till-2"},)"
      R"({"topic":"prices","partition":0,"committed":9,"member":"b1"}]})");
  REQUIRE(picture);
  auto ends = prices();
  ends["prices"].erase(PartitionId(1));
  add_offsets(*picture, ends);
  CHECK(group_text(*picture) ==
        "group shelf: 2 members, 10 records behind, sticky, generation 9\n"
        "\n"
        "MEMBER  CLIENT  INSTANCE  SILENT  PARTITIONS\n"
        "a1      till    till-1    20 ms   1\n"
        "b1      till              30 ms   1\n"
        "\n"
        "TOPIC   PARTITION  COMMITTED  START  END  LAG  MEMBER  INSTANCE\n"
        "prices  0          9          2      10   1    b1      -\n"
        "prices  0          7          2      10   3    a1      till-1\n"
        "prices  0          4          2      10   6    -       till-2\n");
  CHECK(lag_text({*picture}) ==
        "GROUP  TOPIC   LAG  PARTITIONS  WITHOUT LEADER  MEMBERS  INSTANCE OR MEMBER\n"
        "shelf  prices  1    1           0               2        b1\n"
        "shelf  prices  3    1           0               2        till-1\n"
        "shelf  prices  6    1           0               2        till-2\n");
  CHECK(group_json(*picture).contains(R"("instance":"till-2","lag":6)"));
}

TEST_CASE("groups: what has failed of the next record is shown where something has") {
  auto picture = group_in(R"({"group":"shelf","offsets":[)"
                          R"({"topic":"prices","partition":0,"committed":7,"deliveries":3},)"
                          R"({"topic":"prices","partition":1,"committed":4}]})");
  REQUIRE(picture);
  CHECK(group_text(*picture) ==
        "group shelf: 0 members, 0 records behind\n"
        "\n"
        "TOPIC   PARTITION  COMMITTED  START  END  LAG  MEMBER\n"
        "prices  0          7          ?      ?    ?    -\n"
        "prices  1          4          ?      ?    ?    -\n"
        "\n"
        "TOPIC   PARTITION  NEXT RECORD FAILED\n"
        "prices  0          3\n");
  const auto json = group_json(*picture);
  CHECK(json.find("\"deliveries\":3") != std::string::npos);
  CHECK(json.find("deliveries") == json.rfind("deliveries"));
}

TEST_CASE("groups: what retention took is not behind") {
  GroupPartitionView one{.committed = Offset(1),
                         .offsets = PartitionOffsets{Offset(5), Offset(8), std::nullopt}};
  CHECK(one.lag() == 3);
  one.committed = Offset(9);  // of a log that was cut since
  CHECK(one.lag() == 0);
}

TEST_CASE("groups: answers that are none are refused") {
  CHECK_FALSE(group_in("{}"));
  CHECK_FALSE(group_in("[]"));
  CHECK_FALSE(offsets_in(R"({"partitions":[{"partition":0}]})"));
  CHECK_FALSE(offsets_in(R"({"partitions":[{"partition":-1,"start":0,"highWatermark":0}]})"));
}

TEST_CASE("reset: to an end, to an offset that is there, to a moment") {
  GroupsOptions options;
  options.group = "shelf";
  options.to = "earliest";
  CHECK(*reset_request(options, prices()) == R"({"dryRun":false,"group":"shelf","offsets":[)"
                                             R"({"offset":2,"partition":0,"topic":"prices"},)"
                                             R"({"offset":3,"partition":1,"topic":"prices"}]})");
  options.partition = 0;
  options.to = "9";
  CHECK(reset_request(options, prices())->contains(R"("offset":9,"partition":0)"));
  options.to.clear();
  options.to_time_ms = 1;
  CHECK(reset_request(options, prices())->contains(R"("offset":5,"partition":0)"));
}

TEST_CASE("reset: of one instance, and what is told of several") {
  GroupsOptions options;
  options.group = "shelf";
  options.to = "latest";
  options.instance = "till-1";
  CHECK(reset_request(options, prices())->contains(R"("group":"shelf","instance":"till-1")"));
  const auto text = reset_text(
      R"({"offsets":[{"topic":"t","partition":0,"before":3,"offset":6,"instance":"till-1"}]})");
  REQUIRE(text);
  CHECK(*text ==
        "TOPIC  PARTITION  COMMITTED  RESET TO  INSTANCE\n"
        "t      0          3          6         till-1\n");
}

TEST_CASE("reset: that a group is new is said") {
  const std::string offsets = R"("offsets":[{"topic":"t","partition":0,"before":null,"offset":6}])";
  const auto text = reset_text(R"({"group":"shelff","new":true,"dryRun":true,)" + offsets + "}");
  REQUIRE(text);
  CHECK(*text ==
        "TOPIC  PARTITION  COMMITTED  RESET TO\n"
        "t      0          -          6\n"
        "group shelff is new: it had no offsets and no members\n"
        "tried only: nothing has changed\n");
  const auto known = reset_text(R"({"group":"shelf","new":false,"dryRun":false,)" + offsets + "}");
  REQUIRE(known);
  CHECK_FALSE(known->contains("new"));
}

TEST_CASE("delete: how much is gone is said") {
  const auto text = deleted_text(R"({"group":"shelf","offsets":12})");
  REQUIRE(text);
  CHECK(*text == "group shelf is deleted, with 12 offsets\n");
  CHECK_FALSE(deleted_text("gone"));
}

TEST_CASE("reset: what cannot be is refused as a whole") {
  GroupsOptions options;
  options.to = "9";  // partition 1 ends at 4
  const auto refused = reset_request(options, prices());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what().contains("partition 1 of prices has the offsets 3 to 4"));
  options.to = "soon";
  CHECK_FALSE(reset_request(options, prices()));
  options.to = "latest";
  options.partition = 2;
  CHECK_FALSE(reset_request(options, prices()));
}

TEST_CASE("a moment is a date, so long ago, or milliseconds") {
  constexpr std::int64_t kNowMs = 1'700'000'000'000;
  CHECK(parse_point_in_time("2026-11-22T10:00:00Z", kNowMs) == 1'795'341'600'000);
  CHECK(parse_point_in_time("90m", kNowMs) == kNowMs - 5'400'000);
  CHECK(parse_point_in_time("1600000000000", kNowMs) == 1'600'000'000'000);
  for (const auto* text : {"", "now", "2026-11-22", "2026-02-30T10:00:00Z", "2026-11-22T10:00:00",
                           "2026-11-22T24:00:00Z", "2026-11-22T10:00:00Z!", "T"})
    CHECK_FALSE(parse_point_in_time(text, kNowMs));
}

}  // namespace
}  // namespace xylem::cli
