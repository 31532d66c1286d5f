#include "broker/refresh/refresh_status.h"

#include "broker/json/json_text.h"

#include <nlohmann/json.hpp>

#include <array>
#include <charconv>
#include <utility>

namespace xylem::broker {
namespace {

constexpr std::size_t kIdDigits = 16;

constexpr std::array<std::string_view, 5> kNames = {"RESET_SENT", "REPLAYING", "READY_SENT",
                                                    "COMPLETED", "ABORTED"};

nlohmann::json numbers(const std::vector<Offset>& offsets) {
  auto array = nlohmann::json::array();
  for (const auto offset : offsets) array.push_back(offset.value());
  return array;
}

}  // namespace

std::string_view to_string(RefreshState state) noexcept {
  return kNames.at(std::to_underlying(state));
}

std::optional<RefreshState> refresh_state_of(std::string_view text) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames.at(i) == text) return static_cast<RefreshState>(i);
  return std::nullopt;
}

std::string to_json(const RefreshStatus& status) {
  nlohmann::json ended;
  if (status.ended_at_ms) ended = *status.ended_at_ms;
  return json_text({{"id", refresh_id_text(status.id)},
                    {"topic", status.topic},
                    {"state", to_string(status.state)},
                    {"reason", status.reason},
                    {"startedBy", status.started_by},
                    {"startedAt", status.started_at_ms},
                    {"endedAt", std::move(ended)},
                    {"consumers",
                     {{"total", status.consumers},
                      {"reset", status.consumers_reset},
                      {"ready", status.consumers_ready}}},
                    {"owed", status.owed},
                    {"barrier", numbers(status.barrier)},
                    {"replayed", numbers(status.replayed)},
                    {"failure", status.failure}});
}

std::string refresh_id_text(std::uint64_t id) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(kIdDigits, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, id /= kDigits.size())
    *digit = kDigits[id % kDigits.size()];
  return text;
}

Result<std::uint64_t> refresh_id_of(std::string_view text) {
  std::uint64_t id = 0;
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, id, 16);
  if (text.size() != kIdDigits || read.ec != std::errc() || read.ptr != end || id == 0)
    return fail(Errc::kInvalidRequest, "\"" + std::string(text.substr(0, 2 * kIdDigits)) +
                                           "\" is no id of a refresh: 16 hexadecimal digits");
  return id;
}

}  // namespace xylem::broker
