#include "network/client/flush_tracker.h"

#include "common/check.h"

#include <utility>

namespace xylem::network {

std::uint64_t FlushTracker::given() {
  ++spans_.back().left;
  return first_ + spans_.size() - 1;
}

void FlushTracker::settled(std::uint64_t number) {
  XYLEM_CHECK(number >= first_ && number - first_ < spans_.size());
  auto& span = spans_[number - first_];
  XYLEM_CHECK(span.left > 0);
  --span.left;
}

void FlushTracker::flush(Done done) {
  spans_.back().done = std::move(done);
  spans_.emplace_back();
}

std::vector<FlushTracker::Done> FlushTracker::take_done() {
  std::vector<Done> all;
  while (spans_.size() > 1 && spans_.front().left == 0) {
    all.push_back(std::move(spans_.front().done));
    spans_.pop_front();
    ++first_;
  }
  return all;
}

}  // namespace xylem::network
