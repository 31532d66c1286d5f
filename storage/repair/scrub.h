// Looks for damage before a reader meets it: all sealed segments of all logs, one after the other,
// at a limited rate, again and again.
//
// A pass takes the logs as they are when it comes to them and remembers nothing on disk. What it
// finds goes the way of what a reader finds. While batches wait to be written it steps back, but
// never for more than a second.
//
// Threads: add: any; the rest: the scrubber's. Times are microseconds of the monotonic clock.
#pragma once

#include "common/clock.h"
#include "common/result.h"
#include "storage/inspect/segment_check.h"
#include "storage/segment/segment.h"
#include "storage/storage_metrics.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace xylem::storage {

// A log, as its scrubber knows it. Threads: any.
class Scrubbed {
 public:
  virtual ~Scrubbed() = default;

  [[nodiscard]] virtual const std::string& directory() const = 0;
  [[nodiscard]] virtual SegmentList sealed() const = 0;

  // Its bytes are bad, or cannot be read.
  virtual void found_bad(const std::shared_ptr<Segment>& segment, const Error& error) = 0;

  // Puts index files in the place of wrong ones, if the segment is still there.
  struct Indexes {
    std::optional<Buffer> offsets;
    std::optional<Buffer> times;
  };

  virtual void mend(const std::shared_ptr<Segment>& segment, const Indexes& indexes) = 0;
};

class Scrub {
 public:
  struct Options {
    std::int64_t bytes_per_s = 4LL * 1024 * 1024;
    std::int64_t first_after_us = 60'000'000;            // a start has other things to do
    std::int64_t pass_every_us = 24LL * 3600 * 1000000;  // from begin to begin, or more
  };

  struct Context {
    Disk& disk;
    const Clock& clock;
    const StorageMetrics& metrics;
    std::function<bool()> is_busy;  // live traffic waits for the disk
  };

  Scrub(Context context, const Options& options);

  void add(std::weak_ptr<Scrubbed> log);

  // At most a MiB. When to come again.
  std::int64_t step();

 private:
  void begin_pass();
  bool next_segment();
  void check_on();
  void end_segment();

  Context context_;
  Options options_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<Scrubbed>> logs_;  // under mutex_

  std::int64_t pass_at_us_;
  bool is_in_pass_ = false;
  std::vector<std::weak_ptr<Scrubbed>> left_;  // of this pass, the next one last
  std::shared_ptr<Scrubbed> log_;              // null: between two
  SegmentList segments_;                       // of log_, the next one last
  std::unique_ptr<SegmentCheck> check_;        // of segments_.back()
  std::int64_t bytes_ = 0;                     // of this step
  int stepped_back_ = 0;
};

}  // namespace xylem::storage
