// Seeded randomness, passed in: xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64.
//
// Not for secrets: tokens take theirs from getrandom (system_seed is getrandom too, but this
// generator is predictable from its output).
// Threads: an object belongs to one thread.
#pragma once

#include <array>
#include <cstdint>

namespace xylem {

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept;

  std::uint64_t next() noexcept;

  // Uniform in [0, bound); 0 for a bound of 0.
  std::uint64_t below(std::uint64_t bound) noexcept;

 private:
  std::array<std::uint64_t, 4> state_{};
};

// From the operating system; different at every call.
std::uint64_t system_seed();

}  // namespace xylem
