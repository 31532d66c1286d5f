#include "storage/background_worker.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

namespace xylem::storage::testing {
namespace {

TEST_CASE("background worker: stopping waits for the task that runs, and drops what waits") {
  std::atomic<bool> has_begun{false};
  std::atomic<int> ran{0};
  BackgroundWorker worker("test", true);
  REQUIRE(worker.submit([&] {
    has_begun = true;
    while (!worker.is_stopping()) std::this_thread::yield();
    ++ran;
  }));
  REQUIRE(worker.submit([&] { ran += 10; }));
  while (!has_begun) std::this_thread::yield();
  worker.stop();
  CHECK(ran == 1);
  CHECK_FALSE(worker.submit([&] { ++ran; }));
}

TEST_CASE("background worker: without a thread, a task has run when submit returns") {
  BackgroundWorker worker("test", false);
  const auto here = std::this_thread::get_id();
  std::thread::id ran_on;
  REQUIRE(worker.submit([&] { ran_on = std::this_thread::get_id(); }));
  CHECK(ran_on == here);
}

}  // namespace
}  // namespace xylem::storage::testing
