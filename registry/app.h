// The registry as a program: its parts in the order in which they start; they stop in the reverse
// one.
//
// Threads: everything on the thread that calls create() and run(), but for the store's and the
// topic proxy's own.
#pragma once

#include "common/clock.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/random.h"
#include "common/signals.h"
#include "common/timer.h"
#include "registry/config.h"
#include "registry/refresh/refresh_jobs.h"
#include "registry/registry_http.h"
#include "registry/store_writer.h"

#include <memory>

namespace xylem::registry {

class App {
 public:
  // Opens the store and listens. Errors: the store's, or kUnavailable for the port.
  static Result<std::unique_ptr<App>> create(const RegistryConfig& config);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  void run();  // until SIGTERM or SIGINT

 private:
  App(const RegistryConfig& config, NodeStore store, RegistryState state);
  Status listen(const RegistryConfig& config);

  Loop loop_;
  SystemClock clock_;
  Random random_;
  Logger logger_;
  Metrics metrics_;
  RegistryService service_;
  RefreshJobs refreshes_;
  StoreWriter writer_;
  RegistryHttp http_;
  Timer lapse_;
  StopSignals signals_;
};

}  // namespace xylem::registry
