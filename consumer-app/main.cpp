#include "common/config.h"
#include "consumer-app/app.h"
#include "consumer-app/config.h"

#include <cstdio>
#include <string>
#include <vector>

// Exit codes: 0 stopped as asked, 1 could not start or go on, 2 bad settings.
int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto config = xylem::consumer_app::load_config(arguments, xylem::process_environment());
  if (!config) {
    const bool is_help = config.error().code() == xylem::Errc::kCancelled;
    std::fprintf(is_help ? stdout : stderr, "%s\n", config.error().what().c_str());
    return is_help ? 0 : 2;
  }
  auto app = xylem::consumer_app::App::create(*config);
  if (!app) {
    std::fprintf(stderr, "xylem-consumer-app: %s\n", app.error().what().c_str());
    return 1;
  }
  if (const auto ended = (*app)->run(); !ended) {
    std::fprintf(stderr, "xylem-consumer-app: %s\n", ended.error().what().c_str());
    return 1;
  }
  return 0;
}
