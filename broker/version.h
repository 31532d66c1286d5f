// The version of this build.
#pragma once

#include <string_view>

namespace xylem::broker {

inline constexpr std::string_view kVersion = XYLEM_VERSION;

}  // namespace xylem::broker
