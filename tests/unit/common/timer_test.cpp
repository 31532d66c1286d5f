#include "common/timer.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

namespace xylem {
namespace {

TEST_CASE("timer: fires once, in the order of the delays") {
  Loop loop;
  std::vector<int> fired;
  Timer first(loop);
  Timer second(loop);
  second.start(200, 0, [&] {
    fired.push_back(2);
    loop.stop();
  });
  first.start(1, 0, [&] { fired.push_back(1); });
  CHECK(first.is_active());
  loop.run();
  CHECK(fired == std::vector{1, 2});
  CHECK_FALSE(first.is_active());
  CHECK_FALSE(second.is_active());
}

TEST_CASE("timer: repeats until it is stopped from its own callback") {
  Loop loop;
  int fired = 0;
  Timer timer(loop);
  timer.start(0, 1, [&] {
    if (++fired < 3) return;
    timer.stop();
    loop.stop();
  });
  loop.run();
  CHECK(fired == 3);
  CHECK_FALSE(timer.is_active());
}

TEST_CASE("timer: a callback restarts its own timer with another callback") {
  Loop loop;
  std::vector<int> fired;
  Timer timer(loop);
  timer.start(0, 1, [&] {
    fired.push_back(1);
    timer.start(0, 0, [&] {
      fired.push_back(2);
      loop.stop();
    });
  });
  loop.run();
  CHECK(fired == std::vector{1, 2});
}

TEST_CASE("timer: a callback destroys its own timer and still owns what it captured") {
  Loop loop;
  auto timer = std::make_unique<Timer>(loop);
  auto captured = std::make_shared<int>(7);
  int seen = 0;
  timer->start(0, 1, [&loop, &timer, &seen, captured] {
    timer.reset();
    seen = *captured;
    loop.stop();
  });
  loop.run();
  CHECK(seen == 7);
  CHECK(captured.use_count() == 1);
}

TEST_CASE("timer: stopped and destroyed ones never fire") {
  Loop loop;
  int fired = 0;
  Timer stopped(loop);
  stopped.start(0, 0, [&] { ++fired; });
  stopped.stop();
  {
    Timer destroyed(loop);
    destroyed.start(0, 0, [&] { ++fired; });
  }
  Timer last(loop);
  last.start(2, 0, [&] { loop.stop(); });
  loop.run();
  CHECK(fired == 0);
}

}  // namespace
}  // namespace xylem
