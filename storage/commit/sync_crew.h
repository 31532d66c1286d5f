// Threads that wait for a disk together: it takes sixteen flushes in little more time than one.
//
// The first of them is the caller's; the others are started when there is work for them.
// Threads: one caller at a time.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace xylem::storage {

class SyncCrew {
 public:
  static constexpr std::size_t kThreadsMax = 16;  // with the caller's

  SyncCrew() = default;
  ~SyncCrew();
  SyncCrew(const SyncCrew&) = delete;
  SyncCrew& operator=(const SyncCrew&) = delete;

  // Calls work(0) to work(count - 1), each once, in any order and on any of the threads; on return
  // all are done.
  void run(std::size_t count, const std::function<void(std::size_t)>& work);

 private:
  void help();
  bool take_one(std::unique_lock<std::mutex>& lock);  // false: there is none left

  std::mutex mutex_;  // around all below
  std::condition_variable wake_;
  std::condition_variable done_;
  const std::function<void(std::size_t)>* work_ = nullptr;
  std::size_t next_ = 0;
  std::size_t count_ = 0;
  std::size_t running_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;  // the caller's
};

}  // namespace xylem::storage
