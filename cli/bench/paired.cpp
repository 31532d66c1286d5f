#include "cli/bench/paired.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace xylem::cli {

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::optional<std::pair<double, double>> median_interval_90(std::vector<double> values) {
  constexpr double kTailMax = 0.05;
  std::ranges::sort(values);
  // The chance that at most `left` of n values lie below the median.
  const auto count = static_cast<double>(values.size());
  double chance = std::exp2(-count);
  double tail = chance;
  std::size_t left = 0;
  while (tail <= kTailMax && left < values.size()) {
    ++left;
    chance *= (count - static_cast<double>(left) + 1) / static_cast<double>(left);
    tail += chance;
  }
  if (left == 0) return std::nullopt;
  return std::pair(values[left - 1], values[values.size() - left]);
}

}  // namespace xylem::cli
