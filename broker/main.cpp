#include "broker/app.h"
#include "broker/config.h"
#include "common/config.h"
#include "common/process.h"

#include <cstdio>
#include <string>
#include <vector>

// Exit codes: 0 stopped as asked, 1 could not start or run, 2 bad settings.
int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto config = xylem::Config::load("xylem-broker", xylem::broker::broker_settings(),
                                          arguments, xylem::process_environment());
  if (!config) {
    const bool help = config.error().code() == xylem::Errc::kCancelled;
    std::fprintf(help ? stdout : stderr, "%s\n", config.error().what().c_str());
    return help ? 0 : 2;
  }
  auto options = xylem::broker::broker_options(*config);
  if (!options) {
    std::fprintf(stderr, "%s\n", options.error().what().c_str());
    return 2;
  }
  xylem::keep_freed_memory();
  xylem::broker::App app(std::move(*options));
  return app.run() ? 0 : 1;
}
