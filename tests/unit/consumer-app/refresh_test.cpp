#include "consumer-app/refresh.h"

#include "common/random.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>

namespace xylem::consumer_app {
namespace {

using Target = Refresh::Target;

// Serving what refresh 5 made, its connection no longer new.
Refresh serving() {
  Refresh refresh(5);
  REQUIRE(refresh.on_reset(6).begin);
  REQUIRE(refresh.on_ready(6, true).swap);
  return refresh;
}

TEST_CASE("refresh: from RESET to READY") {
  Refresh refresh(0);
  CHECK(refresh.on_data(9) == Target::kDrop);
  const auto reset = refresh.on_reset(9);
  CHECK(reset.begin);
  CHECK(reset.acknowledge);
  CHECK(refresh.replaying() == 9);
  CHECK(refresh.on_data(9) == Target::kShadow);
  CHECK(refresh.on_data(0) == Target::kCurrent);
  CHECK(refresh.on_data(8) == Target::kDrop);
  const auto ready = refresh.on_ready(9, true);
  CHECK(ready.swap);
  CHECK(ready.acknowledge);
  CHECK_FALSE(refresh.replaying());
  CHECK(refresh.on_data(9) == Target::kCurrent);
}

TEST_CASE("refresh: a RESET of what made the current copy is finished") {
  Refresh refresh(9);
  const auto again = refresh.on_reset(9);
  CHECK_FALSE(again.begin);
  CHECK(again.acknowledge);
  CHECK(again.finished);
  CHECK_FALSE(refresh.replaying());
  CHECK_FALSE(refresh.on_reset(10).finished);
  CHECK_FALSE(refresh.on_reset(10).finished);  // it is being replayed
}

TEST_CASE("refresh: repeated frames are acknowledged and change nothing") {
  Refresh refresh = serving();
  REQUIRE(refresh.on_reset(7).begin);
  const auto again = refresh.on_reset(7);
  CHECK_FALSE(again.begin);
  CHECK(again.acknowledge);
  REQUIRE(refresh.on_ready(7, true).swap);
  const auto ready = refresh.on_ready(7, true);
  CHECK_FALSE(ready.swap);
  CHECK(ready.acknowledge);
  const auto late = refresh.on_reset(7);  // the broker missed what we said
  CHECK_FALSE(late.begin);
  CHECK(late.acknowledge);
}

TEST_CASE("refresh: a newer RESET cancels, a stale one is dropped") {
  Refresh refresh = serving();
  REQUIRE(refresh.on_reset(8).begin);
  const auto stale = refresh.on_reset(7);
  CHECK_FALSE(stale.begin);
  CHECK_FALSE(stale.acknowledge);
  CHECK(refresh.on_reset(9).begin);
  CHECK(refresh.on_data(8) == Target::kDrop);
  const auto old = refresh.on_ready(8, true);
  CHECK_FALSE(old.swap);
  CHECK_FALSE(old.acknowledge);
  CHECK(refresh.on_ready(9, true).swap);
}

TEST_CASE("refresh: after a reconnect another broker's smaller id is a new refresh") {
  Refresh refresh = serving();
  CHECK_FALSE(refresh.on_reset(2).begin);
  refresh.on_connected();
  CHECK(refresh.on_reset(2).begin);
  CHECK_FALSE(refresh.on_reset(1).begin);
}

TEST_CASE("refresh: READY waits for the barrier, and nobody swaps what was never reset") {
  Refresh refresh(0);
  CHECK_FALSE(refresh.on_ready(3, true).swap);
  CHECK_FALSE(refresh.on_ready(3, true).acknowledge);
  const auto caught_up = refresh.on_ready(0, true);  // of a fresh subscriber
  CHECK_FALSE(caught_up.swap);
  CHECK(caught_up.acknowledge);
  CHECK_FALSE(refresh.on_reset(0).acknowledge);
  REQUIRE(refresh.on_reset(3).begin);
  const auto early = refresh.on_ready(3, false);
  CHECK_FALSE(early.swap);
  CHECK_FALSE(early.acknowledge);
  CHECK(refresh.on_ready(3, true).swap);
}

TEST_CASE("refresh: an abandoned one leaves nothing to swap") {
  Refresh refresh(0);
  REQUIRE(refresh.on_reset(3).begin);
  refresh.abandon();
  CHECK(refresh.on_data(3) == Target::kDrop);
  CHECK_FALSE(refresh.on_ready(3, true).acknowledge);
  refresh.on_connected();
  CHECK(refresh.on_reset(3).begin);
}

// Whatever arrives: a swap happens only for the refresh begun last, once, and data of a refresh
// goes to the shadow only while it is replayed.
TEST_CASE("refresh: random frames against the rules") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    Refresh refresh(0);
    std::optional<std::uint64_t> begun;
    for (int step = 0; step < 200; ++step) {
      const std::uint64_t id = random.below(6);
      const bool reached = random.below(2) == 0;
      switch (random.below(5)) {
        case 0:
          refresh.on_connected();
          break;
        case 1: {
          const auto decided = refresh.on_reset(id);
          if (decided.begin) {
            REQUIRE(decided.acknowledge);
            REQUIRE(id != 0);
            REQUIRE(begun != id);
            begun = id;
          }
          break;
        }
        case 2: {
          const auto decided = refresh.on_ready(id, reached);
          if (decided.swap) {
            REQUIRE(reached);
            REQUIRE(begun == id);
            begun.reset();
          }
          break;
        }
        case 3:
          REQUIRE((refresh.on_data(id) == Target::kShadow) == (begun == id));
          break;
        default:
          REQUIRE(refresh.replaying() == begun);
      }
    }
  }
}

}  // namespace
}  // namespace xylem::consumer_app
