// Counts of latencies in log-linear buckets, as HdrHistogram's: exact below 2,048, then 1,024
// buckets for every doubling, so no value is off by more than 0.1 %.
//
// Source: http://hdrhistogram.org
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace xylem::cli {

class Histogram {
 public:
  Histogram();

  // Below 0 counts as 0, above kValueMax as that.
  void add(std::int64_t value);

  // The smallest value that at least `share` (0..1) of all are not above, as the highest value of
  // its bucket; 0 when there is none.
  [[nodiscard]] std::int64_t at(double share) const;

  [[nodiscard]] std::int64_t max() const { return max_; }

  [[nodiscard]] std::int64_t count() const { return count_; }

  static constexpr std::int64_t kValueMax = (std::int64_t{1} << 40) - 1;

 private:
  std::vector<std::int64_t> buckets_;
  std::int64_t count_ = 0;
  std::int64_t max_ = 0;
};

}  // namespace xylem::cli
