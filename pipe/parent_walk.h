// Which parent of the ordered list is asked, and when: a state machine without time or I/O of its
// own.
//
// It starts with the first. A parent that fails gets a back-off of its own and the next whose
// back-off is over is asked at once; when all are backing off, the one that may be asked first. A
// parent that answered is kept until it fails, or until a better one (earlier in the list) has
// answered every probe for `fail_back_ms`. A parent that answers but is of no use (another cluster,
// another node, everything behind) is barred for a time: probes do not bring it back before.
//
// Threads: the owner's. Times are milliseconds of the clock's monotonic time.
#pragma once

#include "common/clock.h"
#include "common/ids.h"
#include "common/random.h"
#include "pipe/backoff.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xylem::pipe {

struct Parent {
  NodeId node;      // who must answer there; empty: anybody
  std::string url;  // http://host:port of its pipe listener

  auto operator<=>(const Parent&) const = default;
};

class ParentWalk {
 public:
  struct Options {
    Backoff backoff;
    std::uint64_t fail_back_ms = 30'000;
    std::uint64_t barred_ms = 60'000;  // a parent that was refused
  };

  ParentWalk(const Options& options, const Clock& clock, Random& random);

  // What is known of parents that stay in the list is kept; the current one stays current.
  void set_parents(std::vector<Parent> parents);

  // Whom to ask; nullptr: the list is empty.
  [[nodiscard]] const Parent* current() const;
  [[nodiscard]] std::int64_t ask_at_ms() const;  // not before

  [[nodiscard]] bool is_connected() const { return is_connected_; }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  void succeeded();
  void failed();   // refused, reset, silent, or an error
  void refused();  // it answered, but must not be our parent
  void
  is_behind();  // it answered, but has less of everything than we; no-op without an alternative

  // A better parent to probe at `probe_at_ms`; nullptr: none.
  [[nodiscard]] const Parent* probe() const;

  [[nodiscard]] std::int64_t probe_at_ms() const { return probe_at_ms_; }

  // The outcome of that probe. True: the current parent is now another one.
  [[nodiscard]] bool probed(bool is_up);

 private:
  struct Entry {
    Parent parent;
    std::uint32_t failures = 0;  // in a row
    std::int64_t retry_at_ms = 0;
    std::optional<std::int64_t> up_since_ms;  // by probes, while another one is current
  };

  [[nodiscard]] std::int64_t now_ms() const { return clock_.monotonic_ms(); }

  void choose();
  void leave(std::uint64_t for_ms);
  void plan_probe();

  Options options_;
  const Clock& clock_;
  Random& random_;
  std::vector<Entry> entries_;
  std::size_t current_ = 0;
  std::size_t probed_ = 0;
  std::int64_t probe_at_ms_ = 0;
  bool is_connected_ = false;
};

}  // namespace xylem::pipe
