#include "common/loop/turn_end.h"

#include "tests/support/run_until.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace xylem {
namespace {

using Order = std::vector<std::string>;
using testing::run_until;

TEST_CASE("turn end: what work brings about is sent in the same turn, whoever began") {
  Loop loop;
  TurnEnd send(loop, TurnEnd::Stage::kSend);
  TurnEnd work(loop);
  Order order;
  const auto note = [&](const char* what) { return [&order, what] { order.emplace_back(what); }; };
  REQUIRE(loop.post([&] {
    send.add(note("sent at once"));
    work.add([&] {
      order.emplace_back("worked");
      send.add(note("sent"));
      REQUIRE(loop.post(note("next turn")));
    });
  }));
  REQUIRE(run_until(loop, [&] { return order.size() == 4; }));
  CHECK(order == Order{"worked", "sent at once", "sent", "next turn"});
}

TEST_CASE("turn end: what a task adds to its own stage waits for the next turn") {
  for (const auto stage : {TurnEnd::Stage::kWork, TurnEnd::Stage::kSend}) {
    Loop loop;
    TurnEnd end(loop, stage);
    Order order;
    end.add([&] {
      order.emplace_back("first");
      REQUIRE(loop.post([&] { order.emplace_back("between"); }));
      end.add([&] { order.emplace_back("second"); });
    });
    REQUIRE(run_until(loop, [&] { return order.size() == 3; }));
    CHECK(order == Order{"first", "between", "second"});
  }
}

TEST_CASE("turn end: who goes takes what waits along, also in the middle of a task") {
  Loop loop;
  auto end = std::make_unique<TurnEnd>(loop);
  bool was_run = false;
  end->add([&] { end.reset(); });
  end->add([&] { was_run = true; });
  REQUIRE(run_until(loop, [&] { return end == nullptr; }));
  testing::run_for(loop, 5);
  CHECK_FALSE(was_run);
}

}  // namespace
}  // namespace xylem
