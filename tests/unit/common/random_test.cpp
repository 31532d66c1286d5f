#include "common/random.h"

#include <doctest/doctest.h>

#include <array>

namespace xylem {
namespace {

TEST_CASE("random: one seed, one sequence") {
  Random one(7);
  Random same(7);
  Random other(8);
  int differing = 0;
  for (int i = 0; i < 100; ++i) {
    const auto value = one.next();
    CHECK(value == same.next());
    differing += value != other.next();
  }
  CHECK(differing == 100);
}

TEST_CASE("random: below stays below, reaches every value, and is even") {
  Random random(1);
  CHECK(random.below(0) == 0);
  CHECK(random.below(1) == 0);
  constexpr int kDraws = 60'000;
  std::array<int, 6> drawn{};
  for (int i = 0; i < kDraws; ++i) ++drawn.at(random.below(drawn.size()));
  for (const int count : drawn) {
    CHECK(count > kDraws / 6 - 500);  // five standard deviations
    CHECK(count < kDraws / 6 + 500);
  }
  for (int i = 0; i < 100; ++i) CHECK(random.below(UINT64_MAX) < UINT64_MAX);
}

TEST_CASE("random: the system's seeds differ") { CHECK(system_seed() != system_seed()); }

}  // namespace
}  // namespace xylem
