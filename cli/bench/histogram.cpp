#include "cli/bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace xylem::cli {
namespace {

constexpr int kBits = 10;
constexpr std::int64_t kPerDoubling = std::int64_t{1} << kBits;

// Values are told apart by their highest 11 bits; `shift` is how many are left out.
int shift_of(std::int64_t value) {
  return std::max(0, int(std::bit_width(static_cast<std::uint64_t>(value))) - kBits - 1);
}

std::size_t bucket_of(std::int64_t value) {
  const int shift = shift_of(value);
  return static_cast<std::size_t>(shift * kPerDoubling + (value >> shift));
}

std::int64_t highest_in(std::size_t bucket) {
  const auto index = static_cast<std::int64_t>(bucket);
  const auto shift = std::max<std::int64_t>(0, index / kPerDoubling - 1);
  return ((index - shift * kPerDoubling + 1) << shift) - 1;
}

}  // namespace

Histogram::Histogram() : buckets_(bucket_of(kValueMax) + 1) {}

void Histogram::add(std::int64_t value) {
  value = std::clamp<std::int64_t>(value, 0, kValueMax);
  ++buckets_[bucket_of(value)];
  ++count_;
  max_ = std::max(max_, value);
}

std::int64_t Histogram::at(double share) const {
  const auto wanted = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(std::ceil(share * static_cast<double>(count_))));
  std::int64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= wanted) return std::min(highest_in(bucket), max_);
  }
  return 0;
}

}  // namespace xylem::cli
