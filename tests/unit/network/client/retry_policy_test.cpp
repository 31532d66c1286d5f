#include "network/client/retry_policy.h"

#include <doctest/doctest.h>

namespace xylem::network {
namespace {

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
