// JSON of other people's making, taken and given so that nothing in it can hurt: what is parsed has
// bounded depth, for whoever walks it recurses; what is written is UTF-8, whatever names are made
// of.
//
// Threads: any. Only for .cpp files that know nlohmann/json.
#pragma once

#include "common/result.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>

namespace xylem::broker {

inline constexpr int kJsonDepthMax = 64;

// kInvalidRequest: no JSON, or nested deeper.
Result<nlohmann::json> parse_json(std::string_view text);

// The same of an object; `what` names it in the error.
Result<nlohmann::json> parse_json_object(std::string_view text, std::string_view what);

// Bytes of texts that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string json_text(const nlohmann::json& value);

}  // namespace xylem::broker
