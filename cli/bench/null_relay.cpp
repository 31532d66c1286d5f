#include "cli/bench/null_relay.h"

#include "cli/json_document.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace xylem::cli {
namespace {

std::string beside_this_program() {
  std::error_code ignored;
  return (std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() /
          "xylem-null-relay")
      .string();
}

Error system_error(const std::string& doing, int error) {
  return {Errc::kIo, doing + ": " + system_text(error)};
}

}  // namespace

Result<std::unique_ptr<NullRelay>> NullRelay::start(std::string program,
                                                    const std::string& directory) {
  if (program.empty()) program = beside_this_program();
  std::unique_ptr<NullRelay> relay(new NullRelay());
  relay->directory_ = directory + "/xylem-null-XXXXXX";
  if (mkdtemp(relay->directory_.data()) == nullptr)
    return std::unexpected(system_error(directory, errno));
  if (auto spawned = relay->spawn(program); !spawned) return pass(spawned, program);
  if (auto read = relay->read_ports(); !read) return pass(read, program);
  return relay;
}

NullRelay::~NullRelay() {
  if (input_ >= 0) close(input_);
  if (output_ >= 0) close(output_);
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

Status NullRelay::spawn(const std::string& program) {
  std::array<int, 2> input{};
  std::array<int, 2> output{};
  if (pipe2(input.data(), O_CLOEXEC) != 0) return std::unexpected(system_error("pipe", errno));
  input_ = input[1];
  if (pipe2(output.data(), O_CLOEXEC) != 0) {
    close(input[0]);
    return std::unexpected(system_error("pipe", errno));
  }
  output_ = output[0];
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, input[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, output[1], STDOUT_FILENO);
  std::string path = program;
  const std::array arguments{path.data(), directory_.data(), static_cast<char*>(nullptr)};
  const int failed =
      posix_spawn(&pid_, program.c_str(), &files, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  close(input[0]);
  close(output[1]);
  if (failed != 0) {
    pid_ = -1;
    return std::unexpected(system_error("start", failed));
  }
  return {};
}

Status NullRelay::read_ports() {
  std::string line;
  char byte = 0;
  while (read(output_, &byte, 1) == 1 && byte != '\n') line += byte;
  const auto said = parse_document(line);
  if (!said) return fail(Errc::kIo, "it did not say where it listens");
  produce_port_ = static_cast<std::uint16_t>(integer_at(*said, "produce"));
  consume_port_ = static_cast<std::uint16_t>(integer_at(*said, "consume"));
  for (const auto& pid : list_at(*said, "pids")) pids_.push_back(pid.get<pid_t>());
  return {};
}

}  // namespace xylem::cli
