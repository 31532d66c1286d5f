#include "common/config/point_in_time.h"

#include "common/quantity.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace xylem {
namespace {

constexpr auto kForms = "a moment as 2026-11-22T10:00:00Z, 90m (so long ago), or milliseconds";

// RFC 3339 without fractions and offsets.
Result<std::int64_t> parse_utc(const std::string& text) {
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  unsigned hour = 0;
  unsigned minute = 0;
  unsigned second = 0;
  int used = 0;
  const int read = std::sscanf(text.c_str(), "%4d-%2u-%2uT%2u:%2u:%2uZ%n", &year, &month, &day,
                               &hour, &minute, &second, &used);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  const bool is_whole = read == 6 && used == static_cast<int>(text.size());
  if (!is_whole || !date.ok() || hour > 23 || minute > 59 || second > 59)
    return fail(Errc::kInvalidRequest, "\"" + text + "\" is no moment", kForms);
  const auto seconds = std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
                       std::chrono::minutes(minute) + std::chrono::seconds(second);
  return std::chrono::duration_cast<std::chrono::milliseconds>(seconds).count();
}

}  // namespace

Result<std::int64_t> parse_point_in_time(const std::string& text, std::int64_t now_ms) {
  auto moment = text.contains('T') ? parse_utc(text) : parse_number(text);
  if (!moment && !text.contains('T')) {
    const auto ago_ms = parse_duration_ms(text);
    if (!ago_ms) return fail(Errc::kInvalidRequest, "\"" + text + "\" is no moment", kForms);
    moment = now_ms - *ago_ms;
  }
  if (!moment) return moment;
  return std::max<std::int64_t>(0, *moment);
}

}  // namespace xylem
