// What must be safe before what: for each such rule a small workload, crashed in every call.
#include "tests/unit/storage/support/crash_run.h"

#include <doctest/doctest.h>

namespace xylem::sim {
namespace {

using enum Act;

Script script_of(std::vector<Step> steps, std::size_t segment_bytes_max = 1'000'000) {
  storage::LogOptions options;
  options.segment_bytes_max = segment_bytes_max;
  return {"", options, 1, std::move(steps)};
}

// `count` batches of two records, each settled.
std::vector<Step> batches(int count) {
  std::vector<Step> steps;
  for (int i = 0; i < count; ++i) steps.insert(steps.end(), {{kAppend, 2, 60}, {kSettle}});
  return steps;
}

std::vector<Step> operator+(std::vector<Step> one, const std::vector<Step>& other) {
  one.insert(one.end(), other.begin(), other.end());
  return one;
}

SweepSum crash_everywhere(const Script& script, const Sweep& sweep) {
  SweepSum sum;
  crash_everywhere(script, sweep, sum);
  CHECK(sum.states > 10);
  return sum;
}

TEST_CASE("crash order: a data directory that is made is there after a power cut") {
  crash_everywhere(script_of(batches(1)), {{Death::kPowerNone, Death::kPowerSome}, 4});
}

TEST_CASE("crash order: what a killed process left is made safe before anything builds on it") {
  crash_everywhere(script_of(batches(2) + std::vector<Step>{{kCutBack, 1}} + batches(1)),
                   {{Death::kKill}, 2});
}

TEST_CASE("crash order: the start of a log does not fall back in a power cut") {
  const std::vector<Step> steps = {{kWait, 1'500}, {kRound}, {kDropBefore, 3}, {kSettle}};
  crash_everywhere(script_of(batches(3) + steps + batches(1)),
                   {{Death::kKill, Death::kPowerNone, Death::kPowerSome}, 4});
}

TEST_CASE("crash order: the end of a log does not fall back below its start") {
  const std::vector<Step> steps = {{kAppendAsIs, 60, 60}, {kSettle}, {kDropBefore, 40},
                                   {kCutBack, 12},        {kReopen}, {kRead}};
  crash_everywhere(script_of(batches(1) + steps + batches(1)), {.seeds = 2});
  crash_everywhere(script_of(batches(2) + std::vector<Step>{{kDropPast, 10}} + batches(1)),
                   {.seeds = 4});
}

TEST_CASE("crash order: a cut over several segments leaves no gap") {
  crash_everywhere(script_of(batches(10) + std::vector<Step>{{kCutBack, 15}}, 500),
                   {{Death::kPowerSome}, 8});
}

TEST_CASE("crash order: a header that a power cut tore in two is a torn tail, not corruption") {
  for (std::int64_t bytes = 424; bytes < 438; ++bytes) {  // the header behind meets a sector's end
    auto script = script_of({{kAppend, 1, bytes}, {kRound}, {kAppend, 1, 60}, {kRound}});
    script.options.flush = storage::Flush::kNever;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
      const Crash crash{.death = Death::kPowerSome, .seed = seed};
      expect_good(script, crash, run_and_crash(script, crash));
    }
  }
}

TEST_CASE("crash order: a cut below the start brings nothing back") {
  crash_everywhere(script_of(batches(8) + std::vector<Step>{{kDropBefore, 9}, {kCutBack, 13}} +
                             batches(2) + std::vector<Step>{{kRead}, {kReopen}, {kRead}}),
                   {.seeds = 2});
}

TEST_CASE("crash order: a repair loses nothing but what is bad") {
  crash_everywhere(
      script_of(batches(8) + std::vector<Step>{{kRot, 0, 300}, {kRead}, {kRot, 0, 100}, {kReopen}}),
      {{Death::kKill, Death::kPowerSome}, 2});
}

}  // namespace
}  // namespace xylem::sim
