#include "broker/delayed/promotion_budget.h"

#include <utility>

namespace xylem::broker {

PromotionBudget::Claim::Claim(std::shared_ptr<PromotionBudget> budget,
                              std::uint64_t bytes,
                              std::function<void()> granted)
    : budget_(std::move(budget)), bytes_(bytes), granted_(std::move(granted)) {}

PromotionBudget::Claim::~Claim() {
  if (is_granted_) {
    budget_->used_ -= bytes_;
    --budget_->holders_;
  } else {
    std::erase(budget_->waiting_, this);
  }
  budget_->grant();
}

std::unique_ptr<PromotionBudget::Claim> PromotionBudget::claim(std::uint64_t bytes,
                                                               std::function<void()> granted) {
  std::unique_ptr<Claim> claim(new Claim(shared_from_this(), bytes, std::move(granted)));
  if (waiting_.empty() && fits(bytes)) {
    used_ += bytes;
    ++holders_;
    claim->is_granted_ = true;
  } else {
    waiting_.push_back(claim.get());
  }
  return claim;
}

bool PromotionBudget::fits(std::uint64_t bytes) const {
  return holders_ == 0 || (used_ <= bytes_max_ && bytes <= bytes_max_ - used_);
}

void PromotionBudget::grant() {
  while (!waiting_.empty() && fits(waiting_.front()->bytes_)) {
    auto& next = *waiting_.front();
    waiting_.pop_front();
    used_ += next.bytes_;
    ++holders_;
    next.is_granted_ = true;
    next.granted_();
  }
}

}  // namespace xylem::broker
