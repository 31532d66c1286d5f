// What a command that talks to brokers runs on: a loop, TCP, time, chance, and Ctrl-C.
//
//   ClientRuntime runtime;
//   AdminClient admin(runtime.context(), {...});
//   admin.metadata({}, [&](auto answer) { ...; runtime.finish(ExitCode::kOk); });
//   return runtime.run();
//
// Threads: the one that made it.
#pragma once

#include "cli/exit_code.h"
#include "common/clock.h"
#include "common/loop.h"
#include "common/random.h"
#include "common/signals.h"
#include "network/client/context.h"
#include "network/transport/transport.h"

#include <functional>
#include <memory>
#include <utility>

namespace xylem::cli {

class ClientRuntime {
 public:
  ClientRuntime();
  ~ClientRuntime();
  ClientRuntime(const ClientRuntime&) = delete;
  ClientRuntime& operator=(const ClientRuntime&) = delete;

  [[nodiscard]] network::ClientContext context();

  [[nodiscard]] Loop& loop() { return loop_; }

  [[nodiscard]] const Clock& clock() const { return clock_; }

  // Instead of ending with kInterrupted at the first SIGINT or SIGTERM; a second one kills.
  void on_interrupt(std::function<void()> callback) { interrupt_ = std::move(callback); }

  ExitCode run();  // until finish()
  void finish(ExitCode code);

 private:
  void interrupted();

  SystemClock clock_;
  Random random_;
  Loop loop_;
  std::unique_ptr<network::NetworkClient> network_;
  std::function<void()> interrupt_;
  StopSignals signals_;
  ExitCode code_ = ExitCode::kOk;
};

}  // namespace xylem::cli
