// Where the latest record of each key is: a hash table of a bounded size, for one compaction run.
//
// Open addressing with linear probing; a slot is the first 128 bits of the key's SHA-256 and an
// offset. Keys themselves are not kept, so two keys with one hash would look like one and the older
// record would be lost. By chance that takes 2^64 keys before it is likely (a table holds about a
// million: 2^-89); on purpose, 2^64 hashes by somebody who gains nothing but the loss of a record
// that he may delete anyway. No shorter and no unkeyed weak hash (murmur, CRC) has either property.
//
// Limits: `bytes_max` of slots, three quarters of them in use; while the table doubles the old half
// exists as well.
// Threads: one at a time.
#pragma once

#include "common/bytes.h"
#include "common/ids.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace xylem::storage {

class KeyOffsets {
 public:
  explicit KeyOffsets(std::size_t bytes_max);

  // Remembers `offset` for `key` if it is above what is remembered. False: there is no room for
  // another key.
  bool put(Bytes key, Offset offset);

  // nullopt: the key was never put.
  [[nodiscard]] std::optional<Offset> find(Bytes key) const;

  [[nodiscard]] std::size_t size() const noexcept { return used_; }

  [[nodiscard]] std::size_t bytes() const noexcept { return slots_.size() * sizeof(Slot); }

 private:
  using Hash = std::array<std::uint64_t, 2>;

  struct Slot {
    Hash hash{};
    std::int64_t offset = -1;  // -1: free
  };

  static Hash hash_of(Bytes key);
  static std::size_t place_of(const Hash& hash, const std::vector<Slot>& slots);
  bool make_room();

  std::size_t slots_max_;
  std::vector<Slot> slots_;  // a power of two of them
  std::size_t used_ = 0;
};

}  // namespace xylem::storage
