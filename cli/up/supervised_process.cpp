#include "cli/up/supervised_process.h"

#include <csignal>
#include <filesystem>
#include <utility>

namespace xylem::cli {

std::string_view to_string(SupervisedProcess::State state) noexcept {
  using State = SupervisedProcess::State;
  switch (state) {
    case State::kStopped:
      return "stopped";
    case State::kStarting:
      return "starting";
    case State::kServing:
      return "serving";
    case State::kWaiting:
      return "waiting to restart";
    case State::kStopping:
      return "stopping";
  }
  return "unknown";
}

SupervisedProcess::SupervisedProcess(const network::ClientContext& context,
                                     const ProcessSpec& spec,
                                     const Settings& settings)
    : context_(context),
      spec_(spec),
      settings_(settings),
      backoff_(kBackoffMs, kBackoffMaxMs),
      check_timer_(context.loop),
      spawn_timer_(context.loop),
      kill_timer_(context.loop),
      settled_timer_(context.loop),
      alive_(std::make_shared<const bool>(true)) {}

SupervisedProcess::~SupervisedProcess() = default;

void SupervisedProcess::start() {
  is_wanted_ = true;
  if (state_ == State::kStopped) spawn();
}

void SupervisedProcess::stop() {
  is_wanted_ = false;
  spawn_timer_.stop();
  check_timer_.stop();
  if (!child_) return become(State::kStopped);
  if (state_ == State::kStopping) return;
  become(State::kStopping);
  child_->kill(SIGTERM);
  kill_timer_.start(kStopLimitMs, 0, [this] {
    context_.logger.warn("process.killed", {{"id", spec_.id}, {"why", "did not stop in time"}});
    child_->kill(SIGKILL);
  });
}

void SupervisedProcess::when_settled(std::function<void()> callback) {
  settled_.push_back(std::move(callback));
  become(state_);
}

void SupervisedProcess::spawn() {
  std::error_code made;
  std::filesystem::create_directories(spec_.directory, made);
  auto environment = settings_.environment;
  for (const auto& [name, value] : spec_.settings) environment[name] = value;
  auto child = ChildProcess::start(context_.loop,
                                   {.self = settings_.self,
                                    .program = spec_.program,
                                    .arguments = spec_.arguments,
                                    .environment = std::move(environment),
                                    .log_file = spec_.directory + "/log"},
                                   [this](const ChildProcess::Exit& exit) { on_exit(exit); });
  if (!child) {
    context_.logger.error("process.failed", {{"id", spec_.id}, {"error", child.error().what()}});
    return wait_and_spawn();
  }
  child_ = std::move(*child);
  spawned_ms_ = context_.clock.monotonic_ms();
  missed_ = 0;
  context_.logger.info("process.started", {{"id", spec_.id}, {"pid", child_->pid()}});
  become(State::kStarting);
  check_timer_.start(0, 0, [this] { check(); });
}

void SupervisedProcess::on_exit(const ChildProcess::Exit& exit) {
  context_.logger.info(
      "process.ended",
      {{"id", spec_.id}, {"pid", child_->pid()}, {"status", exit.status}, {"signal", exit.signal}});
  child_.reset();
  check_timer_.stop();
  kill_timer_.stop();
  if (!is_wanted_) return become(State::kStopped);
  if (state_ == State::kStopping) return spawn();  // wanted again meanwhile
  if (context_.clock.monotonic_ms() - spawned_ms_ >= kStableMs) backoff_.reset();
  ++restarts_;
  wait_and_spawn();
}

void SupervisedProcess::wait_and_spawn() {
  become(State::kWaiting);
  spawn_timer_.start(backoff_.next_ms(context_.random), 0, [this] { spawn(); });
}

void SupervisedProcess::check() {
  const auto& address = spec_.tcp ? spec_.tcp : spec_.http;
  if (!address) return become(State::kServing);
  const auto checked = [this, weak = std::weak_ptr(alive_), pid = pid()](const auto& connected) {
    if (!weak.expired() && pid == this->pid()) on_checked(connected.has_value());
  };
  context_.network.connect(*address, kCheckEveryMs, checked);
}

void SupervisedProcess::on_checked(bool answers) {
  if (state_ == State::kStopping) return;
  if (answers) {
    missed_ = 0;
    become(State::kServing);
  } else if (state_ == State::kServing && ++missed_ >= kMissedMax) {
    context_.logger.warn("process.killed", {{"id", spec_.id}, {"why", "does not answer"}});
    return child_->kill(SIGKILL);  // on_exit() goes on
  }
  check_timer_.start(state_ == State::kServing ? kCheckEveryMs : kFirstChecksEveryMs, 0,
                     [this] { check(); });
}

void SupervisedProcess::become(State state) {
  const bool is_new = std::exchange(state_, state) != state;
  if (is_new) settings_.changed();
  if (settled_.empty() || (state_ != State::kServing && state_ != State::kStopped)) return;
  settled_timer_.start(0, 0, [this] {
    for (const auto& callback : std::exchange(settled_, {})) callback();
  });
}

}  // namespace xylem::cli
