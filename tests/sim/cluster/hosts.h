// Machines on virtual time: processes that start, stop and stand still, and what happens to them
// in order of time.
//
// What is due at one moment happens in an order drawn by chance. While a host is paused nothing
// happens on it; then all of it does, late. A timer belongs to the process that set it and goes
// with it; a message finds whoever runs when it arrives, or nobody.
// Threads: one. The same seed gives the same order.
#pragma once

#include "common/clock.h"
#include "common/random.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace xylem::sim {

class VirtualClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t monotonic_us() const noexcept override { return now_us_; }

  [[nodiscard]] std::int64_t wall_ms() const noexcept override { return now_us_ / 1000 + wall_ms_; }

  void set_us(std::int64_t now_us) { now_us_ = now_us; }

  void jump_wall_ms(std::int64_t ms) { wall_ms_ += ms; }

 private:
  std::int64_t now_us_ = 0;
  std::int64_t wall_ms_ = 1'700'000'000'000;
};

class Hosts {
 public:
  using Task = std::function<void()>;

  Hosts(std::size_t count, Random& random);

  [[nodiscard]] VirtualClock& clock() { return clock_; }

  [[nodiscard]] std::int64_t now_ms() const { return clock_.monotonic_ms(); }

  [[nodiscard]] std::size_t count() const { return hosts_.size(); }

  void start(std::size_t host);
  void stop(std::size_t host);

  [[nodiscard]] bool is_up(std::size_t host) const { return hosts_[host].is_up; }

  void pause(std::size_t host, std::int64_t for_us);
  void resume_all();

  // A timer of the process that runs on `host` now.
  void after(std::size_t host, std::int64_t delay_us, Task task);

  // Comes in from outside.
  void arrive(std::size_t host, std::int64_t delay_us, Task task);

  // Of the world itself, which is never down.
  void happen(std::int64_t delay_us, Task task);

  // Runs what is due within `us` from now, or until `stops` says so.
  void run_for(std::int64_t us, const std::function<bool()>& stops);

 private:
  static constexpr std::size_t kWorld = SIZE_MAX;
  static constexpr std::uint64_t kAnyLife = 0;

  struct Host {
    bool is_up = false;
    std::uint64_t life = 0;  // counts from 1
    std::int64_t paused_until_us = 0;
  };

  struct Event {
    std::int64_t at_us = 0;
    std::uint64_t chance = 0;
    std::size_t host = kWorld;
    std::uint64_t life = kAnyLife;
    Task task;
  };

  static bool is_later(const Event& left, const Event& right);
  void push(Event event);
  Event pop();
  void run(Event event);

  Random& random_;
  VirtualClock clock_;
  std::vector<Host> hosts_;
  std::vector<Event> events_;  // a heap
};

}  // namespace xylem::sim
