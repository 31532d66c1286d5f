// The process's own figures, under the names that Prometheus' client libraries agree on.
//
// Source: https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
#pragma once

#include <string>

namespace xylem {

// A figure that cannot be read is left out.
void append_process_metrics(std::string& exposition);

}  // namespace xylem
