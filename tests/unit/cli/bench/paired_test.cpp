#include "cli/bench/paired.h"

#include <doctest/doctest.h>

using xylem::cli::median;
using xylem::cli::median_interval_90;

TEST_CASE("the median of an odd, an even and no number of values") {
  CHECK(median({3, 1, 2}) == 2);
  CHECK(median({4, 1, 3, 2}) == 2.5);
  CHECK(median({}) == 0);
}

// The table of the sign test: of 10 values the 2nd and 9th, of 20 the 6th and 15th.
TEST_CASE("the interval of the median follows the binomial distribution") {
  CHECK_FALSE(median_interval_90({1, 2, 3, 4}));
  CHECK(median_interval_90({5, 4, 3, 2, 1}) == std::pair(1.0, 5.0));
  CHECK(median_interval_90({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) == std::pair(2.0, 9.0));
  CHECK(median_interval_90({1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                            11, 12, 13, 14, 15, 16, 17, 18, 19, 20}) == std::pair(6.0, 15.0));
}
