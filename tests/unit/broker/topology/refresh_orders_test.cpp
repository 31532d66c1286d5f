#include "broker/topology/refresh_orders.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;

RefreshStatus status(std::uint64_t id, RefreshState state) {
  RefreshStatus made;
  made.id = id;
  made.topic = "prices";
  made.state = state;
  return made;
}

// A broker whose refreshes do what the test says.
struct Node {
  Node()
      : orders(Logger::none(),
               clock,
               {.start = [this](const RefreshOrder& order) { return start(order); },
                .abort = [this](std::uint64_t id) { return abort(id); },
                .list =
                    [this] {
                      std::vector<RefreshStatus> all;
                      for (auto it = known.rbegin(); it != known.rend(); ++it)
                        all.push_back(it->second);
                      return all;
                    },
                .find =
                    [this](std::uint64_t id) {
                      const auto found = known.find(id);
                      return found == known.end() ? std::nullopt : std::optional(found->second);
                    },
                .hurry = [this] { ++hurries; }}) {}

  Status start(const RefreshOrder& order) {
    ++starts;
    if (passing) return fail(*passing, "not now");
    if (order.topic != "prices") return fail(Errc::kUnknownTopicOrPartition, "no such topic here");
    known[order.id] = status(order.id, RefreshState::kResetSent);
    return {};
  }

  Status abort(std::uint64_t id) {
    ++aborts;
    known.at(id).state = RefreshState::kAborted;
    return {};
  }

  void take(std::uint64_t id, const std::string& topic = "prices", bool stop = false) {
    orders.take({{.id = id, .topic = topic, .stop = stop}});
  }

  std::map<std::uint64_t, RefreshStatus> known;
  std::optional<Errc> passing;
  ManualClock clock;
  int starts = 0;
  int aborts = 0;
  int hurries = 0;
  RefreshOrders orders;
};

TEST_CASE("refresh orders: one that comes again and again is carried out once") {
  Node node;
  for (int i = 0; i < 3; ++i) node.take(7);
  CHECK(node.starts == 1);
  CHECK(node.hurries == 1);
  REQUIRE(node.orders.report().size() == 1);
  CHECK(node.orders.report()[0].id == "0000000000000007");
  CHECK(node.orders.report()[0].state == "RESET_SENT");
  node.known.at(7).state = RefreshState::kCompleted;
  node.take(7);
  CHECK(node.starts == 1);
}

TEST_CASE("refresh orders: what cannot begin is reported as aborted, while it is ordered") {
  Node node;
  node.clock.advance_ms(RefreshOrders::kTopicsComeMs);
  node.take(7, "unknown");
  node.take(7, "unknown");
  CHECK(node.starts == 1);
  REQUIRE(node.orders.report().size() == 1);
  CHECK(node.orders.report()[0].state == "ABORTED");
  CHECK(node.orders.report()[0].failure == "no such topic here");
  node.orders.take({});
  CHECK(node.orders.report().empty());
}

TEST_CASE("refresh orders: what may pass is tried again, and refused when it does not") {
  for (const auto passing : {Errc::kUnavailable, Errc::kQuotaExceeded}) {
    Node node;
    node.clock.advance_ms(RefreshOrders::kTopicsComeMs);
    node.passing = passing;
    node.take(7);
    node.take(7);
    CHECK(node.starts == 2);
    CHECK(node.orders.report().empty());
    node.passing.reset();
    node.take(7);
    REQUIRE(node.orders.report().size() == 1);
    CHECK(node.orders.report()[0].state == "RESET_SENT");

    node.passing = passing;
    node.take(8);
    node.clock.advance_ms(RefreshOrders::kPutOffMs - 1);
    node.take(8);
    CHECK(node.orders.report().size() == 1);
    node.clock.advance_ms(1);
    node.take(8);
    REQUIRE(node.orders.report().size() == 2);
    CHECK(node.orders.report()[0].failure == "not now");
  }
}

TEST_CASE("refresh orders: just after the start the topic may still come") {
  Node node;
  node.clock.advance_ms(RefreshOrders::kTopicsComeMs - 1);
  node.take(7, "unknown");
  CHECK(node.orders.report().empty());
  node.clock.advance_ms(1);
  node.take(7, "unknown");
  REQUIRE(node.orders.report().size() == 1);
  CHECK(node.orders.report()[0].failure == "no such topic here");
}

