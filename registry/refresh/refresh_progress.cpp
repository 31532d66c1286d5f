#include "registry/refresh/refresh_progress.h"

#include <array>
#include <charconv>

namespace xylem::registry {
namespace {

constexpr std::size_t kDigits = 16;
constexpr std::array<std::string_view, 5> kPhaseNames{"RESET_SENT", "REPLAYING", "READY_SENT",
                                                      "COMPLETED", "ABORTED"};

bool is_digit(char c) noexcept { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

}  // namespace

std::string refresh_id_text(RefreshId id) {
  std::array<char, kDigits> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), id.value(), 16);
  const std::string_view written(digits.data(), end.ptr);
  return std::string(kDigits - written.size(), '0').append(written);
}

Result<RefreshId> refresh_id_of(std::string_view text) {
  std::uint64_t value = 0;
  bool good = text.size() == kDigits;
  for (const char c : text) good = good && is_digit(c);
  if (!good || std::from_chars(text.data(), text.data() + text.size(), value, 16).ec != std::errc())
    return fail(Errc::kInvalidRequest, "the id of a refresh is 16 lower-case hexadecimal digits");
  return RefreshId(value);
}

std::string_view to_string(RefreshPhase phase) noexcept {
  return kPhaseNames.at(static_cast<std::size_t>(phase));
}

std::optional<RefreshPhase> refresh_phase_of(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kPhaseNames.size(); ++i)
    if (kPhaseNames.at(i) == name) return static_cast<RefreshPhase>(i);
  return std::nullopt;
}

}  // namespace xylem::registry
