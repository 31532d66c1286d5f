#include "storage/tail/block_pool.h"

#include <doctest/doctest.h>

#include <thread>

namespace xylem::storage {
namespace {

TEST_CASE("a pool keeps full-sized blocks, so many and no more") {
  const auto pool = std::make_shared<BlockPool>();
  const auto* first = BlockPool::take(pool, BlockPool::kBlockBytes).get();
  CHECK(pool->kept() == 1);
  const auto again = BlockPool::take(pool, BlockPool::kBlockBytes);
  CHECK(again.get() == first);
  CHECK(pool->kept() == 0);
  BlockPool::take(pool, 1'000).reset();
  CHECK(pool->kept() == 0);
  {
    std::vector<BlockPool::Memory> many;
    for (std::size_t i = 0; i < 2 * BlockPool::kKeptMax; ++i)
      many.push_back(BlockPool::take(pool, BlockPool::kBlockBytes));
  }
  CHECK(pool->kept() == BlockPool::kKeptMax);
  CHECK(BlockPool::take(nullptr, BlockPool::kBlockBytes) != nullptr);
}

TEST_CASE("memory of a pool that its owner has dropped is still good") {
  auto pool = std::make_shared<BlockPool>();
  auto memory = BlockPool::take(pool, BlockPool::kBlockBytes);
  pool.reset();
  memory[BlockPool::kBlockBytes - 1] = std::byte{1};
  memory.reset();
  CHECK(memory == nullptr);
}

TEST_CASE("several threads never hold the same memory") {
  const auto pool = std::make_shared<BlockPool>();
  std::atomic<int> mixed{0};
  const auto use = [&](int mark) {
    for (int i = 0; i < 2'000; ++i) {
      const auto memory = BlockPool::take(pool, BlockPool::kBlockBytes);
      memory[0] = static_cast<std::byte>(mark);
      memory[BlockPool::kBlockBytes - 1] = static_cast<std::byte>(mark);
      if (memory[0] != static_cast<std::byte>(mark)) ++mixed;
    }
  };
  std::vector<std::thread> threads;
  for (int mark = 1; mark <= 3; ++mark) threads.emplace_back(use, mark);
  for (auto& thread : threads) thread.join();
  CHECK(mixed == 0);
  CHECK(pool->kept() >= 1);
}

}  // namespace
}  // namespace xylem::storage
