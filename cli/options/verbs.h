// The commands' grammar, one function a family; options.cpp joins them.
#pragma once

#include "cli/options/verb.h"

#include <string>

namespace xylem::cli {

struct Defaults {
  std::string registry;
  std::string brokers;
};

void add_up_verbs(Verb& program);
void add_topic_verbs(Verb& program, const Defaults& defaults);
void add_group_verbs(Verb& program, const Defaults& defaults);
void add_record_verbs(Verb& program, const Defaults& defaults);
void add_root_verbs(Verb& program);
void add_refresh_verbs(Verb& program, const Defaults& defaults);
void add_node_verbs(Verb& program, const Defaults& defaults);
void add_bench_verbs(Verb& program, const Defaults& defaults);
void add_bench_storage_verb(Verb& group);
void add_push_verbs(Verb& bench);

}  // namespace xylem::cli
