#include "pipe/route_table.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

namespace xylem::pipe {
namespace {

const Parent kA{"a", "http://a"};
const Parent kB{"b", "http://b"};
const Parent kC{"c", "http://c"};
const Parent kHome = RouteTable::home();
constexpr std::int64_t kLongestMs = 1'000;
constexpr std::int64_t kDoubtMs = 30'000;

LogId log_id(std::int32_t partition) {
  return {{Uuid::from_words(0, 1), 0}, PartitionId(partition)};
}

const LogId kLog = log_id(0);

struct Fixture {
  ManualClock clock;
  Random random{7};
  RouteTable table{
      {.backoff = {.min_ms = 100, .max_ms = kLongestMs}, .doubt_ms = kDoubtMs, .leaders_max = 2},
      clock,
      random};

  Fixture() {
    clock.advance_ms(1);
    table.add(kLog);
  }

  // How long it takes until `log` is asked from `parent`; -1: longer than `limit_ms`.
  std::int64_t ms_until_at(const LogId& log, const Parent& parent, std::int64_t limit_ms) {
    for (std::int64_t ms = 0; ms <= limit_ms; ++ms, clock.advance_ms(1)) {
      (void)table.take_due();
      if (*table.at(log) == parent) return ms;
    }
    return -1;
  }

