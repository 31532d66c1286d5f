// The grammar of `bench produce` and `bench consume`.
#pragma once

#include "cli/options/verb.h"

namespace xylem::cli {

void add_throughput_verbs(Verb& bench);

}  // namespace xylem::cli
