#include "common/quantity.h"

#include <array>
#include <charconv>
#include <span>

namespace xylem {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t size;
};

constexpr std::array kByteUnits = {
    Unit{"B", 1}, Unit{"KiB", std::int64_t{1} << 10}, Unit{"MiB", std::int64_t{1} << 20},
    Unit{"GiB", std::int64_t{1} << 30}, Unit{"TiB", std::int64_t{1} << 40}};

constexpr std::array kDurationUnits = {Unit{"ms", 1}, Unit{"s", 1'000}, Unit{"m", 60'000},
                                       Unit{"h", 3'600'000}, Unit{"d", 86'400'000}};

struct Quantity {
  std::int64_t number;
  std::string_view unit;
};

Result<Quantity> split(std::string_view text) {
  Quantity quantity{};
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), quantity.number);
  if (error != std::errc()) return fail(Errc::kInvalidRequest, "not a number that fits");
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  quantity.unit = text;
  return quantity;
}

Result<std::int64_t> scale(const Quantity& quantity, std::span<const Unit> units) {
  for (const auto& unit : units) {
    if (unit.name != quantity.unit) continue;
    std::int64_t scaled = 0;
    if (quantity.number < 0 || __builtin_mul_overflow(quantity.number, unit.size, &scaled)) break;
    return scaled;
  }
  return fail(Errc::kInvalidRequest, "not a quantity with a known unit");
}

}  // namespace

Result<std::int64_t> parse_number(std::string_view text) {
  const auto quantity = split(text);
  if (!quantity || !quantity->unit.empty())
    return fail(Errc::kInvalidRequest, "not a whole number that fits");
  return quantity->number;
}

Result<std::int64_t> parse_bytes(std::string_view text) {
  auto quantity = split(text);
  if (!quantity) return pass(quantity);
  if (quantity->unit.empty()) return quantity->number;
  return scale(*quantity, kByteUnits);
}

Result<std::int64_t> parse_duration_ms(std::string_view text) {
  auto quantity = split(text);
  if (!quantity) return pass(quantity);
  if (quantity->unit.empty() && quantity->number <= 0) return quantity->number;
  return scale(*quantity, kDurationUnits);
}

}  // namespace xylem
