#include "cli/up/child_process.h"

#include "common/uv_handle.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <utility>

namespace xylem::cli {
namespace {

constexpr int kCannotRun = 127;  // as a shell has it

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

class ChildProcess::Impl {
 public:
  explicit Impl(Exited exited) : exited_(std::move(exited)) {}

  Status start(Loop& loop, const Options& options) {
    const int log = open(options.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log < 0) return fail(Errc::kIo, options.log_file + ": " + system_text(errno));
    std::vector<std::string> arguments{options.self, kExecChild, std::to_string(getpid()),
                                       options.program};
    arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
    std::vector<std::string> environment;
    environment.reserve(options.environment.size());
    for (const auto& [name, value] : options.environment)
      environment.emplace_back(name).append("=").append(value);
    auto argument_list = pointers_to(arguments);
    auto environment_list = pointers_to(environment);

    std::array<uv_stdio_container_t, 3> streams{};
    streams[0].flags = UV_IGNORE;
    for (const std::size_t output : {1U, 2U}) {
      streams.at(output).flags = UV_INHERIT_FD;
      streams.at(output).data.fd = log;
    }
    uv_process_options_t process{};
    process.file = options.self.c_str();
    process.args = argument_list.data();
    process.env = environment_list.data();
    process.stdio = streams.data();
    process.stdio_count = static_cast<int>(streams.size());
    process.flags = UV_PROCESS_DETACHED;  // Ctrl-C on our terminal is for us alone
    process.exit_cb = [](uv_process_t* handle, std::int64_t status, int signal) {
      if (handle->data != nullptr) static_cast<Impl*>(handle->data)->ended({status, signal});
    };
    auto handle = std::make_unique<uv_process_t>();
    handle->data = this;
    const int spawned = uv_spawn(loop.raw(), handle.get(), &process);
    handle_.reset(handle.release());  // to be closed also when it failed
    close(log);
    if (spawned != 0) return fail(Errc::kIo, options.program + ": " + uv_strerror(spawned));
    return {};
  }

  [[nodiscard]] int pid() const { return handle_->pid; }

  void kill(int signal) { uv_process_kill(handle_.get(), signal); }

 private:
  void ended(const Exit& exit) {
    const auto exited = std::exchange(exited_, nullptr);
    if (exited) exited(exit);
  }

  UvHandle<uv_process_t> handle_;
  Exited exited_;
};

ChildProcess::ChildProcess(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ChildProcess::~ChildProcess() = default;

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(Loop& loop,
                                                          const Options& options,
                                                          Exited exited) {
  auto impl = std::make_unique<Impl>(std::move(exited));
  if (auto started = impl->start(loop, options); !started) return pass(started);
  return std::unique_ptr<ChildProcess>(new ChildProcess(std::move(impl)));
}

int ChildProcess::pid() const { return impl_->pid(); }

void ChildProcess::kill(int signal) { impl_->kill(signal); }

int exec_child(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2) return kCannotRun;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (std::to_string(getppid()) != arguments[0]) return kCannotRun;  // it died before we asked
  std::vector<std::string> command(arguments.begin() + 1, arguments.end());
  execv(command.front().c_str(), pointers_to(command).data());
  std::fprintf(stderr, "%s: %s\n", command.front().c_str(), system_text(errno).c_str());
  return kCannotRun;
}

}  // namespace xylem::cli
