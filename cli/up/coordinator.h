// `xylem up` as a whole: plan, processes, readiness, console, end.
//
// Owns: the loop and everything on it. One at a time on a directory (a lock in it).
#pragma once

#include "cli/client_runtime.h"
#include "cli/exit_code.h"
#include "cli/format/line_splitter.h"
#include "cli/input_files.h"
#include "cli/up/console.h"
#include "cli/up/console_socket.h"
#include "cli/up/plan.h"
#include "cli/up/readiness.h"
#include "cli/up/supervisor.h"
#include "common/logger.h"
#include "common/result.h"
#include "common/timer.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace xylem::cli {

class Coordinator {
 public:
  static constexpr std::uint64_t kReadyLimitMs = 120'000;
  static constexpr std::uint64_t kTellEveryMs = 5'000;  // what it waits for

  Coordinator(const UpOptions& options, Plan plan, std::string self);
  ~Coordinator();
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  // Until it was told to stop, and everything has stopped.
  ExitCode run();

 private:
  Status prepare();
  [[nodiscard]] Status check_programs() const;
  void bring_up(std::size_t tier);
  void on_brokers_ready();
  void on_topics_ready();
  void on_ready();
  void tell_what_is_missing();
  void read_commands();
  void run_next_command();
  void publish_endpoints();
  void shut_down(ExitCode code);

  UpOptions options_;
  Plan plan_;
  std::shared_ptr<void> lock_;
  ClientRuntime runtime_;
  Logger logger_;
  Supervisor supervisor_;
  Console console_;
  Readiness readiness_;
  std::unique_ptr<ConsoleSocket> socket_;
  std::unique_ptr<InputFiles> input_;
  LineSplitter lines_;
  std::deque<std::string> commands_;  // read, to be run one after the other
  bool is_input_over_ = false;
  Timer patience_;
  Timer publish_later_;
  std::int64_t started_ms_;
  bool is_stopping_ = false;
};

}  // namespace xylem::cli
