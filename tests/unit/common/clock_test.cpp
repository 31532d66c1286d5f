#include "common/clock.h"

#include <doctest/doctest.h>

namespace xylem {
namespace {

TEST_CASE("clock: the system's never goes back and knows the year") {
  const SystemClock clock;
  auto last = clock.monotonic_us();
  for (int i = 0; i < 1'000; ++i) {
    const auto now = clock.monotonic_us();
    CHECK(now >= last);
    last = now;
  }
  constexpr std::int64_t kYear2024 = 1'704'067'200'000;
  CHECK(clock.wall_ms() > kYear2024);
}

TEST_CASE("clock: the manual one moves when told; jumps are the wall clock's alone") {
  ManualClock clock;
  const auto wall = clock.wall_ms();
  clock.advance_ms(5);
  CHECK(clock.monotonic_ms() == 5);
  CHECK(clock.monotonic_us() == 5'000);
  CHECK(clock.wall_ms() == wall + 5);
  clock.jump_wall_ms(-100);
  CHECK(clock.monotonic_ms() == 5);
  CHECK(clock.wall_ms() == wall - 95);
}

}  // namespace
}  // namespace xylem
