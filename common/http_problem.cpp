#include "common/http_problem.h"

#include "common/bytes.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xylem {
namespace {

std::optional<Errc> errc_named(std::string_view name) {
  for (std::uint16_t number = 1; const auto code = errc_of(number); ++number) {
    if (to_string(*code) == name) return code;
  }
  return std::nullopt;
}

}  // namespace

Error problem_in(const HttpAnswer& answer, Errc otherwise) {
  const std::string status = "HTTP status " + std::to_string(answer.status);
  const auto document = nlohmann::json::parse(text_of(answer.body), nullptr, false);
  if (!document.is_object()) return {otherwise, status};
  const auto text = [&](const char* name) {
    const auto field = document.find(name);
    return field != document.end() && field->is_string() ? field->get<std::string>()
                                                         : std::string();
  };
  const auto detail = text("detail");
  return {errc_named(text("code")).value_or(otherwise), detail.empty() ? status : detail,
          text("hint")};
}

}  // namespace xylem
