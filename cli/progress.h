// One line on a terminal that says how far long work is: "12,345 records, 4.2 MB, 1,234 records/s".
//
// Nothing is written where standard error is no terminal. Threads: the owner's.
#pragma once

#include "common/clock.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace xylem::cli {

class Progress {
 public:
  Progress(const Clock& clock, bool on_terminal);

  static Progress on_standard_error(const Clock& clock);

  // Cheap; redraws at most every kRedrawMs.
  void update(std::int64_t records, std::int64_t bytes);
  void say(std::string_view line);  // in its place; the same redraw pace
  void clear();                     // takes the line away, before other text

  [[nodiscard]] std::string summary(std::int64_t records, std::int64_t bytes) const;

 private:
  static constexpr std::int64_t kRedrawMs = 200;

  [[nodiscard]] bool is_due() const;

  const Clock& clock_;
  bool on_terminal_;
  bool drawn_ = false;
  std::int64_t started_ms_;
  std::int64_t drawn_ms_;
};

[[nodiscard]] std::string with_commas(std::int64_t number);  // 12,345
[[nodiscard]] std::string human_bytes(std::int64_t bytes);   // 4.2 MB
[[nodiscard]] std::string human_age(
    std::int64_t ms);  // 250 ms, 1.5 s, 3 min, 5 h, 7 d; ? when negative

}  // namespace xylem::cli