  [[nodiscard]] bool is_at_once(const Parent& parent) { return ms_until_at(kLog, parent, 0) == 0; }
};

TEST_CASE_FIXTURE(Fixture, "route table: a log goes at once where it is said to be") {
  CHECK_FALSE(table.due_at_ms());
  table.redirect(kLog, kA, Epoch(1));
  CHECK(table.due_at_ms() == clock.monotonic_ms());
  const auto moves = table.take_due();
  REQUIRE(moves.size() == 1);
  CHECK(moves[0].log == kLog);
  CHECK(moves[0].from == kHome);
  CHECK(moves[0].to == kA);
  CHECK(*table.at(kLog) == kA);
  CHECK(table.logs_at(kA) == 1);
  CHECK(table.take_due().empty());
}

TEST_CASE_FIXTURE(Fixture, "route table: leaders that name each other are asked ever more slowly") {
  table.redirect(kLog, kA, Epoch(1));
  REQUIRE(is_at_once(kA));
  std::int64_t waited_ms = 0;
  for (int i = 0; i < 20; ++i) {
    const auto& next = i % 2 == 0 ? kB : kA;
    table.redirect(kLog, next, Epoch(1));
    const auto ms = ms_until_at(kLog, next, kLongestMs);
    REQUIRE(ms >= 0);
    waited_ms += ms;
  }
  CHECK(waited_ms > 20 * kLongestMs / 5);

  SUBCASE("a newer leadership is news") { table.redirect(kLog, kB, Epoch(2)); }
  SUBCASE("having been served is a new beginning") {
    table.served(kLog);
    table.redirect(kLog, kHome, Epoch(1));
    REQUIRE(is_at_once(kHome));
    table.served(kLog);
    table.redirect(kLog, kB, Epoch(1));
  }
  CHECK(is_at_once(kB));
}

TEST_CASE_FIXTURE(Fixture, "route table: a log that waits hears of a newer leadership") {
  table.redirect(kLog, kA, Epoch(1));
  REQUIRE(is_at_once(kA));
  for (int i = 0; i < 10; ++i) {
    table.redirect(kLog, kHome, kNoEpoch);
    REQUIRE(is_at_once(kHome));
    table.redirect(kLog, kA, Epoch(1));
    if (is_at_once(kA)) continue;
    table.redirect(kLog, kB, Epoch(2));
    CHECK(is_at_once(kB));
    return;
  }
  FAIL("never had to wait");
}

TEST_CASE_FIXTURE(Fixture, "route table: what is served where it waits stays there") {
  table.redirect(kLog, kA, Epoch(1));
  REQUIRE(is_at_once(kA));
  for (int i = 0; table.due_at_ms() <= clock.monotonic_ms() && i < 100; ++i) {
    (void)table.take_due();
    table.redirect(kLog, *table.at(kLog) == kA ? kB : kA, Epoch(1));
  }
  REQUIRE(table.due_at_ms() > clock.monotonic_ms());
  table.served(kLog);
  CHECK_FALSE(table.due_at_ms());
}

TEST_CASE_FIXTURE(Fixture, "route table: who has it not and knows no better sends it home") {
  table.redirect(kLog, kHome, kNoEpoch);
  CHECK_FALSE(table.due_at_ms());  // it is there
  table.redirect(kLog, kA, Epoch(1));
  REQUIRE(is_at_once(kA));
  table.redirect(kLog, kHome, kNoEpoch);
  CHECK(is_at_once(kHome));
  CHECK(table.logs_at(kA) == 0);
}

TEST_CASE_FIXTURE(Fixture, "route table: a leader that fails is left by all, and left alone") {
  table.add(log_id(1));
  for (const auto& log : {kLog, log_id(1)}) table.redirect(log, kA, Epoch(1));
  REQUIRE(table.take_due().size() == 2);
  std::int64_t waited_ms = 0;
  for (int i = 0; i < 20; ++i) {
    table.failed(kA);
    REQUIRE(table.take_due().size() == 2);
    for (const auto& log : {kLog, log_id(1)}) table.redirect(log, kA, Epoch(1));
    const auto ms = ms_until_at(kLog, kA, kLongestMs);
    REQUIRE(ms >= 0);
    CHECK(*table.at(log_id(1)) == kA);
    waited_ms += ms;
  }
  CHECK(waited_ms > 20 * kLongestMs / 5);

  table.answered(kA);
  table.failed(kA);
  REQUIRE(is_at_once(kHome));
  table.redirect(kLog, kA, Epoch(1));
  CHECK(ms_until_at(kLog, kA, 100) >= 0);
}

TEST_CASE_FIXTURE(Fixture, "route table: a leader that is behind for long is doubted") {
  table.doubt(kLog);
  CHECK_FALSE(table.due_at_ms());  // at home the walk decides
  table.redirect(kLog, kA, Epoch(1));
  REQUIRE(is_at_once(kA));
  table.doubt(kLog);
  clock.advance_ms(kDoubtMs / 2);
  table.doubt(kLog);
  CHECK(table.take_due().empty());
  SUBCASE("until home is asked again") {
    CHECK(ms_until_at(kLog, kHome, kDoubtMs / 2) == kDoubtMs / 2);
  }
  SUBCASE("unless it catches up") {
    table.served(kLog);
    CHECK_FALSE(table.due_at_ms());
  }
}

TEST_CASE_FIXTURE(Fixture, "route table: a recall stands, whatever is heard meanwhile") {
  table.add(log_id(1));
  table.redirect(kLog, kA, Epoch(1));
  REQUIRE(is_at_once(kA));
  table.redirect(log_id(1), kA, Epoch(1));
  table.recall();
  table.redirect(kLog, kB, Epoch(2));
  table.served(kLog);
  CHECK(table.take_due().size() == 1);
  CHECK(*table.at(kLog) == kHome);
  CHECK(*table.at(log_id(1)) == kHome);
}

TEST_CASE_FIXTURE(Fixture, "route table: no more leaders than allowed, and idle ones make room") {
  for (int i = 1; i < 3; ++i) table.add(log_id(i));
  table.redirect(kLog, kA, Epoch(1));
  table.redirect(log_id(1), kB, Epoch(1));
  REQUIRE(table.take_due().size() == 2);
  table.redirect(log_id(2), kC, Epoch(1));
  CHECK(ms_until_at(log_id(2), kC, 3 * kLongestMs) == -1);
  CHECK(*table.at(log_id(2)) == kHome);
  table.redirect(kLog, kHome, kNoEpoch);
  CHECK(ms_until_at(log_id(2), kC, kLongestMs) >= 0);
}

TEST_CASE_FIXTURE(Fixture, "route table: what is removed goes nowhere") {
  table.redirect(kLog, kA, Epoch(1));
  REQUIRE(is_at_once(kA));
  table.redirect(kLog, kB, Epoch(2));
  table.remove(kLog);
  CHECK(table.at(kLog) == nullptr);
  CHECK(table.logs_at(kA) == 0);
  CHECK(table.take_due().empty());
  table.redirect(kLog, kB, Epoch(3));
  table.served(kLog);
  table.doubt(kLog);
  table.remove(kLog);
  CHECK_FALSE(table.due_at_ms());
}

}  // namespace
}  // namespace xylem::pipe
