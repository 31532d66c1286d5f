#include "pipe/health.h"

#include <doctest/doctest.h>

namespace xylem::pipe {
namespace {

constexpr std::int64_t kInterval = 5'000;
constexpr std::int64_t kUnhealthy = 30'000;

TEST_CASE("pipe health: unhealthy until the first success") {
  PipeHealth health(kInterval, kUnhealthy);
  CHECK(health.at(0, false) == Health::kUnhealthy);
  CHECK_FALSE(health.since_success_ms(0).has_value());
  health.failed(10);
  CHECK(health.at(10, false) == Health::kUnhealthy);
  health.succeeded(1'000);
  CHECK(health.since_success_ms(1'500) == 500);
}

TEST_CASE("pipe health: an idle parent that answers in time is healthy, then late, then gone") {
  PipeHealth health(kInterval, kUnhealthy);
  health.succeeded(0);
  CHECK(health.at(0, false) == Health::kHealthy);
  CHECK(health.at(15'000, false) == Health::kHealthy);
  CHECK(health.at(15'001, false) == Health::kDegraded);
  CHECK(health.at(29'999, false) == Health::kDegraded);
  CHECK(health.at(30'000, false) == Health::kUnhealthy);
}

TEST_CASE("pipe health: behind, or a failure in the last minute, is degraded") {
  PipeHealth health(kInterval, kUnhealthy);
  health.failed(0);
  health.succeeded(1'000);
  CHECK(health.at(1'000, false) == Health::kDegraded);
  health.succeeded(60'000);
  CHECK(health.at(60'000, false) == Health::kHealthy);
  CHECK(health.at(60'000, true) == Health::kDegraded);
}

TEST_CASE("pipe health: names") {
  CHECK(to_string(Health::kHealthy) == "HEALTHY");
  CHECK(to_string(Health::kDegraded) == "DEGRADED");
  CHECK(to_string(Health::kUnhealthy) == "UNHEALTHY");
}

}  // namespace
}  // namespace xylem::pipe
