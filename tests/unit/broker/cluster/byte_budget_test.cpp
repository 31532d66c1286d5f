// So many bytes a second, waited for after they were spent.
#include "broker/cluster/byte_budget.h"

#include <doctest/doctest.h>

namespace xylem::broker {
namespace {

TEST_CASE("byte budget: what is spent is waited for, all together") {
  ByteBudget budget;
  CHECK(budget.wait_ms(5'000) == 0);
  budget.spend(500, 1'000, 5'000);
  CHECK(budget.wait_ms(5'000) == 500);
  budget.spend(1'000, 1'000, 5'100);
  CHECK(budget.wait_ms(5'100) == 1'400);
  CHECK(budget.wait_ms(6'500) == 0);
}

TEST_CASE("byte budget: what was not spent is not saved up") {
  ByteBudget budget;
  budget.spend(1'000, 1'000, 0);
  budget.spend(1'000, 1'000, 60'000);
  CHECK(budget.wait_ms(60'000) == 1'000);
}

TEST_CASE("byte budget: another rate holds from the next bytes on") {
  ByteBudget budget;
  budget.spend(1'000, 1'000, 0);
  budget.spend(1'000, 10'000, 0);
  CHECK(budget.wait_ms(0) == 1'100);
}

}  // namespace
}  // namespace xylem::broker
