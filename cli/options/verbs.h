// The commands' grammar, one function a family; options.cpp joins them.
//
// Each declares its sub-commands and says how to finish a parsed one. CLI11 stays in these .cpp
// files.
#pragma once

#include "cli/options/options.h"

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;  // NOLINT(readability-identifier-naming): CLI11's name
}

namespace xylem::cli {

struct Defaults {
  std::string registry;
  std::string brokers;
};

struct Verb {
  CLI::App* app;
  std::function<Result<Command>()> finish;
};

using Verbs = std::vector<Verb>;

void add_up_verbs(CLI::App& app, Verbs& verbs);
void add_topic_verbs(CLI::App& app, const Defaults& defaults, Verbs& verbs);
void add_record_verbs(CLI::App& app, const Defaults& defaults, Verbs& verbs);
void add_node_verbs(CLI::App& app, const Defaults& defaults, Verbs& verbs);
void add_bench_verbs(CLI::App& app, const Defaults& defaults, Verbs& verbs);

}  // namespace xylem::cli
