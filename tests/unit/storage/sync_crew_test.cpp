#include "storage/commit/sync_crew.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <latch>

namespace xylem::storage {
namespace {

TEST_CASE("a crew does each piece of work once, and has done all on return") {
  SyncCrew crew;
  for (std::size_t round = 0; round < 300; ++round) {
    const auto count = round % 40;
    std::vector<int> done(count);  // each written by one thread
    crew.run(count, [&](std::size_t i) { ++done[i]; });
    CHECK(std::ranges::count(done, 1) == static_cast<std::ptrdiff_t>(count));
  }
}

TEST_CASE("a crew works on many pieces at the same time, on one piece by itself") {
  SyncCrew crew;
  std::latch together(SyncCrew::kThreadsMax);  // nobody passes alone
  crew.run(SyncCrew::kThreadsMax, [&](std::size_t) { together.arrive_and_wait(); });
  const auto caller = std::this_thread::get_id();
  std::thread::id worker;
  crew.run(1, [&](std::size_t) { worker = std::this_thread::get_id(); });
  CHECK(worker == caller);
}

}  // namespace
}  // namespace xylem::storage
