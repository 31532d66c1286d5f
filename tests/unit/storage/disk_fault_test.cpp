// Every call to the disk that a workload makes fails in turn, once and for ever, in every way:
// nothing acknowledged is lost, nothing is served that was not written, and a disk that was only
// full is used again as soon as there is room.
//
// The ordinary run takes every nineteenth call; XYLEM_CRASH_STATES=full takes all of them.
#include "tests/unit/storage/support/crash_run.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

namespace xylem::sim {
namespace {

struct Failure {
  std::uint64_t call = 1;
  Fault fault = Fault::kIo;
  bool for_ever = false;
};

struct FaultRun {
  bool struck = false;
  std::string wrong;
};

FaultRun run_with(const Script& script, const Failure& failure) {
  SimDisk disk;
  StorageRig rig(script, disk);
  disk.fail_at(failure.call, failure.fault, failure.for_ever);
  FaultRun out;
  out.wrong = rig.run(true);
  out.struck = disk.has_failed();
  disk.fail_no_more();
  if (out.wrong.empty()) out.wrong = rig.check_serving();
  const bool full = failure.fault == Fault::kDiskFull || failure.fault == Fault::kFullWrite;
  if (out.wrong.empty() && full) out.wrong = rig.resume();
  rig.die(failure.call % 2 == 0 ? Death::kPowerNone : Death::kKill, failure.call);
  if (out.wrong.empty()) out.wrong = rig.start_and_check(false);
  if (out.wrong.empty()) out.wrong = rig.live_on();
  return out;
}

TEST_CASE(
    "disk faults: whichever call fails, nothing acknowledged is lost and nothing bad served") {
  const bool full = std::getenv("XYLEM_CRASH_STATES") != nullptr;
  std::uint64_t runs = 0;
  for (const auto& script : scripted_workloads()) {
    CAPTURE(script.name);
    // Rot is told by the index and the bound, which a full disk may have kept from being written.
    if (std::ranges::any_of(script.steps, [](const auto& step) { return step.act == Act::kRot; }))
      continue;
    for (const auto fault :
         {Fault::kIo, Fault::kDiskFull, Fault::kShortWrite, Fault::kFullWrite, Fault::kSync}) {
      for (const bool for_ever : {false, true}) {
        int faults = 0;
        bool struck = true;
        for (std::uint64_t call = full ? 1 : 1 + runs % 19; struck && faults < 2;
             call += full ? 1 : 19) {
          const auto out = run_with(script, {call, fault, for_ever});
          CAPTURE(call);
          CAPTURE(static_cast<int>(fault));
          CAPTURE(for_ever);
          CHECK(out.wrong == "");
          faults += out.wrong.empty() ? 0 : 1;
          struck = out.struck;
          ++runs;
        }
        CHECK((faults > 0 || !struck));
      }
    }
  }
  MESSAGE(runs, " runs");
}

TEST_CASE("disk faults: a segment begun for a batch that found no room goes with that batch") {
  const std::vector<Step> steps = {
      {Act::kAppend, 2, 60}, {Act::kSettle},     {Act::kAppendAsIs, std::int64_t{1} << 33, 60},
      {Act::kSettle},        {Act::kCutBack, 3}, {Act::kAppend, 2, 60},
      {Act::kRead},          {Act::kReopen},     {Act::kRead}};
  const Script script{"a far hole", {}, 1, steps};
  bool struck = true;
  for (std::uint64_t call = 1; struck; ++call) {
    CAPTURE(call);
    const auto out = run_with(script, {call, Fault::kDiskFull, true});
    CHECK(out.wrong == "");
    struck = out.struck;
  }
}

}  // namespace
}  // namespace xylem::sim
