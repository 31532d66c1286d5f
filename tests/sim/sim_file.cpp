#include "tests/sim/sim_file.h"

#include "common/check.h"
#include "common/random.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace xylem::sim {
namespace {

bool is_zero(Bytes bytes) {
  return bytes.empty() || (bytes.front() == std::byte{0} &&
                           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

std::uint64_t mixed(std::uint64_t seed, std::uint64_t salt) {
  auto word = seed + salt * 0x9e37'79b9'7f4a'7c15;
  word = (word ^ (word >> 30U)) * 0xbf58'476d'1ce4'e5b9;
  word = (word ^ (word >> 27U)) * 0x94d0'49bb'1331'11eb;
  return word ^ (word >> 31U);
}

}  // namespace

SparseBytes::Page& SparseBytes::writable(std::size_t index) {
  if (pages_.size() <= index) pages_.resize(index + 1);
  auto& page = pages_[index];
  if (page == nullptr)
    page = std::make_shared<Page>();
  else if (page.use_count() > 1)
    page = std::make_shared<Page>(*page);
  return *page;
}

void SparseBytes::read(std::int64_t position, MutableBytes out) const {
  while (!out.empty()) {
    const auto index = static_cast<std::size_t>(position / kPageBytes);
    const auto at = position % kPageBytes;
    const auto part = out.first(std::min(out.size(), static_cast<std::size_t>(kPageBytes - at)));
    if (index < pages_.size() && pages_[index] != nullptr)
      std::copy_n(pages_[index]->begin() + at, part.size(), part.begin());
    else
      std::ranges::fill(part, std::byte{0});
    position += static_cast<std::int64_t>(part.size());
    out = out.subspan(part.size());
  }
}

void SparseBytes::write(std::int64_t position, Bytes bytes) {
  while (!bytes.empty()) {
    const auto index = static_cast<std::size_t>(position / kPageBytes);
    const auto at = position % kPageBytes;
    const auto part =
        bytes.first(std::min(bytes.size(), static_cast<std::size_t>(kPageBytes - at)));
    const bool there = index < pages_.size() && pages_[index] != nullptr;
    if (there || !is_zero(part)) std::ranges::copy(part, writable(index).begin() + at);
    position += static_cast<std::int64_t>(part.size());
    bytes = bytes.subspan(part.size());
  }
}

void SparseBytes::zero(std::int64_t begin, std::int64_t end) {
  end = std::min(end, static_cast<std::int64_t>(pages_.size()) * kPageBytes);
  while (begin < end) {
    const auto index = static_cast<std::size_t>(begin / kPageBytes);
    const auto at = begin % kPageBytes;
    const auto count = std::min(end - begin, kPageBytes - at);
    if (count == kPageBytes)
      pages_[index] = nullptr;
    else if (pages_[index] != nullptr)
      std::fill_n(writable(index).begin() + at, count, std::byte{0});
    begin += count;
  }
}

void SparseBytes::zero_from(std::int64_t position) {
  zero(position, static_cast<std::int64_t>(pages_.size()) * kPageBytes);
}

void SimFile::note(std::int64_t begin, std::int64_t end, std::size_t written_at) {
  changes_.push_back({begin, end, size_, written_at});
}

void SimFile::check_unmapped(std::int64_t from) {
  std::erase_if(maps_, [](const auto& map) { return map.first.expired(); });
  for (const auto& [owner, bytes] : maps_) XYLEM_CHECK(bytes <= from);
}

std::size_t SimFile::read(std::int64_t position, MutableBytes out) const {
  const auto there = std::clamp<std::int64_t>(size_ - position, 0, std::ssize(out));
  now_.read(position, out.first(static_cast<std::size_t>(there)));
  return static_cast<std::size_t>(there);
}

void SimFile::write(std::int64_t position, Bytes bytes) {
  if (bytes.empty()) return;
  check_unmapped(position);
  const auto end = position + std::ssize(bytes);
  size_ = std::max(size_, end);
  now_.write(position, bytes);
  if (is_zero(bytes)) return note(position, end, kZeroes);
  note(position, end, written_.size());
  append(bytes, written_);
}

void SimFile::allocate(std::int64_t bytes) {
  if (bytes <= size_) return;
  size_ = bytes;
  note(bytes, bytes, kZeroes);
}

void SimFile::truncate(std::int64_t bytes) {
  const auto before = size_;
  size_ = bytes;
  if (bytes < before) check_unmapped(bytes);
  now_.zero_from(bytes);
  note(bytes, std::max(before, bytes), kZeroes);
}

void SimFile::sync() {
  if (lost_some_) {
    for (std::size_t i = 0; i < changes_.size(); ++i)
      redo(changes_[i], changes_[i].begin, changes_[i].end);
    durable_.zero_from(size_);
  } else {
    durable_ = now_;
  }
  durable_size_ = size_;
  changes_.clear();
  written_.clear();
}

void SimFile::fail_sync() {
  lost_some_ |= !changes_.empty();
  changes_.clear();
  written_.clear();
}

void SimFile::forget_cached() {
  if (!lost_some_) return;
  const auto durable = durable_;
  for (const auto& change : changes_) redo(change, change.begin, change.end);
  now_ = std::exchange(durable_, durable);
  now_.zero_from(size_);
  lost_some_ = false;
}

// Makes [begin, end) of a change durable.
void SimFile::redo(const Change& change, std::int64_t begin, std::int64_t end) {
  if (change.written_at == kZeroes) return durable_.zero(begin, end);
  const auto from = change.written_at + static_cast<std::size_t>(begin - change.begin);
  durable_.write(begin, Bytes(written_).subspan(from, static_cast<std::size_t>(end - begin)));
}

Slice SimFile::map(std::int64_t bytes) {
  XYLEM_CHECK(bytes <= size_);
  Buffer copy(static_cast<std::size_t>(bytes));
  now_.read(0, copy);
  auto slice = Slice::own(std::move(copy));
  maps_.emplace_back(slice.owner, bytes);
  return slice;
}

// Of a sector survives what the first changes made of it; how many these are, a hash says.
void SimFile::cut_power(Survival survival, std::uint64_t seed) {
  if (survival == Survival::kAll) lost_some_ = false, sync();
  const auto count = survival == Survival::kNone ? 0 : changes_.size();
  if (count > 0) {
    const auto chosen = mixed(seed, ~0ULL) % (2 * count + 1);
    if (chosen > 0) durable_size_ = changes_[std::min<std::size_t>(chosen, count) - 1].size_after;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const auto end = changes_[i].end;
    for (auto at = changes_[i].begin; at < end;) {
      const auto sector = at / kSectorBytes;
      const auto stop = std::min(end, (sector + 1) * kSectorBytes);
      // Half of them are the last state or none, the others anything between.
      const auto kept = mixed(seed, static_cast<std::uint64_t>(sector)) % (2 * count + 1);
      if (kept > i) redo(changes_[i], at, stop);
      at = stop;
    }
  }
  durable_.zero_from(durable_size_);
  now_ = durable_;
  size_ = durable_size_;
  lost_some_ = false;
  changes_.clear();
  written_.clear();
  maps_.clear();
}

void SimFile::flip(std::int64_t position, std::byte bits) {
  for (auto* picture : {&now_, &durable_}) {
    std::array<std::byte, 1> one{};
    picture->read(position, one);
    one[0] ^= bits;
    picture->write(position, one);
  }
}

}  // namespace xylem::sim
