#include "common/signals.h"

#include <doctest/doctest.h>

#include <csignal>

namespace xylem {
namespace {

bool has_default_action(int number) {
  struct sigaction current{};
  REQUIRE(sigaction(number, nullptr, &current) == 0);
  return current.sa_handler == SIG_DFL;
}

TEST_CASE("signals: either stop signal calls back once, on the loop") {
  for (const int number : {SIGTERM, SIGINT}) {
    CAPTURE(number);
    Loop loop;
    int stops = 0;
    {
      const StopSignals signals(loop, [&] {
        loop.check_here();
        ++stops;
        loop.stop();
      });
      REQUIRE(std::raise(number) == 0);
      loop.run();
      CHECK(has_default_action(number));  // a second one would end the process
    }
    CHECK(stops == 1);
  }
}

TEST_CASE("signals: a closed pipe is an error, not the end") {
  Loop loop;
  const StopSignals signals(loop, [] {});
  CHECK(std::raise(SIGPIPE) == 0);
}

TEST_CASE("signals: nothing stays behind") {
  {
    Loop loop;
    const StopSignals signals(loop, [] {});
    CHECK_FALSE(has_default_action(SIGTERM));
  }
  CHECK(has_default_action(SIGTERM));
}

}  // namespace
}  // namespace xylem
