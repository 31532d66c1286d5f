// Memory of tail blocks that nobody looks into any more, kept for the next ones: the kernel takes
// longer to give a fresh page than it takes to fill one.
//
// Only the memory of full-sized blocks is kept, at most kKeptMax of them; all else is the heap's.
// Threads: any. Memory keeps the pool that it came from alive.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace xylem::storage {

class BlockPool {
 public:
  static constexpr std::size_t kBlockBytes = 256UL * 1024;
  static constexpr std::size_t kKeptMax = 16;

  class Return {
   public:
    Return() = default;

    explicit Return(std::shared_ptr<BlockPool> pool) : pool_(std::move(pool)) {}

    void operator()(std::byte* memory) const;

   private:
    std::shared_ptr<BlockPool> pool_;  // null: it is the heap's
  };

  using Memory = std::unique_ptr<std::byte[], Return>;

  // Not cleared. `pool` may be null.
  static Memory take(const std::shared_ptr<BlockPool>& pool, std::size_t bytes);

  [[nodiscard]] std::size_t kept() const;

 private:
  using Plain = std::unique_ptr<std::byte[]>;

  Plain take_kept();
  void put(Plain memory);

  mutable std::mutex mutex_;
  std::vector<Plain> kept_;  // under mutex_
};

}  // namespace xylem::storage
