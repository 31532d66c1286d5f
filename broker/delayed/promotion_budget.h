// How much of what is being promoted a broker has in memory: all of its partitions of `__delayed`
// share one budget, so that many targets that are due at once take turns.
//
// In the order of the claims. One is always granted, however large it is.
//
// Limits: kBytesMax. Threads: the loop's.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

namespace xylem::broker {

class PromotionBudget : public std::enable_shared_from_this<PromotionBudget> {
 public:
  // Of records that are read and whose batch is not answered yet; batch and records are there
  // together for a moment.
  static constexpr std::uint64_t kBytesMax = 64ULL * 1024 * 1024;

  // Given back, or withdrawn, when it is destroyed. Keeps the budget.
  class Claim {
   public:
    ~Claim();
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

    [[nodiscard]] bool is_granted() const { return is_granted_; }

   private:
    friend class PromotionBudget;

    Claim(std::shared_ptr<PromotionBudget> budget,
          std::uint64_t bytes,
          std::function<void()> granted);

    std::shared_ptr<PromotionBudget> budget_;
    std::uint64_t bytes_;
    std::function<void()> granted_;
    bool is_granted_ = false;
  };

  explicit PromotionBudget(std::uint64_t bytes_max = kBytesMax) : bytes_max_(bytes_max) {}

  // `granted` runs when it had to wait, inside the call that gave something back: it may not touch
  // any claim.
  [[nodiscard]] std::unique_ptr<Claim> claim(std::uint64_t bytes, std::function<void()> granted);

  [[nodiscard]] std::uint64_t used() const { return used_; }

 private:
  [[nodiscard]] bool fits(std::uint64_t bytes) const;
  void grant();

  std::uint64_t bytes_max_;
  std::uint64_t used_ = 0;
  std::size_t holders_ = 0;
  std::deque<Claim*> waiting_;
};

}  // namespace xylem::broker