TEST_CASE("refresh orders: sums of any offsets stay numbers") {
  Node node;
  node.known[3] = status(3, RefreshState::kReplaying);
  node.known.at(3).barrier = {Offset(INT64_MAX), Offset(INT64_MAX), Offset(INT64_MIN)};
  node.known.at(3).replayed = {Offset(INT64_MAX - 1), Offset(2)};
  CHECK(node.orders.report().at(0).to_replay == INT64_MAX);
  CHECK(node.orders.report().at(0).replayed == INT64_MAX);
}

TEST_CASE("refresh orders: a stop aborts what runs, and keeps what has not begun from beginning") {
  Node node;
  node.take(7);
  node.take(7, "prices", true);
  node.take(7, "prices", true);
  CHECK(node.aborts == 1);
  node.take(8, "prices", true);
  CHECK(node.starts == 1);
  CHECK(node.orders.report()[0].id == "0000000000000008");
  CHECK(node.orders.report()[0].failure == "it was stopped before it began");
  CHECK(node.orders.report()[1].state == "ABORTED");
}

TEST_CASE("refresh orders: the registry hears at once of what it ordered, not of the rest") {
  Node node;
  node.take(7);
  const auto before = node.hurries;
  node.orders.on_change(status(6, RefreshState::kCompleted));
  CHECK(node.hurries == before);
  node.orders.on_change(status(7, RefreshState::kReplaying));
  CHECK(node.hurries == before + 1);
}

TEST_CASE("refresh orders: a report is bounded, and has those that run first") {
  Node node;
  for (std::uint64_t id = 1; id <= 100; ++id)
    node.known[id] = status(id, id == 3 ? RefreshState::kReplaying : RefreshState::kCompleted);
  node.known.at(3).barrier = {Offset(60), Offset(40)};
  node.known.at(3).replayed = {Offset(30), Offset(5)};
  const auto reports = node.orders.report();
  REQUIRE(reports.size() == RefreshOrders::kReportedMax);
  CHECK(reports[0].id == "0000000000000003");
  CHECK(reports[0].to_replay == 100);
  CHECK(reports[0].replayed == 35);
  CHECK(reports[1].id == "0000000000000064");
}

TEST_CASE("refresh orders: the answer of the registry, and answers that are none") {
  const auto read = [](const std::string& text) { return refresh_orders_from_json(text); };
  const auto orders = read(
      R"({"refreshes":[{"id":"00000000000000ff","topic":"prices","reason":"monday","stop":true},
                       {"id":"0000000000000001","topic":"x"}]})");
  REQUIRE(orders);
  CHECK(*orders ==
        std::vector<RefreshOrder>{{.id = 255, .topic = "prices", .reason = "monday", .stop = true},
                                  {.id = 1, .topic = "x"}});
  CHECK(read("{}").value().empty());
  for (const std::string wrong :
       {"", "[]", R"({"refreshes":7})", R"({"refreshes":[7]})", R"({"refreshes":[{}]})",
        R"({"refreshes":[{"id":"ff","topic":"prices"}]})",
        R"({"refreshes":[{"id":"00000000000000ff"}]})",
        R"({"refreshes":[{"id":"00000000000000ff","topic":"a/b"}]})",
        R"({"refreshes":[{"id":255,"topic":"prices"}]})"}) {
    CAPTURE(wrong);
    const auto refused = read(wrong);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::kInvalidRequest);
  }
  Json many;
  for (std::size_t i = 0; i <= kOrdersMax; ++i)
    many["refreshes"].push_back({{"id", refresh_id_text(i + 1)}, {"topic", "prices"}});
  CHECK_FALSE(read(many.dump()));
  many["refreshes"].erase(0);
  CHECK(read(many.dump()));
  many["refreshes"][0]["reason"] = std::string(kOrderReasonMax + 1, 'x');
  CHECK_FALSE(read(many.dump()));
}

}  // namespace
}  // namespace xylem::broker
