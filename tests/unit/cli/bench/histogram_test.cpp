#include "cli/bench/histogram.h"

#include "common/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using xylem::cli::Histogram;

TEST_CASE("an empty histogram says nothing") {
  const Histogram histogram;
  CHECK(histogram.count() == 0);
  CHECK(histogram.at(0.5) == 0);
  CHECK(histogram.max() == 0);
}

TEST_CASE("small values are exact") {
  Histogram histogram;
  for (int value = 1; value <= 1'000; ++value) histogram.add(value);
  CHECK(histogram.at(0.5) == 500);
  CHECK(histogram.at(0.99) == 990);
  CHECK(histogram.at(0.999) == 999);
  CHECK(histogram.at(1) == 1'000);
  CHECK(histogram.at(0) == 1);
}

TEST_CASE("no value is off by more than 0.1 %, and none is told too small") {
  xylem::Random random(7);
  for (int bits = 1; bits <= 40; ++bits) {
    for (int i = 0; i < 200; ++i) {
      const auto value =
          static_cast<std::int64_t>(random.below((std::uint64_t{1} << bits) - 1)) + 1;
      Histogram histogram;
      histogram.add(value);
      histogram.add(Histogram::kValueMax);
      const auto told = histogram.at(0.5);
      REQUIRE(told >= value);
      REQUIRE(static_cast<double>(told - value) <= static_cast<double>(value) * 0.001);
    }
  }
}

TEST_CASE("percentiles agree with a sorted list") {
  xylem::Random random(11);
  Histogram histogram;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 10'000; ++i) {
    values.push_back(static_cast<std::int64_t>(random.below(5'000'000)));
    histogram.add(values.back());
  }
  std::ranges::sort(values);
  for (const double share : {0.1, 0.5, 0.9, 0.99, 0.999}) {
    const auto exact = values.at(static_cast<std::size_t>(share * 10'000) - 1);
    CHECK(static_cast<double>(histogram.at(share)) == doctest::Approx(exact).epsilon(0.001));
  }
  CHECK(histogram.max() == values.back());
}

TEST_CASE("what lies outside counts at the edge") {
  Histogram histogram;
  histogram.add(-5);
  CHECK(histogram.at(1) == 0);
  histogram.add(Histogram::kValueMax + 5);
  CHECK(histogram.at(1) == Histogram::kValueMax);
  CHECK(histogram.count() == 2);
}
