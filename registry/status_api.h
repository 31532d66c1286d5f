// /healthz (alive), /readyz (able to serve), /metrics (Prometheus).
//
// Threads: the loop's.
#pragma once

#include "common/metrics.h"
#include "registry/registry_service.h"
#include "registry/routes.h"

#include <functional>

namespace xylem::registry {

// `ready` answers what is in the way; it is asked at each /readyz.
void add_status(Routes& routes,
                Metrics& metrics,
                const RegistryService& service,
                std::function<Status()> ready);

}  // namespace xylem::registry
