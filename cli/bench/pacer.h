// Says at what moment which records are due: an open loop, that no slow answer holds back.
//
// A thread of its own sleeps until each record's moment (a loop's timers know milliseconds only)
// and tells the loop about all that are due by then.
// Threads: the loop's, `due` too.
#pragma once

#include "common/loop.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

namespace xylem::cli {

class Pacer {
 public:
  struct Options {
    std::int64_t start_us = 0;  // monotonic: of record 0
    std::int64_t rate = 0;      // records per second
    std::int64_t count = 0;
  };

  using Due = std::function<void(std::int64_t first, std::int64_t end)>;

  Pacer(Loop& loop, const Options& options, Due due);
  ~Pacer();
  Pacer(const Pacer&) = delete;
  Pacer& operator=(const Pacer&) = delete;

  [[nodiscard]] static std::int64_t intended_us(const Options& options, std::int64_t record) {
    return options.start_us + record * 1'000'000 / options.rate;
  }

 private:
  void run(const Options& options, const Due& due);

  Loop& loop_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::atomic<bool> stops_{false};
  std::thread thread_;
};

}  // namespace xylem::cli
