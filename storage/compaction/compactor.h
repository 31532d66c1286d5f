// The one thread that compacts, for all logs of an engine, one log after the other.
//
// It gives way to everybody (nice, I/O priority) and reads and writes at most `bytes_per_s`.
// Threads: enqueue: any; stop: once, before the logs go. Pace: the compactor's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace xylem::storage {

struct CompactionLimits {
  std::size_t key_bytes_max = 32ULL * 1024 * 1024;  // of the table of keys of one run
  std::int64_t bytes_per_s = 32LL * 1024 * 1024;    // read and written; 0: no limit
};

class CompactionPace {
 public:
  virtual ~CompactionPace() = default;

  // So many bytes were read or written: waits as the rate wants. False: stop, the engine closes.
  virtual bool spend(std::int64_t bytes) = 0;
};

class Compacted {
 public:
  virtual ~Compacted() = default;

  // On the compactor's thread.
  virtual void compact(CompactionPace& pace) = 0;
};

class Compactor {
 public:
  explicit Compactor(const CompactionLimits& limits);
  ~Compactor();
  Compactor(const Compactor&) = delete;
  Compactor& operator=(const Compactor&) = delete;

  void enqueue(std::shared_ptr<Compacted> log);

  // Ends the thread; what runs gives up at its next step, what waits is dropped.
  void stop();

  [[nodiscard]] const CompactionLimits& limits() const { return limits_; }

 private:
  class Impl;
  CompactionLimits limits_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem::storage
