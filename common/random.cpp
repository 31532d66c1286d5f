#include "common/random.h"

#include "common/check.h"

#include <bit>
#include <sys/random.h>

namespace xylem {

Random::Random(std::uint64_t seed) noexcept {
  for (auto& word : state_) {
    seed += 0x9e37'79b9'7f4a'7c15;
    auto mixed = seed;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58'476d'1ce4'e5b9;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d0'49bb'1331'11eb;
    word = mixed ^ (mixed >> 31U);
  }
}

std::uint64_t Random::next() noexcept {
  auto& s = state_;
  const auto result = std::rotl(s[1] * 5, 7) * 9;
  const auto shifted = s[1] << 17U;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= shifted;
  s[3] = std::rotl(s[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t bound) noexcept {
  if (bound == 0) return 0;
  const auto reject_below = (0 - bound) % bound;  // removes the modulo's bias
  for (;;) {
    const auto value = next();
    if (value >= reject_below) return value % bound;
  }
}

std::uint64_t system_seed() {
  std::uint64_t seed = 0;
  XYLEM_CHECK(getrandom(&seed, sizeof seed, 0) == sizeof seed);
  return seed;
}

}  // namespace xylem
