// The null broker: `xylem-null-broker FILE [--flush always|never] [--port N]` prints where it
// listens and who it is as a line of JSON, and lives until it is killed.

#include "bench/null_broker/null_broker.h"

#include <charconv>
#include <csignal>
#include <cstdio>
#include <optional>
#include <string_view>
#include <unistd.h>

namespace {

using Options = xylem::bench::NullBroker::Options;

std::optional<Options> options_of(int argc, char** argv) {
  if (argc < 2 || argc % 2 != 0) return std::nullopt;
  Options options{.file = argv[1]};
  for (int i = 2; i < argc; i += 2) {
    const std::string_view name(argv[i]);
    const std::string_view value(argv[i + 1]);
    if (name == "--flush" && (value == "always" || value == "never")) {
      options.sync = value == "always";
    } else if (name != "--port" ||
               std::from_chars(value.begin(), value.end(), options.port).ptr != value.end()) {
      return std::nullopt;
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = options_of(argc, argv);
  if (!options) {
    std::fputs("xylem-null-broker FILE [--flush always|never] [--port N]\n", stderr);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);  // sendfile to who has left
  xylem::bench::NullBroker broker(*options);
  std::printf("{\"port\":%d,\"pid\":%d}\n", int{broker.port()}, int{getpid()});
  std::fflush(stdout);
  broker.run();
}
