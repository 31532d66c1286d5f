// The coordinator's commands, wherever they come from: standard input or the console's socket.
//
//   status | broker list | broker start N | broker stop N | producer start|stop |
//   consumer start|stop | tree | restart all | help | quit         N: an id, or a number of the
//   list
//
// Threads: the loop's, and a worker for the registry's HTTP. Replies come on the loop, never
// inside the call; each command gets one.
#pragma once

#include "cli/exit_code.h"
#include "cli/up/supervisor.h"
#include "common/loop.h"
#include "common/worker.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::cli {

class Console {
 public:
  struct Reply {
    ExitCode code = ExitCode::kOk;
    std::string text;  // whole lines
  };

  using Done = std::function<void(const Reply&)>;

  struct Settings {
    std::string registry_url;
    std::function<void()> quit;
  };

  Console(Loop& loop, Supervisor& supervisor, Settings settings);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  void run(std::string_view line, Done done);

 private:
  void start_or_stop(std::string_view verb, const std::string& id, Done done);
  void restart_all(Done done);
  void draw_fleet(Done done);
  void reply(Done done, ExitCode code, std::string text);
  [[nodiscard]] std::string status() const;
  [[nodiscard]] std::string broker_list() const;
  [[nodiscard]] std::string broker_id(std::string_view name) const;  // empty: none

  Loop& loop_;
  Supervisor& supervisor_;
  Settings settings_;
  std::shared_ptr<const bool> alive_;  // weakly held by replies on their way
  Worker worker_;
};

// Split at spaces.
[[nodiscard]] std::vector<std::string> words_of(std::string_view line);

}  // namespace xylem::cli
