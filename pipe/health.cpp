#include "pipe/pipe_client.h"

namespace xylem::pipe {

std::string_view to_string(Health health) noexcept {
  switch (health) {
    case Health::kHealthy:
      return "HEALTHY";
    case Health::kDegraded:
      return "DEGRADED";
    case Health::kUnhealthy:
      return "UNHEALTHY";
  }
  return "UNKNOWN";
}

}  // namespace xylem::pipe
