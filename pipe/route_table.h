// Which parent each log is asked from, and when it moves to another: a state machine without time
// or I/O of its own.
//
// A log is asked from the parents of the list (home) until one of them names its leader. It goes
// there at once when the leadership is news, or nothing went wrong before; else after a back-off
// that grows with every leader in a row that did not have the log either. A leader that fails sends
// all its logs home and is left alone for a back-off of its own. A log that waits stays where it
// is, so that better news reach it; being served there ends the wait.
//
// Threads: the owner's. Times are milliseconds of the clock's monotonic time.
#pragma once

#include "common/clock.h"
#include "common/ids.h"
#include "common/random.h"
#include "pipe/backoff.h"
#include "pipe/parent_walk.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

namespace xylem::pipe {

class RouteTable {
 public:
  struct Options {
    Backoff backoff;
    std::uint64_t doubt_ms = 30'000;  // how long a leader may be behind before home is asked again
    std::size_t leaders_max = 16;
  };

  struct Move {
    LogId log;
    Parent from;
    Parent to;
  };

  RouteTable(const Options& options, const Clock& clock, Random& random);

  // The route of a log that nobody is known to lead.
  [[nodiscard]] static Parent home() { return {}; }

  void add(const LogId& log);  // at home
  void remove(const LogId& log);

  // nullptr: no such log.
  [[nodiscard]] const Parent* at(const LogId& log) const;

  // Who is asked for `log` has it.
  void served(const LogId& log);

  // Who is asked for `log` does not have it, and names `to`: its leader since `epoch`, or home.
  void redirect(const LogId& log, const Parent& to, Epoch epoch);

  // The leader has less of `log` than we do: it may have been deposed without knowing.
  void doubt(const LogId& log);

  void answered(const Parent& leader);
  void failed(const Parent& leader);

  // Every log returns home, whatever was planned for it.
  void recall();

  // The moves whose time has come; they are done when this returns.
  [[nodiscard]] std::vector<Move> take_due();

  // When there is a move to take; nullopt: none is planned.
  [[nodiscard]] std::optional<std::int64_t> due_at_ms() const;

  // Logs that are asked from `leader`.
  [[nodiscard]] std::size_t logs_at(const Parent& leader) const;

 private:
  struct Route {
    Parent at;
    Epoch epoch = kNoEpoch;    // the newest leadership heard of
    std::uint32_t misses = 0;  // leaders in a row that did not have it
  };

  struct Plan {
    Parent to;
    std::int64_t due_ms = 0;
  };

  struct Leader {
    std::size_t logs = 0;
    std::uint32_t failures = 0;  // in a row
    std::int64_t retry_at_ms = 0;
  };

  [[nodiscard]] std::int64_t now_ms() const { return clock_.monotonic_ms(); }

  [[nodiscard]] std::int64_t delay_ms(std::uint32_t failures);
  void plan(const LogId& log, const Parent& to, std::int64_t after_ms);
  std::int64_t open_at_ms(const Parent& to, Route& route);
  bool make_room();
  void leave(const Parent& from);

  Options options_;
  const Clock& clock_;
  Random& random_;
  std::unordered_map<LogId, Route> routes_;
  std::unordered_map<LogId, Plan> plans_;
  std::map<Parent, Leader> leaders_;
};

}  // namespace xylem::pipe
