// Operators' commands about the instances of a group: told, reset together or one by one,
// forgotten.
#include "tests/support/broker_world.h"
#include "tests/support/fake_log.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace xylem::testing {
namespace {

using Json = nlohmann::json;

struct Asked {
  Asked() {
    world.create("shared");
    broker::TopicDefinition request;
    request.name = "t";
    request.delivery = broker::Delivery::kBroadcast;
    std::optional<Result<broker::TopicDefinition>> made;
    world.topics->create(request, [&](auto created) { made = std::move(created); });
    REQUIRE(run_until(world.loop, [&] { return made.has_value(); }));
    REQUIRE(*made);
    topic = **made;
    bool is_done = false;
    world.partitions->find(topic.log(0))
        ->append(batch_of("v", 10), broker::Acks::kAll,
                 [&](const auto& done) { is_done = !!done; });
    REQUIRE(run_until(world.loop, [&] { return is_done; }));
  }

  Result<Json> ask(const std::string& command, const Json& request) {
    std::optional<Result<std::string>> answer;
    world.group_admin->run(command, request.dump(), [&](auto done) { answer = std::move(done); });
    REQUIRE(run_until(world.loop, [&] { return answer.has_value(); }));
    if (!*answer) return std::unexpected(answer->error());
    return Json::parse(**answer);
  }

  Errc refused(const std::string& command, const Json& request) {
    const auto answer = ask(command, request);
    REQUIRE_FALSE(answer);
    return answer.error().code();
  }

  Result<Json> reset(std::int64_t offset, const std::string& instance = {}) {
    Json request{{"group", "g"},
                 {"offsets", {{{"topic", "t"}, {"partition", 0}, {"offset", offset}}}}};
    if (!instance.empty()) request["instance"] = instance;
    return ask("group.reset", request);
  }

  void join(const std::string& member, const std::string& instance = {}) {
    broker::Group::Beat beat;
    beat.member = member;
    beat.instance = instance;
    beat.topics = {"t"};
    REQUIRE(world.memberships->beat("g", beat, [](const auto&) { return true; }));
  }

  [[nodiscard]] std::optional<Offset> committed(const std::string& instance) const {
    const auto found = world.offsets->find({"g", "t", PartitionId(0), instance});
    return found ? std::optional(found->next) : std::nullopt;
  }

  BrokerWorld world{Epoch(1)};
  broker::TopicDefinition topic;
};

TEST_CASE(
    "broadcast admin: a reset sets all instances that have offsets, or the one that is named") {
  Asked it;
  CHECK(it.reset(3).error().code() == Errc::kInvalidRequest);  // nobody has any
  REQUIRE(it.reset(3, "till-1"));
  REQUIRE(it.reset(4, "till-2"));
  const auto both = it.reset(6);
  REQUIRE(both);
  CHECK((*both)["offsets"] ==
        Json::parse(R"([{"topic":"t","partition":0,"before":3,"offset":6,"instance":"till-1"},
                        {"topic":"t","partition":0,"before":4,"offset":6,"instance":"till-2"}])"));
  REQUIRE(it.reset(1, "till-2"));
  CHECK(it.committed("till-1") == Offset(6));
  CHECK(it.committed("till-2") == Offset(1));
  CHECK_FALSE(it.committed(""));
  CHECK(it.reset(1, "a\nb").error().code() == Errc::kInvalidRequest);
  CHECK(it.refused("group.reset",
                   {{"group", "g"},
                    {"instance", "till-1"},
                    {"offsets", {{{"topic", "shared"}, {"partition", 0}, {"offset", 0}}}}}) ==
        Errc::kInvalidRequest);
  it.join("m", "till-1");
  CHECK(it.reset(1).error().code() == Errc::kInvalidRequest);
}

TEST_CASE("broadcast admin: each one's place is told, by its instance or as a member's") {
  Asked it;
  REQUIRE(it.reset(3, "till-1"));
  it.join("m", "till-1");
  it.join("n");
  REQUIRE(it.world.memberships->note("g", "n", {"t", PartitionId(0)},
                                     {Offset(2), it.topic.incarnation}));
  const auto group = it.ask("group.describe", {{"group", "g"}});
  REQUIRE(group);
  CHECK((*group)["broadcast"] == Json{"t"});
  CHECK((*group)["members"].size() == 2);
  CHECK((*group)["offsets"] ==
        Json::parse(
            R"([{"topic":"t","partition":0,"committed":3,"end":10,"lag":7,"instance":"till-1"},
                        {"topic":"t","partition":0,"committed":2,"end":10,"lag":8,"member":"n"}])"));
}

TEST_CASE("broadcast admin: an instance is forgotten, for good, unless it is there") {
  Asked it;
  REQUIRE(it.reset(3, "till-1"));
  REQUIRE(it.reset(3, "till-2"));
  const Json request{{"group", "g"}, {"instance", "till-1"}};
  it.join("m", "till-1");
  CHECK(it.refused("group.forget", request) == Errc::kInvalidRequest);
  it.world.memberships->leave("g", "m");
  CHECK((*it.ask("group.forget", request))["offsets"] == 1);
  CHECK(it.refused("group.forget", request) == Errc::kNotFound);
  CHECK(it.refused("group.forget", {{"group", "g"}, {"instance", ""}}) == Errc::kNotFound);
  CHECK(it.refused("group.forget", {{"group", "g"}}) == Errc::kInvalidRequest);
  broker::LocalOffsets reopened(*it.world.state);
  std::optional<Status> loaded;
  reopened.load([&](const Status& done) { loaded = done; });
  REQUIRE(run_until(it.world.loop, [&] { return loaded.has_value(); }));
  REQUIRE(*loaded);
  REQUIRE(reopened.all().size() == 1);
  CHECK(reopened.all().front().first.instance == "till-2");
}

}  // namespace
}  // namespace xylem::testing
