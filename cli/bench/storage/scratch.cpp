#include "cli/bench/storage/scratch.h"

#include "cli/output.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace xylem::cli {
namespace {

// The signals that a wait must see; blocked while this is there.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigemptyset(&signals_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&signals_, signal);
    sigprocmask(SIG_BLOCK, &signals_, &before_);
  }

  ~BlockedSignals() { unblock(); }

  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

  void unblock() { sigprocmask(SIG_SETMASK, &before_, nullptr); }

  [[nodiscard]] int wait() const {
    int signal = 0;
    sigwait(&signals_, &signal);
    return signal;
  }

 private:
  sigset_t signals_{};
  sigset_t before_{};
};

ExitCode wait_for(pid_t child, const BlockedSignals& signals) {
  bool is_interrupted = false;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (signals.wait() == SIGCHLD) continue;
    is_interrupted = true;
    kill(child, SIGKILL);
  }
  if (is_interrupted) return ExitCode::kInterrupted;
  return WIFEXITED(status) ? static_cast<ExitCode>(WEXITSTATUS(status)) : ExitCode::kFailed;
}

}  // namespace

ExitCode run_in_scratch(const std::string& parent,
                        const std::function<ExitCode(const std::string& directory)>& work) {
  BlockedSignals signals;
  auto directory = parent + "/xylem-bench-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr)
    return report({Errc::kIo, "make " + directory + ": " + system_text(errno)});
  const auto self = getpid();
  const auto child = fork();
  if (child == 0) {
    signals.unblock();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != self) std::_Exit(EXIT_FAILURE);
    const auto code = work(directory);
    std::fflush(stdout);
    std::_Exit(static_cast<int>(code));
  }
  const auto code =
      child > 0 ? wait_for(child, signals) : report({Errc::kIo, "fork: " + system_text(errno)});
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  return code;
}

}  // namespace xylem::cli
