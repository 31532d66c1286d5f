// One life of a storage engine that ends in a crash, and the lives after it.
#pragma once

#include "tests/sim/storage_rig.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <initializer_list>
#include <string>

namespace xylem::sim {

struct Crash {
  std::uint64_t step = 0;  // of the calls that change something; 0: after the last one
  Death death = Death::kKill;
  std::uint64_t seed = 1;
  std::uint64_t again_at = 0;  // a second one, in this step of the next start; 0: none
};

struct Outcome {
  std::uint64_t steps = 0;
  std::string wrong;
};

inline Outcome run_and_crash(const Script& script, const Crash& crash) {
  SimDisk disk;
  StorageRig rig(script, disk);
  if (crash.step > 0) disk.crash_at(crash.step, crash.seed);
  auto wrong = rig.run();
  const auto steps = disk.steps();
  if (wrong.empty()) rig.die(crash.death, crash.seed);
  if (wrong.empty() && crash.again_at > 0) {
    disk.crash_at(steps + crash.again_at, crash.seed + 1);
    wrong = rig.start_and_check();
    rig.die(crash.death, crash.seed + 1);
  }
  if (wrong.empty()) wrong = rig.start_and_check();
  if (wrong.empty()) wrong = rig.live_on();
  return {steps, wrong};
}

// True: it went well.
inline bool expect_good(const Script& script, const Crash& crash, const Outcome& outcome) {
  CAPTURE(script.name);
  CAPTURE(crash.step);
  CAPTURE(static_cast<int>(crash.death));
  CAPTURE(crash.seed);
  CAPTURE(crash.again_at);
  CHECK(outcome.wrong == "");
  return outcome.wrong.empty();
}

struct Sweep {
  std::initializer_list<Death> deaths = {Death::kKill, Death::kPowerNone, Death::kPowerSome,
                                         Death::kPowerAll};
  std::uint64_t seeds = 1;   // a death; every second one crashes again in the next start
  std::uint64_t stride = 1;  // crashes in every so many calls
};

struct SweepSum {
  std::uint64_t calls = 0;
  std::uint64_t states = 0;
};

// Crashes in every call that `script` makes; gives up after three faults.
inline void crash_everywhere(const Script& script, const Sweep& sweep, SweepSum& sum) {
  const auto whole = run_and_crash(script, {});
  int faults = expect_good(script, {}, whole) ? 0 : 1;
  sum.calls += whole.steps;
  for (std::uint64_t step = 1; step <= whole.steps && faults < 3; step += sweep.stride) {
    for (const auto death : sweep.deaths) {
      for (std::uint64_t seed = 1; seed <= sweep.seeds && faults < 3; ++seed) {
        const Crash crash{step, death, seed + 100 * step, seed % 2 == 0 ? (seed + step) % 20 : 0};
        if (!expect_good(script, crash, run_and_crash(script, crash))) ++faults;
        ++sum.states;
      }
    }
  }
}

}  // namespace xylem::sim
