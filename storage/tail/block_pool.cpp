#include "storage/tail/block_pool.h"

#include <utility>

namespace xylem::storage {

BlockPool::Memory BlockPool::take(const std::shared_ptr<BlockPool>& pool, std::size_t bytes) {
  if (pool == nullptr || bytes != kBlockBytes)
    return Memory(std::make_unique_for_overwrite<std::byte[]>(bytes).release());
  auto memory = pool->take_kept();
  if (memory == nullptr) memory = std::make_unique_for_overwrite<std::byte[]>(bytes);
  return {memory.release(), Return(pool)};
}

void BlockPool::Return::operator()(std::byte* memory) const {
  Plain owned(memory);
  if (pool_ != nullptr) pool_->put(std::move(owned));
}

BlockPool::Plain BlockPool::take_kept() {
  const std::lock_guard lock(mutex_);
  if (kept_.empty()) return nullptr;
  auto memory = std::move(kept_.back());
  kept_.pop_back();
  return memory;
}

void BlockPool::put(Plain memory) {
  const std::lock_guard lock(mutex_);
  if (kept_.size() < kKeptMax) kept_.push_back(std::move(memory));
}

std::size_t BlockPool::kept() const {
  const std::lock_guard lock(mutex_);
  return kept_.size();
}

}  // namespace xylem::storage
