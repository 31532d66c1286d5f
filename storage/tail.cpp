#include "storage/tail.h"

#include "common/batch/batch.h"

#include <algorithm>
#include <cstring>
#include <ranges>
#include <utility>

namespace xylem::storage {

Block::Block(Offset base, std::size_t capacity, const std::shared_ptr<BlockPool>& pool)
    : capacity_(capacity), bytes_(BlockPool::take(pool, capacity)), index_(base), next_(base) {}

bool Block::add(Bytes batch, const BatchPlace& place) {
  const auto used = used_.load(std::memory_order_relaxed);
  if (batch.size() > capacity_ - used) return false;
  if (place.base - index_.base() > UINT32_MAX) return false;
  std::memcpy(bytes_.get() + used, batch.data(), batch.size());
  assign({bytes_.get() + used, batch.size()}, place.base, place.epoch);
  index_.add(place.base, used);
  next_.store(place.next, std::memory_order_release);
  max_timestamp_ms_.store(std::max(max_timestamp_ms(), place.max_timestamp_ms),
                          std::memory_order_release);
  used_.store(used + batch.size(), std::memory_order_release);
  return true;
}

Status read_blocks(const BlockList& blocks, const ReadRange& range, ReadResult& out) {
  const auto first = std::ranges::upper_bound(blocks, range.from, std::less<>(),
                                              [](const auto& block) { return block->next(); });
  for (auto block = first; block != blocks.end(); ++block) {
    if (out.bytes > 0 && out.bytes >= range.bytes_max) break;
    const auto run = (*block)->run();
    const auto room = range.bytes_max - std::min(out.bytes, range.bytes_max);
    const auto from = std::max(range.from, out.next);
    auto found =
        find_batches(run, (*block)->index().position_below(from), {from, room, range.below});
    if (!found) return pass(found);
    const auto bytes = found->end - found->begin;
    if (bytes == 0 || (out.bytes > 0 && bytes > room)) break;
    out.slices.push_back({*block, run.bytes.subspan(found->begin, bytes)});
    out.bytes += bytes;
    out.next = found->next;
    if (found->end < run.bytes.size()) break;
  }
  return {};
}

Result<std::optional<LastBatch>> find_last(const BlockList& blocks, Offset offset) {
  for (const auto& block : std::views::reverse(blocks)) {
    if (block->base() >= offset) continue;
    const auto& index = block->index();
    const auto run = block->run();
    auto entry = index.floor(offset + -1);
    for (auto left = entry < index.size() ? entry + 1 : 0; left > 0; --left) {
      auto last = find_last(run, index[left - 1].position, offset);
      if (!last || *last) return last;
    }
  }
  return std::nullopt;
}

Tail::Added Tail::add(Bytes batch, const BatchPlace& place) {
  Added added;
  if (open_ == nullptr || !open_->add(batch, place)) {
    const auto wanted =
        std::clamp(last_block_bytes_ * 2, options_.block_bytes_min, options_.block_bytes_max);
    open_ = std::make_shared<Block>(place.base, std::max(wanted, batch.size()), options_.pool);
    XYLEM_CHECK(open_->add(batch, place));
    blocks_.push_back(open_);
    bytes_ += open_->capacity();
    last_block_bytes_ = wanted;
    added.list_changed = true;
  }
  added.slice = {open_, open_->run().bytes.last(batch.size())};
  return added;
}

void Tail::drop_first() {
  bytes_ -= blocks_.front()->capacity();
  if (blocks_.size() == 1) open_ = nullptr;
  blocks_.erase(blocks_.begin());
}

bool Tail::drop_before(Offset offset) { return shrink(offset, 0); }

bool Tail::shrink(Offset offset, std::size_t bytes_kept) {
  const auto before = blocks_.size();
  while (!blocks_.empty() && bytes_ > bytes_kept && blocks_.front()->next() <= offset) drop_first();
  if (blocks_.empty()) last_block_bytes_ = 0;
  return blocks_.size() != before;
}

Status Tail::cut_back(Offset offset) {
  std::shared_ptr<Block> kept;
  while (!blocks_.empty() && blocks_.back()->next() > offset) {
    const auto block = blocks_.back();
    const auto run = block->run();
    auto end = find_start(run, block->index().position_below(offset + -1), offset);
    if (!end) return pass(end);
    if (*end == run.bytes.size()) break;  // its last batch only reaches over `offset`
    bytes_ -= block->capacity();
    blocks_.pop_back();
    open_ = nullptr;
    if (*end == 0) continue;
    kept = std::make_shared<Block>(block->base(), std::max(*end, options_.block_bytes_min));
    for (std::size_t at = 0; at < *end;) {
      auto place = run.place(at);
      if (!place) return pass(place);
      XYLEM_CHECK(kept->add(run.bytes.subspan(at, place->bytes), *place));
      at += place->bytes;
    }
    break;
  }
  if (kept == nullptr) return {};
  blocks_.push_back(kept);
  bytes_ += kept->capacity();
  return {};
}

}  // namespace xylem::storage
