#include "cli/bench/load/measured_broker.h"

#include "cli/bench/load/load_socket.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <poll.h>
#include <sstream>
#include <string>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace xylem::cli {
namespace {

using Kind = MeasuredBroker::Kind;

constexpr int kLookMs = 5;
constexpr int kLooksMax = 6'000;

std::filesystem::path this_program() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored);
}

Error system_error(const std::string& doing, int error) {
  return {Errc::kIo, doing + ": " + system_text(error)};
}

std::uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  const bool is_bound = bind(fd, any, size) == 0 && getsockname(fd, any, &size) == 0;
  close(fd);
  return is_bound ? ntohs(address.sin_port) : 0;
}

std::string find_nats() {
  for (const auto* path :
       {"/usr/sbin/nats-server", "/usr/bin/nats-server", "/usr/local/bin/nats-server"}) {
    if (access(path, X_OK) == 0) return path;
  }
  return {};
}

struct Invocation {
  std::string program;
  std::vector<std::string> arguments;
  std::vector<std::string> environment;
};

Result<Invocation> invocation_of(const MeasuredBroker::Options& options,
                                 const std::string& directory,
                                 std::uint16_t port) {
  const auto programs = options.programs.empty() ? this_program().parent_path()
                                                 : std::filesystem::path(options.programs);
  Invocation made;
  switch (options.kind) {
    case Kind::kXylem:
      made.program = programs / "xylem-broker";
      made.environment = {"NODE_ID=bench",
                          "DATA_DIR=" + directory + "/data",
                          "BROKER_PORT=" + std::to_string(port),
                          "HTTP_PORT=0",
                          "PIPE_PORT=0",
                          "LISTEN_HOST=127.0.0.1",
                          "LOG_LEVEL=warn"};
      break;
    case Kind::kNull:
      made.program = programs / "xylem-null-broker";
      made.arguments = {directory + "/records", "--flush", options.syncs ? "always" : "never",
                        "--port", std::to_string(port)};
      break;
    case Kind::kNats:
      made.program = find_nats();
      made.arguments = {"-js", "-a", "127.0.0.1", "-p", std::to_string(port), "-sd", directory};
      if (made.program.empty())
        return fail(Errc::kNotFound, "nats-server is not installed", "apt-get install nats-server");
      break;
  }
  if (access(made.program.c_str(), X_OK) != 0)
    return fail(Errc::kNotFound, "no program " + made.program, "build it");
  return made;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Result<std::unique_ptr<MeasuredBroker>> MeasuredBroker::start(const Options& options) {
  std::unique_ptr<MeasuredBroker> broker(new MeasuredBroker());
  auto directory = options.directory + "/xylem-bench-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr)
    return std::unexpected(system_error(options.directory, errno));
  broker->directory_ = directory;
  if (auto spawned = broker->spawn(options); !spawned) return pass(spawned);
  if (auto serves = broker->wait_until_it_serves(); !serves) return pass(serves);
  return broker;
}

MeasuredBroker::~MeasuredBroker() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);  // nothing of it is kept
    waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

Status MeasuredBroker::spawn(const Options& options) {
  port_ = free_port();
  auto invocation = invocation_of(options, directory_, port_);
  if (!invocation) return pass(invocation);
  auto& [program, arguments, environment] = *invocation;
  arguments.insert(arguments.begin(), program);
  const auto argument_list = pointers_to(arguments);
  const auto environment_list = pointers_to(environment);
  const int log = open((directory_ + "/log").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (log < 0) return std::unexpected(system_error(directory_, errno));
  const auto parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent && dup2(log, STDOUT_FILENO) >= 0 && dup2(log, STDERR_FILENO) >= 0)
      execve(program.c_str(), argument_list.data(), environment_list.data());
    std::_Exit(EXIT_FAILURE);
  }
  const int error = errno;
  close(log);
  if (pid_ < 0) return std::unexpected(system_error("fork", error));
  return {};
}

Status MeasuredBroker::wait_until_it_serves() {
  for (int look = 0; look < kLooksMax; ++look) {
    if (LoadSocket::connect(address())) return {};
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return fail(Errc::kUnavailable, "the broker ended: " + said());
    }
    poll(nullptr, 0, kLookMs);
  }
  return fail(Errc::kTimeout, "the broker does not serve: " + said());
}

std::string MeasuredBroker::said() const {
  std::ostringstream text;
  text << std::ifstream(directory_ + "/log").rdbuf();
  return text.str();
}

}  // namespace xylem::cli
