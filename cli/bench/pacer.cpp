#include "cli/bench/pacer.h"

#include "common/clock.h"
#include "common/process.h"

#include <algorithm>
#include <ctime>

namespace xylem::cli {

Pacer::Pacer(Loop& loop, const Options& options, Due due) : loop_(loop) {
  thread_ = std::thread([this, options, due = std::move(due)] { run(options, due); });
}

Pacer::~Pacer() {
  stops_ = true;
  thread_.join();
}

void Pacer::run(const Options& options, const Due& due) {
  name_this_thread("pacer");
  const SystemClock clock;
  const std::weak_ptr<bool> alive = alive_;
  std::int64_t next = 0;
  while (next < options.count && !stops_) {
    const auto at_us = intended_us(options, next);
    const timespec until{at_us / 1'000'000, at_us % 1'000'000 * 1000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
    auto end = next + 1;
    const auto now_us = clock.monotonic_us();
    while (end < options.count && intended_us(options, end) <= now_us) ++end;
    const bool told = loop_.post([alive, due, next, end] {
      if (!alive.expired()) due(next, end);
    });
    if (told) next = end;  // else the loop is behind: these are told with the next ones, late
  }
}

}  // namespace xylem::cli
