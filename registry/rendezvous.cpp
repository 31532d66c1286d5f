#include "registry/rendezvous.h"

#include "common/check.h"

#include <cmath>
#include <cstdint>

namespace xylem::registry {
namespace {

// FNV-1a, then the finaliser of splitmix64, which spreads its weak high bits.
std::uint64_t hash(std::string_view child, std::string_view parent) noexcept {
  std::uint64_t value = 14'695'981'039'346'656'037U;
  const auto mix = [&value](unsigned char byte) { value = (value ^ byte) * 1'099'511'628'211U; };
  for (const char c : child) mix(static_cast<unsigned char>(c));
  mix('\n');  // no id holds it
  for (const char c : parent) mix(static_cast<unsigned char>(c));
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31U);
}

}  // namespace

double rendezvous_score(std::string_view child, std::string_view parent, double weight) {
  XYLEM_CHECK(weight > 0);
  const auto bits = static_cast<double>(hash(child, parent) >> 11U);  // 53 of them
  const double uniform = (bits + 0.5) * 0x1p-53;                      // in (0, 1)
  return -weight / std::log(uniform);
}

}  // namespace xylem::registry
