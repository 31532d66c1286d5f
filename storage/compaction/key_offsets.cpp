#include "storage/compaction/key_offsets.h"

#include "storage/digest/sha256.h"

#include <algorithm>
#include <bit>

namespace xylem::storage {
namespace {

constexpr std::size_t kSlotsMin = 16;
constexpr std::size_t kFirstSlots = 1024;

}  // namespace

KeyOffsets::KeyOffsets(std::size_t bytes_max)
    : slots_max_(std::bit_floor(std::max(bytes_max / sizeof(Slot), kSlotsMin))),
      slots_(std::min(slots_max_, kFirstSlots)) {}

KeyOffsets::Hash KeyOffsets::hash_of(Bytes key) {
  const auto digest = sha256_of(key);
  return {load_be<std::uint64_t>(digest), load_be<std::uint64_t>(Bytes(digest).subspan(8))};
}

std::size_t KeyOffsets::place_of(const Hash& hash, const std::vector<Slot>& slots) {
  const auto mask = slots.size() - 1;
  auto at = static_cast<std::size_t>(hash[0]) & mask;
  while (slots[at].offset >= 0 && slots[at].hash != hash) at = (at + 1) & mask;
  return at;
}

bool KeyOffsets::make_room() {
  if (used_ < slots_.size() / 4 * 3) return true;
  if (slots_.size() >= slots_max_) return false;
  std::vector<Slot> grown(slots_.size() * 2);
  for (const auto& slot : slots_) {
    if (slot.offset >= 0) grown[place_of(slot.hash, grown)] = slot;
  }
  slots_ = std::move(grown);
  return true;
}

bool KeyOffsets::put(Bytes key, Offset offset) {
  const auto hash = hash_of(key);
  auto at = place_of(hash, slots_);
  if (slots_[at].offset < 0) {
    if (!make_room()) return false;
    at = place_of(hash, slots_);
    ++used_;
  }
  slots_[at] = {hash, std::max(slots_[at].offset, offset.value())};
  return true;
}

std::optional<Offset> KeyOffsets::find(Bytes key) const {
  const auto& slot = slots_[place_of(hash_of(key), slots_)];
  if (slot.offset < 0) return std::nullopt;
  return Offset(slot.offset);
}

}  // namespace xylem::storage
