#include "cli/exit_code.h"

namespace xylem::cli {

ExitCode exit_code_of(Errc code) noexcept {
  switch (code) {
    case Errc::kInvalidRequest:
      return ExitCode::kUsage;
    case Errc::kNotFound:
    case Errc::kUnknownTopicOrPartition:
      return ExitCode::kNotFound;
    case Errc::kUnavailable:
    case Errc::kTimeout:
      return ExitCode::kUnavailable;
    case Errc::kCancelled:
      return ExitCode::kInterrupted;
    default:
      return ExitCode::kFailed;
  }
}

}  // namespace xylem::cli
