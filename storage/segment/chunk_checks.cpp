#include "storage/segment/chunk_checks.h"

#include "common/batch/batch.h"
#include "common/batch/crc32c.h"
#include "storage/disk.h"

#include <algorithm>
#include <string>

namespace xylem::storage {
namespace {

constexpr std::size_t kJoinedMin = 512;  // bytes; fewer are read sooner than joined

}  // namespace

void ChunkChecks::restore(const std::vector<std::uint32_t>& crcs, std::size_t bytes) {
  XYLEM_CHECK(crcs.size() == (bytes + kChunkBytes - 1) / kChunkBytes);
  restored_.crcs = crcs;
  restored_.proven = std::vector<std::atomic<bool>>(crcs.size());
  restored_.bytes = bytes;
  full_ = crcs;
  open_bytes_ = bytes % kChunkBytes;
  open_crc_ = 0;
  if (open_bytes_ > 0) {
    open_crc_ = full_.back();
    full_.pop_back();
  }
}

void ChunkChecks::add(std::uint32_t crc, std::size_t bytes) {
  open_crc_ = crc32c_joined(open_crc_, crc, bytes);
  open_bytes_ += bytes;
  if (open_bytes_ < kChunkBytes) return;
  full_.push_back(open_crc_);
  open_crc_ = 0;
  open_bytes_ = 0;
}

void ChunkChecks::extend(Bytes batch, std::uint32_t crc) {
  XYLEM_CHECK(batch.size() >= kBatchHeaderBytes);
  if (batch.size() < kJoinedMin && batch.size() < kChunkBytes - open_bytes_) {
    open_crc_ = crc32c(batch, open_crc_);
    open_bytes_ += batch.size();
    return;
  }
  const auto head = batch.first(kBatchCrcFrom);
  crc = crc32c_joined(crc32c(head), crc, batch.size() - head.size());
  for (auto room = kChunkBytes - open_bytes_; batch.size() > room; room = kChunkBytes) {
    const auto part_crc = crc32c(batch.first(room));
    batch = batch.subspan(room);
    crc = crc32c_joined(part_crc, crc, batch.size());
    add(part_crc, room);
  }
  add(crc, batch.size());
}

Status ChunkChecks::ensure(Bytes run, std::size_t begin, std::size_t end) const {
  end = std::min(end, restored_.bytes);
  for (auto chunk = begin / kChunkBytes; chunk * kChunkBytes < end; ++chunk) {
    auto& proven = restored_.proven[chunk];
    if (proven.load(std::memory_order_relaxed)) continue;
    if (auto good = prove(run, chunk); !good) return good;
    proven.store(true, std::memory_order_relaxed);
  }
  return {};
}

Status ChunkChecks::prove(Bytes run, std::size_t chunk) const {
  const auto first = chunk * kChunkBytes;
  const auto last = std::min(first + kChunkBytes, restored_.bytes);
  const auto bad = [&](const std::string& why) {
    return fail(Errc::kCorrupt,
                "bytes " + std::to_string(first) + " to " + std::to_string(last) + " " + why);
  };
  if (last > run.size()) return bad("are not there");
  const auto bytes = run.subspan(first, last - first);
  if (disk_ != nullptr) {
    if (auto there = disk_->bring_in(bytes); !there) return bad(there.error().what());
  }
  if (crc32c(bytes) != restored_.crcs[chunk]) return bad("are not what was written");
  return {};
}

bool ChunkChecks::are_proven(std::size_t begin, std::size_t end) const {
  end = std::min(end, restored_.bytes);
  for (auto chunk = begin / kChunkBytes; chunk * kChunkBytes < end; ++chunk) {
    if (!restored_.proven[chunk].load(std::memory_order_relaxed)) return false;
  }
  return true;
}

std::vector<std::uint32_t> ChunkChecks::crcs() const {
  auto all = full_;
  if (open_bytes_ > 0) all.push_back(open_crc_);
  return all;
}

}  // namespace xylem::storage
