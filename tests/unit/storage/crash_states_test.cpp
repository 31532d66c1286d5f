// The process dies, or the power fails, in every call to the disk that a workload makes: the log
// opens again and holds a prefix of what it took, with all that it had acknowledged.
//
// The ordinary run takes a sample. All of it, every call of every scripted workload under every
// death with 20 seeds, and 100,000 random workloads (ctest -C nightly -L nightly):
//
//   XYLEM_CRASH_STATES=full build/release/tests/storage_test -tc='crash states:*' -s
//
// XYLEM_CRASH_RUNS sets the number of random ones, XYLEM_CRASH_SEED where they begin.
#include "common/random.h"
#include "tests/unit/storage/support/crash_run.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

namespace xylem::sim {
namespace {

bool is_full() {
  const auto* const set = std::getenv("XYLEM_CRASH_STATES");
  return set != nullptr && std::string(set) == "full";
}

std::uint64_t number(const char* name, std::uint64_t otherwise) {
  const auto* const set = std::getenv(name);
  return set == nullptr ? otherwise : std::stoull(set);
}

TEST_CASE("crash states: scripted workloads, every call") {
  SweepSum sum;
  for (const auto& script : scripted_workloads()) {
    if (is_full())
      crash_everywhere(script, {.seeds = 20}, sum);
    else
      crash_everywhere(script, {{Death::kPowerSome}, 1, 3}, sum);
  }
  CHECK(sum.calls > 2'000);
  MESSAGE(sum.calls, " calls, ", sum.states, " states");
}

TEST_CASE("crash states: random workloads") {
  const auto runs = number("XYLEM_CRASH_RUNS", is_full() ? 100'000 : 400);
  const auto first = number("XYLEM_CRASH_SEED", 1);
  int faults = 0;
  for (auto seed = first; seed < first + runs && faults < 5; ++seed) {
    const auto script = random_workload(seed, 40);
    Random random(seed);
    const Crash crash{1 + random.below(250), static_cast<Death>(random.below(4)), seed,
                      random.below(3) == 0 ? 1 + random.below(20) : 0};
    if (!expect_good(script, crash, run_and_crash(script, crash))) ++faults;
  }
}

}  // namespace
}  // namespace xylem::sim
