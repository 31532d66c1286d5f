#include "pipe/parent_walk.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace xylem::pipe {
namespace {

const Parent kA{"a", "http://a"};
const Parent kB{"b", "http://b"};
const Parent kC{"c", "http://c"};

struct Fixture {
  ManualClock clock;
  Random random{7};
  ParentWalk walk{
      {.backoff = {.min_ms = 100, .max_ms = 30'000}, .fail_back_ms = 30'000}, clock, random};

  [[nodiscard]] NodeId current() const {
    return walk.current() == nullptr ? NodeId() : walk.current()->node;
  }

  // Every probe that comes due within `ms` is answered `is_up`. True: one moved the walk.
  bool probe_for(std::int64_t ms, bool is_up) {
    const auto end = clock.monotonic_ms() + ms;
    while (walk.probe() != nullptr && walk.probe_at_ms() <= end) {
      wait_for(walk.probe_at_ms());
      if (walk.probed(is_up)) return true;
    }
    wait_for(end);
    return false;
  }

  void wait_for(std::int64_t at_ms) {
    clock.advance_ms(std::max<std::int64_t>(at_ms - clock.monotonic_ms(), 0));
  }
};

TEST_CASE_FIXTURE(Fixture, "parent walk: nobody to ask") {
  CHECK(walk.current() == nullptr);
  walk.succeeded();
  walk.failed();
  walk.refused();
  walk.is_behind();
  CHECK(walk.probe() == nullptr);
  CHECK_FALSE(walk.probed(true));
  CHECK_FALSE(walk.is_connected());
}

TEST_CASE_FIXTURE(Fixture,
                  "parent walk: the first is asked first, the next at once when it fails") {
  walk.set_parents({kA, kB, kC});
  CHECK(current() == "a");
  CHECK(walk.ask_at_ms() <= clock.monotonic_ms());
  CHECK_FALSE(walk.is_connected());  // not before it has answered
  for (const char* next : {"b", "c"}) {
    walk.failed();
    // The back-off of an earlier one may be over already; full jitter may draw 0.
    const bool is_expected = current() == next || walk.ask_at_ms() <= clock.monotonic_ms();
    CHECK(is_expected);
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "parent walk: when all fail, the pauses grow, and never beyond the most") {
  walk.set_parents({kA});
  std::int64_t longest = 0;
  for (int failures = 1; failures <= 40; ++failures) {
    CAPTURE(failures);
    walk.failed();
    const auto pause = walk.ask_at_ms() - clock.monotonic_ms();
    CHECK(pause >= 0);
    CHECK(pause <= 30'000);
    if (failures == 1) CHECK(pause <= 100);
    longest = std::max(longest, pause);
    clock.advance_ms(pause);
    CHECK(current() == "a");
  }
  CHECK(longest > 10'000);
  walk.succeeded();
  walk.failed();
  CHECK(walk.ask_at_ms() - clock.monotonic_ms() <= 100);
}

TEST_CASE_FIXTURE(Fixture, "parent walk: of many that fail, the one that is due first is next") {
  walk.set_parents({kA, kB, kC});
  for (int i = 0; i < 60; ++i) {
    walk.failed();
    wait_for(walk.ask_at_ms());
  }
  walk.failed();
  const auto due = walk.ask_at_ms();
  CHECK(due - clock.monotonic_ms() <= 30'000);
}

TEST_CASE_FIXTURE(Fixture,
                  "parent walk: it returns to a better one only after it was up for long") {
  walk.set_parents({kA, kB});
  walk.failed();
  while (current() != "b") walk.failed();
  walk.succeeded();
  REQUIRE(walk.is_connected());
  REQUIRE(walk.probe() != nullptr);
  CHECK(walk.probe()->node == "a");
  clock.advance_ms(60'000);  // a's back-off is over
  CHECK_FALSE(probe_for(20'000, true));
  CHECK_FALSE(probe_for(5'000, false));  // one failure starts the time anew
  CHECK_FALSE(probe_for(25'000, true));
  CHECK(current() == "b");
  CHECK(probe_for(15'000, true));
  CHECK(current() == "a");
  CHECK_FALSE(walk.is_connected());
  walk.failed();  // it was up for probes only: the other one is asked at once
  CHECK(current() == "b");
}

TEST_CASE_FIXTURE(Fixture, "parent walk: of several better ones the best that is up is taken") {
  walk.set_parents({kA, kB, kC});
  while (current() != "c") walk.failed();
  walk.succeeded();
  clock.advance_ms(60'000);
  bool moved = false;
  for (int i = 0; i < 200 && !moved; ++i) {
    wait_for(walk.probe_at_ms());
    moved = walk.probed(walk.probe()->node == "b");
  }
  CHECK(current() == "b");
}

TEST_CASE_FIXTURE(Fixture,
                  "parent walk: a refused parent is not asked, nor returned to, for a time") {
  walk.set_parents({kA, kB});
  walk.refused();
  CHECK(current() == "b");
  walk.succeeded();
  CHECK_FALSE(probe_for(55'000, true));
  CHECK(current() == "b");
  CHECK(probe_for(60'000, true));
  CHECK(current() == "a");
}

TEST_CASE_FIXTURE(Fixture, "parent walk: a parent that is behind is left only for another one") {
  walk.set_parents({kA});
  walk.succeeded();
  walk.is_behind();
  CHECK(current() == "a");
  CHECK(walk.is_connected());
  walk.set_parents({kA, kB});
  walk.is_behind();
  CHECK(current() == "b");
  walk.succeeded();
  walk.is_behind();  // so is this one: it is as good as any
  CHECK(current() == "b");
}

TEST_CASE_FIXTURE(Fixture, "parent walk: a new list keeps a connected parent that is still in it") {
  walk.set_parents({kA, kB});
  walk.succeeded();
  walk.set_parents({kC, kB, kA});
  CHECK(current() == "a");
  CHECK(walk.is_connected());
  CHECK(walk.probe() != nullptr);  // a better one appeared
  walk.set_parents({kC, kB});
  CHECK(current() == "c");
  CHECK_FALSE(walk.is_connected());
  walk.set_parents({});
  CHECK(walk.current() == nullptr);
  walk.set_parents({{"a", "http://elsewhere"}, kA, kA});
  CHECK(current() == "a");
  CHECK(walk.size() == 2);  // each once
}

TEST_CASE_FIXTURE(Fixture, "parent walk: a new list does not make a failing parent due at once") {
  walk.set_parents({kA});
  std::int64_t due = 0;
  for (int i = 0; i < 20; ++i) {
    walk.failed();
    due = walk.ask_at_ms();
    wait_for(due - 1);
  }
  walk.set_parents({kA});
  CHECK(walk.ask_at_ms() == due);
}

}  // namespace
}  // namespace xylem::pipe
