// Turns a loop until something has come true; for tests with one thread.
#pragma once

#include "common/check.h"
#include "common/loop.h"
#include "common/timer.h"
#include "tests/support/sanitizers.h"

#include <cstdint>
#include <functional>
#include <memory>

namespace xylem::testing {

// When a test gives up: no measure of anything, so long enough for a machine that is slow today.
inline constexpr std::uint64_t kGiveUpMs = kSanitized ? 120'000 : 60'000;

// False: it did not within `limit_ms`.
// The condition only looks: one that turned the loop would end in its own timer.
inline bool run_until(Loop& loop,
                      const std::function<bool()>& condition,
                      std::uint64_t limit_ms = kGiveUpMs) {
  static thread_local bool is_asking = false;
  XYLEM_CHECK(!is_asking);
  const auto ask = [&] {
    is_asking = true;
    const std::unique_ptr<bool, void (*)(bool*)> asked(&is_asking, [](bool* it) { *it = false; });
    return condition();
  };
  if (ask()) return true;
  Timer look(loop);
  Timer limit(loop);
  bool is_true = false;
  look.start(1, 1, [&] {
    if (!is_true && (is_true = ask())) loop.stop();
  });
  limit.start(limit_ms, 0, [&] { loop.stop(); });
  loop.run();
  return is_true;
}

// Long enough for everything that is due already to happen.
inline void run_for(Loop& loop, std::uint64_t ms) {
  run_until(loop, [] { return false; }, ms);
}

}  // namespace xylem::testing
