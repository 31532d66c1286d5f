// The null relay: `xylem-null-relay DIR` starts four hops (root, L2, L3, POS) as processes of one
// epoll thread each, prints where to produce and consume and who they are as a line of JSON, and
// lives until it is killed or its standard input ends.

#include "bench/null_relay/hop.h"
#include "bench/null_relay/socket.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/prctl.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr int kHops = 4;

using xylem::bench::die;
using xylem::bench::Hop;

pid_t start(const Hop::Options& options) {
  const auto parent = getpid();
  const auto child = fork();
  if (child < 0) die("fork");
  if (child > 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) std::_Exit(EXIT_FAILURE);
  Hop hop(options);
  hop.run();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("xylem-null-relay DIR\n", stderr);
    return 2;
  }
  const int producers = xylem::bench::listen_locally();
  std::vector<pid_t> pids;
  std::uint16_t above = 0;
  for (int i = 0; i < kHops; ++i) {
    const int below = xylem::bench::listen_locally();
    pids.push_back(start({.producers = i == 0 ? producers : -1,
                          .poll_port = above,
                          .below = below,
                          .pushes = i == kHops - 1,
                          .file = std::string(argv[1]) + "/hop-" + std::to_string(i)}));
    above = xylem::bench::port_of(below);
  }
  std::string line = R"({"produce":)" + std::to_string(xylem::bench::port_of(producers)) +
                     R"(,"consume":)" + std::to_string(above) + R"(,"pids":[)";
  for (const auto pid : pids) line += (pid == pids.front() ? "" : ",") + std::to_string(pid);
  std::puts((line + "]}").c_str());
  std::fflush(stdout);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  for (const auto pid : pids) kill(pid, SIGKILL);
  return 0;
}
