// Looks whether the ports of a plan are free, before anything is started.
#pragma once

#include "cli/up/plan.h"
#include "common/result.h"

#include <cstdint>

namespace xylem::cli {

// kAlreadyExists names the port, who needs it and as what.
Status check_ports(const Plan& plan);

[[nodiscard]] Status check_port(std::uint16_t port);  // on 127.0.0.1

}  // namespace xylem::cli
