// What `xylem` ends with, so that scripts can tell why (README.md lists them).
#pragma once

#include "common/error.h"

#include <cstdint>

namespace xylem::cli {

enum class ExitCode : std::uint8_t {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,
  kNotFound = 3,
  kUnavailable = 4,  // nobody answered, or not in time
  kInterrupted = 130,
};

[[nodiscard]] ExitCode exit_code_of(Errc code) noexcept;

}  // namespace xylem::cli
