#include "common/backoff.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace xylem {
namespace {

TEST_CASE("backoff: jitter over the whole of a doubling interval") {
  Random random(1);
  for (const std::uint64_t limit_ms : {100U, 200U, 400U, 500U, 500U}) {
    std::uint64_t least = UINT64_MAX;
    std::uint64_t most = 0;
    for (int run = 0; run < 2'000; ++run) {
      Backoff backoff(100, 500);
      std::uint64_t delay_ms = 0;
      for (std::uint64_t at = 100; delay_ms = backoff.next_ms(random), at < limit_ms;)
        at = std::min<std::uint64_t>(at * 2, 500);
      least = std::min(least, delay_ms);
      most = std::max(most, delay_ms);
    }
    CHECK(least < limit_ms / 20);
    CHECK(most <= limit_ms);
    CHECK(most > limit_ms - limit_ms / 20);
  }
}

TEST_CASE("backoff: begins anew after a reset") {
  Random random(1);
  Backoff backoff(1, 1'000'000);
  for (int i = 0; i < 15; ++i) backoff.next_ms(random);
  backoff.reset();
  CHECK(backoff.next_ms(random) <= 1);
}

}  // namespace
}  // namespace xylem
