// Reads fields of a JSON document that another process made: what is missing or of another kind is
// the default, and no text of it can steer a terminal.
//
// Private to the .cpp files of this folder that know nlohmann/json.
#pragma once

#include "common/result.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace xylem::cli {

// kCorrupt: not a JSON object.
Result<nlohmann::json> parse_document(const std::string& text);

[[nodiscard]] std::string text_at(const nlohmann::json& object, const char* field);
[[nodiscard]] std::int64_t integer_at(const nlohmann::json& object,
                                      const char* field,
                                      std::int64_t otherwise = 0);
[[nodiscard]] bool flag_at(const nlohmann::json& object, const char* field);
[[nodiscard]] nlohmann::json list_at(const nlohmann::json& object, const char* field);
[[nodiscard]] std::vector<std::string> texts_at(const nlohmann::json& object, const char* field);

}  // namespace xylem::cli
