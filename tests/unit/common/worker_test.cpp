#include "common/worker.h"

#include <doctest/doctest.h>

#include <functional>
#include <future>
#include <memory>
#include <pthread.h>
#include <string>
#include <vector>

namespace xylem {
namespace {

TEST_CASE("worker: runs tasks in order on one named thread, all of them before it is gone") {
  std::vector<int> ran;
  std::vector<std::string> names;
  {
    Worker worker("a-name-longer-than-the-kernel-takes");
    for (int i = 0; i < 100; ++i) {
      REQUIRE(worker.submit([i, &ran, &names] {
        ran.push_back(i);
        char name[16] = {};
        pthread_getname_np(pthread_self(), name, sizeof name);
        names.emplace_back(name);
      }));
    }
  }
  REQUIRE(ran.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(ran[static_cast<std::size_t>(i)] == i);
  CHECK(names.front() == "a-name-longer-t");
  CHECK(names.back() == names.front());
}

TEST_CASE("worker: a full queue refuses, and the refused task is dropped") {
  std::promise<void> release;
  auto released = release.get_future().share();
  std::promise<void> started;
  int ran = 0;
  {
    Worker worker("full");
    REQUIRE(worker.submit([&] {
      started.set_value();
      released.wait();
    }));
    started.get_future().wait();
    for (std::size_t i = 0; i < Worker::kQueueMax; ++i) REQUIRE(worker.submit([&] { ++ran; }));
    CHECK_FALSE(worker.submit([&] { ++ran; }));
    release.set_value();
  }
  CHECK(ran == static_cast<int>(Worker::kQueueMax));
}

TEST_CASE("worker: takes nothing while it is being destroyed") {
  bool refused = false;
  auto worker = std::make_unique<Worker>("closing");
  auto* submitter = worker.get();
  std::function<void()> again = [&] { refused = !submitter->submit(again); };
  REQUIRE(worker->submit(again));
  worker.reset();  // would never end if the chain could go on
  CHECK(refused);
}

}  // namespace
}  // namespace xylem
