// The newest batches of a log, in memory: blocks that are appended to while readers look into them.
//
// A block never moves and is never changed below its published size; slices keep it alive after the
// tail has dropped it. The list of blocks is immutable and republished when a block comes or goes.
//
// Threads: Tail and Block::add: the writer's loop; the rest of Block and the functions over a
// BlockList: any.
#pragma once

#include "common/bytes.h"
#include "storage/partition_log.h"
#include "storage/segment/batch_run.h"
#include "storage/segment/sparse_index.h"
#include "storage/tail/block_pool.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace xylem::storage {

class Block {
 public:
  Block(Offset base, std::size_t capacity, const std::shared_ptr<BlockPool>& pool = nullptr);

  // False: there is no room.
  bool add(Bytes batch, const BatchPlace& place);

  [[nodiscard]] BatchRun run() const noexcept {
    return {Bytes(bytes_.get(), used_.load(std::memory_order_acquire))};
  }

  [[nodiscard]] Offset base() const noexcept { return index_.base(); }

  // After the last batch; base() while there is none.
  [[nodiscard]] Offset next() const noexcept { return next_.load(std::memory_order_acquire); }

  [[nodiscard]] std::int64_t max_timestamp_ms() const noexcept {
    return max_timestamp_ms_.load(std::memory_order_acquire);
  }

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

  [[nodiscard]] const SparseIndex& index() const noexcept { return index_; }

 private:
  std::size_t capacity_;
  BlockPool::Memory bytes_;
  SparseIndex index_;
  std::atomic<std::size_t> used_{0};
  std::atomic<Offset> next_;
  std::atomic<std::int64_t> max_timestamp_ms_{-1};
};

using BlockList = std::vector<std::shared_ptr<const Block>>;

// Adds to `out` what the blocks hold of `range`, whose bytes_max counts from out.bytes.
Status read_blocks(const BlockList& blocks, const ReadRange& range, ReadResult& out);
Result<std::optional<LastBatch>> find_last(const BlockList& blocks, Offset offset);

class Tail {
 public:
  struct Options {
    std::size_t block_bytes_min = 16UL * 1024;
    std::size_t block_bytes_max = BlockPool::kBlockBytes;
    std::shared_ptr<BlockPool> pool = nullptr;  // where blocks get their memory; null: the heap
  };

  struct Added {
    Slice slice;
    bool list_changed = false;  // blocks() must be published before the batch is
  };

  explicit Tail(Options options) : options_(std::move(options)) {}

  // Copies `batch` behind the others; the copy gets the place's offset and epoch.
  Added add(Bytes batch, const BatchPlace& place);

  // Drops blocks that end at or below `offset`. True: the list changed.
  bool drop_before(Offset offset);

  // Drops blocks from the oldest on while they end at or below `offset` and more than `bytes_kept`
  // are held. True: the list changed.
  bool shrink(Offset offset, std::size_t bytes_kept);

  // Removes batches that start at or above `offset`.
  Status cut_back(Offset offset);

  // Ends the block that is being written, so that a new one follows.
  void close_block() { open_ = nullptr; }

  [[nodiscard]] const BlockList& blocks() const { return blocks_; }

  [[nodiscard]] std::size_t bytes() const { return bytes_; }  // allocated

 private:
  void drop_first();

  Options options_;
  BlockList blocks_;
  std::shared_ptr<Block> open_;  // the last of blocks_; null: the next batch starts one
  std::size_t bytes_ = 0;
  std::size_t last_block_bytes_ = 0;
};

}  // namespace xylem::storage
