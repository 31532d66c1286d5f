#include "cli/progress.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <unistd.h>

namespace xylem::cli {
namespace {

std::string one_decimal(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", number);
  return text.data();
}

}  // namespace

Progress::Progress(const Clock& clock, bool on_terminal)
    : clock_(clock),
      on_terminal_(on_terminal),
      started_ms_(clock.monotonic_ms()),
      drawn_ms_(started_ms_) {}

Progress Progress::on_standard_error(const Clock& clock) {
  return {clock, isatty(STDERR_FILENO) == 1};
}

void Progress::update(std::int64_t records, std::int64_t bytes) {
  if (is_due()) say(summary(records, bytes));
}

void Progress::say(std::string_view line) {
  if (!is_due()) return;
  drawn_ms_ = clock_.monotonic_ms();
  drawn_ = true;
  std::fprintf(stderr, "\r\033[K%.*s", static_cast<int>(line.size()), line.data());
}

bool Progress::is_due() const {
  return on_terminal_ && clock_.monotonic_ms() - drawn_ms_ >= kRedrawMs;
}

void Progress::clear() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

std::string Progress::summary(std::int64_t records, std::int64_t bytes) const {
  const auto ms = std::max<std::int64_t>(clock_.monotonic_ms() - started_ms_, 1);
  return with_commas(records) + " records, " + human_bytes(bytes) + ", " +
         one_decimal(static_cast<double>(ms) / 1000) + " s, " + with_commas(records * 1000 / ms) +
         " records/s";
}

std::string with_commas(std::int64_t number) {
  auto text = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = text.size(); at > first + 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string human_bytes(std::int64_t bytes) {
  constexpr std::array kUnits = {"B", "kB", "MB", "GB", "TB"};
  if (bytes < 1000) return std::to_string(bytes) + " B";
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; amount >= 1000 && unit + 1 < kUnits.size(); ++unit) amount /= 1000;
  return one_decimal(amount) + " " + kUnits.at(unit);
}

std::string human_age(std::int64_t ms) {
  constexpr std::int64_t kSecond = 1000;
  constexpr std::int64_t kMinute = 60 * kSecond;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  if (ms < 0) return "?";
  if (ms < kSecond) return std::to_string(ms) + " ms";
  if (ms < kMinute) return one_decimal(static_cast<double>(ms) / kSecond) + " s";
  if (ms < 2 * kHour) return std::to_string(ms / kMinute) + " min";
  if (ms < 2 * kDay) return std::to_string(ms / kHour) + " h";
  return std::to_string(ms / kDay) + " d";
}

}  // namespace xylem::cli
