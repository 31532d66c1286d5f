// What delayed records may take of the memory while they are promoted.
#include "broker/delayed/promotion_budget.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace xylem::broker {
namespace {

struct World {
  std::unique_ptr<PromotionBudget::Claim> claim(std::uint64_t bytes, char name) {
    return budget->claim(bytes, [this, name] { granted += name; });
  }

  std::shared_ptr<PromotionBudget> budget = std::make_shared<PromotionBudget>(100);
  std::string granted;
};

TEST_CASE("delayed promotion budget: claims wait in their order, and take no more than there is") {
  World world;
  auto first = world.claim(60, 'a');
  auto second = world.claim(40, 'b');
  CHECK(first->is_granted());
  CHECK(second->is_granted());
  auto large = world.claim(80, 'c');
  auto small = world.claim(1, 'd');
  CHECK_FALSE(large->is_granted());
  CHECK_FALSE(small->is_granted());
  CHECK(world.budget->used() == 100);
  second.reset();
  CHECK(world.granted.empty());  // the small one does not overtake
  first.reset();
  CHECK(world.granted == "cd");
  CHECK(world.budget->used() == 81);
}

TEST_CASE("delayed promotion budget: one may always go, however large") {
  World world;
  auto large = world.claim(1'000, 'a');
  CHECK(large->is_granted());
  auto next = world.claim(2'000, 'b');
  auto withdrawn = world.claim(1, 'c');
  CHECK_FALSE(next->is_granted());
  withdrawn.reset();
  large.reset();
  CHECK(world.granted == "b");
  CHECK(next->is_granted());
  next.reset();
  CHECK(world.budget->used() == 0);
}

TEST_CASE("delayed promotion budget: a claim keeps it") {
  World world;
  auto held = world.claim(100, 'a');
  auto waits = world.claim(1, 'b');
  world.budget.reset();
  held.reset();
  CHECK(waits->is_granted());
}

}  // namespace
}  // namespace xylem::broker
