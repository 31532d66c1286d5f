// Knows when everything given before a flush is settled, whatever was given after it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

namespace xylem::network {

class FlushTracker {
 public:
  using Done = std::function<void()>;

  // The number to settle the record with.
  std::uint64_t given();
  void settled(std::uint64_t number);

  void flush(Done done);

  [[nodiscard]] bool is_flushing() const { return spans_.size() > 1; }

  // Flushes that have nothing left to wait for, in order.
  std::vector<Done> take_done();

 private:
  struct Span {  // what was given between two flushes
    std::size_t left = 0;
    Done done;
  };

  std::uint64_t first_ = 0;  // number of spans_.front()
  std::deque<Span> spans_ = std::deque<Span>(1);
};

}  // namespace xylem::network
