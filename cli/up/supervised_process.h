// Keeps one process of the plan running: starts it, looks whether it answers, starts it again when
// it ends by itself, and stops it when asked.
//
//   STOPPED -start-> STARTING -answers-> SERVING -ends-> WAITING (back-off) -> STARTING
//   any -stop-> STOPPING (SIGTERM, after kStopLimitMs SIGKILL) -ends-> STOPPED
//
// It answers when a TCP connection to it succeeds; one without an address serves once it runs. A
// process that served and then refuses for kMissedMax checks in a row is killed, and so restarted.
//
// Threads: the loop's; callbacks run on it.
#pragma once

#include "cli/up/child_process.h"
#include "cli/up/plan.h"
#include "common/backoff.h"
#include "common/timer.h"
#include "network/client/context.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::cli {

class SupervisedProcess {
 public:
  enum class State : std::uint8_t { kStopped, kStarting, kServing, kWaiting, kStopping };

  static constexpr std::uint64_t kStopLimitMs = 10'000;
  static constexpr std::uint64_t kCheckEveryMs = 1'000;
  static constexpr std::uint64_t kFirstChecksEveryMs = 50;  // while starting
  static constexpr int kMissedMax = 10;
  static constexpr std::uint64_t kBackoffMs = 250;
  static constexpr std::uint64_t kBackoffMaxMs = 10'000;
  static constexpr std::int64_t kStableMs = 10'000;  // ran so long: the back-off begins anew

  struct Settings {
    std::string self;                                // the path of `xylem`
    std::map<std::string, std::string> environment;  // what every child gets
    std::function<void()> changed;                   // its pid or state
  };

  SupervisedProcess(const network::ClientContext& context,
                    const ProcessSpec& spec,
                    const Settings& settings);
  ~SupervisedProcess();
  SupervisedProcess(const SupervisedProcess&) = delete;
  SupervisedProcess& operator=(const SupervisedProcess&) = delete;

  void start();
  void stop();

  // Calls back once it is SERVING or STOPPED; at once, later, when it is.
  void when_settled(std::function<void()> callback);

  [[nodiscard]] const ProcessSpec& spec() const { return spec_; }

  [[nodiscard]] State state() const { return state_; }

  [[nodiscard]] int pid() const { return child_ ? child_->pid() : 0; }

  [[nodiscard]] int restarts() const { return restarts_; }

 private:
  void spawn();
  void on_exit(const ChildProcess::Exit& exit);
  void wait_and_spawn();
  void check();
  void on_checked(bool answers);
  void become(State state);

  network::ClientContext context_;
  const ProcessSpec& spec_;
  const Settings& settings_;
  Backoff backoff_;
  Timer check_timer_;
  Timer spawn_timer_;
  Timer kill_timer_;
  Timer settled_timer_;
  std::unique_ptr<ChildProcess> child_;
  State state_ = State::kStopped;
  bool is_wanted_ = false;
  int missed_ = 0;
  int restarts_ = 0;
  std::int64_t spawned_ms_ = 0;
  std::vector<std::function<void()>> settled_;
  std::shared_ptr<const bool> alive_;  // weakly held by checks under way
};

[[nodiscard]] std::string_view to_string(SupervisedProcess::State state) noexcept;

}  // namespace xylem::cli
