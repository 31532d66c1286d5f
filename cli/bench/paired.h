// Statistics of interleaved pairs: medians, and how sure a ratio is.
#pragma once

#include <optional>
#include <utility>
#include <vector>

namespace xylem::cli {

[[nodiscard]] double median(std::vector<double> values);  // 0 of none

// The narrowest interval between two of the values, as far from either end, that holds the median
// with at least 90 % (the sign test's). nullopt: fewer than five values cannot say so.
[[nodiscard]] std::optional<std::pair<double, double>> median_interval_90(
    std::vector<double> values);

}  // namespace xylem::cli
