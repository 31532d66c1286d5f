#include "network/client/backoff.h"

#include "network/client/retry_policy.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace xylem::network {
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

TEST_CASE("retry policy: 1 s doubling to 30 s, then every 30 s") {
  RetrySchedule schedule({});
  for (const std::uint64_t ms : {1'000U, 2'000U, 4'000U, 8'000U, 16'000U})
    CHECK(schedule.next_ms() == ms);
  for (int i = 0; i < 20; ++i) CHECK(schedule.next_ms() == 30'000);
  schedule.reset();
  CHECK(schedule.next_ms() == 1'000);
}

TEST_CASE("retry policy: after the doubling tries the delay is fixed, however short it was") {
  RetrySchedule schedule({.first_ms = 1, .max_ms = 1'000, .doubling_tries = 3});
  for (const std::uint64_t ms : {1U, 2U, 4U, 1'000U, 1'000U}) CHECK(schedule.next_ms() == ms);
}

TEST_CASE("retry policy: names") {
  CHECK(retry_policy_of("EXPONENTIAL_THEN_FIXED") == RetryPolicy::kExponentialThenFixed);
  CHECK(retry_policy_of("SKIP_ON_ERROR") == RetryPolicy::kSkipOnError);
  CHECK(retry_policy_of("PAUSE_ON_ERROR") == RetryPolicy::kPauseOnError);
  REQUIRE_FALSE(retry_policy_of("skip"));
  CHECK(retry_policy_of("skip").error().code() == Errc::kInvalidRequest);
}

}  // namespace
}  // namespace xylem::network
