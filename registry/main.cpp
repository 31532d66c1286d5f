#include "common/config.h"
#include "registry/app.h"
#include "registry/config.h"

#include <cstdio>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  const auto config = xylem::registry::load_config(args, xylem::process_environment());
  if (!config) {
    const bool is_help = config.error().code() == xylem::Errc::kCancelled;
    std::fprintf(is_help ? stdout : stderr, "%s\n", config.error().what().c_str());
    return is_help ? 0 : 2;
  }
  auto app = xylem::registry::App::create(*config);
  if (!app) {
    std::fprintf(stderr, "xylem-registry: %s\n", app.error().what().c_str());
    return 1;
  }
  (*app)->run();
  return 0;
}
