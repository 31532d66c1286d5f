#include "broker/refresh/refresh_seat.h"

#include "tests/unit/broker/refresh/refresh_world.h"

#include <doctest/doctest.h>

#include <utility>

namespace xylem::testing {
namespace {

struct Nobody final : broker::RefreshConsumer {
  void send_refresh(network::FrameType, const network::Refresh&) override {}

  std::vector<Offset> begin_replay(std::uint64_t) override { return {}; }

  Result<std::size_t> push_replay() override { return 0; }

  [[nodiscard]] std::vector<Offset> replayed() const override { return {}; }

  [[nodiscard]] std::vector<Offset> live() const override { return {}; }

  void hold_live() override {}

  void end_replay(bool) override {}
};

TEST_CASE("refresh seat: one that outlives the refreshes, as at a shutdown, does nothing") {
  RefreshWorld world;
  Nobody nobody;
  auto seat = world.refreshes->sit({.consumer = nobody, .name = "one", .topic = "t"});
  auto moved = std::move(seat);
  auto empty = broker::RefreshSeat();
  empty = std::move(moved);
  // Others in the very same place: they know nothing of that seat, and would throw.
  world.restart_refreshes();
  CHECK_NOTHROW(empty.acknowledged({.refresh_id = 7}));
  CHECK_NOTHROW(empty.answered(network::FrameType::kResetAck, {}));
  empty.wake();
}

}  // namespace
}  // namespace xylem::testing
