// How many segments of a node are mapped at one time: bounded, however many there are.
//
// The kernel allows a process some 65,000 mappings, and each costs page tables. Past the limit the
// one mapped longest ago goes, unless it was read since: then it gets another turn (the CLOCK
// algorithm). Slices keep a mapping alive that is no longer counted.
//
// Threads: any.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

namespace xylem::storage {

class Segment;

class MappedSegments {
 public:
  static constexpr std::size_t kMax = 1'024;

  explicit MappedSegments(std::size_t max = kMax) : max_(max) {}

  void add(std::weak_ptr<const Segment> segment);

  [[nodiscard]] std::size_t size() const;

 private:
  std::size_t max_;
  mutable std::mutex mutex_;
  std::deque<std::weak_ptr<const Segment>> oldest_first_;  // under mutex_
};

}  // namespace xylem::storage
