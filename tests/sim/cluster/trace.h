// The last events of a history, as text; costs nothing where nobody wants it.
#pragma once

#include "common/clock.h"

#include <cstddef>
#include <deque>
#include <string>

namespace xylem::sim {

class Trace {
 public:
  static constexpr std::size_t kLines = 80;

  explicit Trace(const Clock& clock) : clock_(clock) {}

  void turn_on() { is_on_ = true; }

  // `describe` gives a string; it is not called where nobody wants it.
  template <class Describe>
  void note(const Describe& describe) {
    if (!is_on_) return;
    if (lines_.size() == kLines) lines_.pop_front();
    lines_.push_back(std::to_string(clock_.monotonic_us()) + " us  " + describe());
  }

  [[nodiscard]] const std::deque<std::string>& lines() const { return lines_; }

 private:
  const Clock& clock_;
  bool is_on_ = false;
  std::deque<std::string> lines_;
};

}  // namespace xylem::sim
