#include "broker/refresh/catch_up.h"

#include "broker/refresh/first_ready.h"

#include <doctest/doctest.h>

#include <vector>

namespace xylem::testing {
namespace {

using broker::CatchUp;
using broker::FirstReady;
using Step = CatchUp::Step;

std::vector<Offset> at(std::int64_t offset) { return {Offset(offset)}; }

TEST_CASE("catch up: to the barrier, to live data, and to live data that is held") {
  CatchUp catch_up;
  CHECK(catch_up.next(at(100), at(99), at(500)) == Step::kGoOn);
  CHECK(catch_up.next(at(100), at(100), at(500)) == Step::kGoOn);  // the second stretch: to 500
  CHECK(catch_up.next(at(100), at(499), at(590)) == Step::kGoOn);
  CHECK(catch_up.next(at(100), at(500), at(600)) == Step::kHold);
  CHECK(catch_up.next(at(100), at(599), at(600)) == Step::kGoOn);
  CHECK(catch_up.next(at(100), at(600), at(600)) == Step::kDone);
}

TEST_CASE("catch up: nothing came meanwhile") {
  CatchUp catch_up;
  CHECK(catch_up.next(at(100), at(100), at(100)) == Step::kHold);
  CHECK(catch_up.next(at(100), at(100), at(100)) == Step::kDone);
}

TEST_CASE("catch up: a consumer that is ahead of this broker waits until that has as much") {
  CatchUp catch_up;
  CHECK(catch_up.next(at(100), at(100), at(120)) == Step::kGoOn);
  CHECK(catch_up.next(at(100), at(110), at(120)) == Step::kGoOn);
  CHECK(catch_up.next(at(100), at(120), at(120)) == Step::kHold);
}

TEST_CASE("catch up: every partition counts, also those that came later") {
  CatchUp catch_up;
  const std::vector barrier{Offset(5), Offset(0)};
  CHECK(catch_up.next(barrier, {Offset(5)}, {Offset(5), Offset(3)}) == Step::kGoOn);
  CHECK(catch_up.next(barrier, {Offset(5), Offset(3)}, {Offset(5), Offset(3)}) == Step::kHold);
}

TEST_CASE("first ready: once all is acknowledged that there was, again until it is answered") {
  FirstReady ready({Offset(0), Offset(7)}, {Offset(3), Offset(7)});
  CHECK_FALSE(ready.is_due(0));
  ready.acknowledged(PartitionId(0), Offset(2));
  ready.acknowledged(PartitionId(9), Offset(3));  // there is no such partition
  CHECK_FALSE(ready.is_due(1));
  ready.acknowledged(PartitionId(0), Offset(3));
  ready.acknowledged(PartitionId(0), Offset(1));
  CHECK(ready.is_due(2));
  CHECK_FALSE(ready.is_due(10'001));
  CHECK(ready.is_due(10'002));
  ready.answered();
  CHECK_FALSE(ready.is_due(100'000));
  CHECK(ready.is_over());
}

}  // namespace
}  // namespace xylem::testing
