#include "common/batch/due_time.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>

namespace xylem {
namespace {

Result<std::optional<std::int64_t>> time_of(std::optional<std::string_view> text) {
  std::int64_t time_ms = -1;
  if (text) {
    const auto* const end = text->data() + text->size();
    const auto [parsed, error] = std::from_chars(text->data(), end, time_ms);
    if (error == std::errc() && parsed == end && time_ms >= 0) return time_ms;
  }
  return fail(Errc::kInvalidRequest, "header " + std::string(kDueAtHeader) + " is not a time",
              "write milliseconds since 1970 (UTC) in decimal digits");
}

}  // namespace

void set_due_at(Record& record, std::int64_t due_at_ms) {
  std::erase_if(record.headers, [](const auto& header) { return header.first == kDueAtHeader; });
  record.headers.emplace_back(kDueAtHeader, std::to_string(due_at_ms));
}

Result<std::optional<std::int64_t>> due_at(const Record& record) {
  const auto found = std::ranges::find(
      record.headers, kDueAtHeader, [](const auto& header) -> const auto& { return header.first; });
  if (found == record.headers.end()) return std::nullopt;
  return time_of(found->second);
}

Result<std::optional<std::int64_t>> due_at(const RecordView& record) {
  const auto found = std::ranges::find(record.headers, kDueAtHeader, &HeaderView::key);
  if (found == record.headers.end()) return std::nullopt;
  if (!found->value) return time_of(std::nullopt);
  return time_of(text_of(*found->value));
}

Status check_due_at(std::int64_t due_at_ms, std::int64_t now_ms) {
  if (due_at_ms - now_ms <= kDueAheadMsMax) return {};
  return fail(Errc::kInvalidRequest, "a record is due more than 400 days from now",
              "check that " + std::string(kDueAtHeader) + " is in milliseconds");
}

}  // namespace xylem
