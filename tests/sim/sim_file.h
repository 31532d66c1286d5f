// The bytes of one file of a SimDisk: what a running process sees, and what a power cut may leave.
//
//   now        every write so far
//   durable    as of the last sync
//   changes    what happened since: ranges of `now` in order, sizes
//
// A power cut leaves of each 512-byte sector that changed any of its states since the sync, each
// sector for itself, and any of the sizes; sectors are whole. Pages of 4 KiB are shared between the
// two pictures until one of them is written; a page that is not there is zeroes.
//
// Threads: the disk's mutex.
#pragma once

#include "common/bytes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace xylem::sim {

inline constexpr std::int64_t kSectorBytes = 512;

// Bytes without an end; zero where nothing was written.
class SparseBytes {
 public:
  void read(std::int64_t position, MutableBytes out) const;
  void write(std::int64_t position, Bytes bytes);
  void zero(std::int64_t begin, std::int64_t end);
  void zero_from(std::int64_t position);  // all behind it

 private:
  static constexpr std::int64_t kPageBytes = 4096;
  using Page = std::array<std::byte, kPageBytes>;

  Page& writable(std::size_t index);

  std::vector<std::shared_ptr<Page>> pages_;
};

// How much of what was not synced a power cut takes.
enum class Survival : std::uint8_t { kNone, kSome, kAll };

class SimFile {
 public:
  [[nodiscard]] std::int64_t size() const { return size_; }

  // Bytes read: fewer only at the end of the file.
  std::size_t read(std::int64_t position, MutableBytes out) const;

  // Aborts where a live mapping shows the bytes: the log promises never to do that.
  void write(std::int64_t position, Bytes bytes);
  void allocate(std::int64_t bytes);
  void truncate(std::int64_t bytes);
  void sync();

  // What was written so far is clean, and not durable.
  void fail_sync();

  // Forgets what is clean and not durable.
  void forget_cached();

  // A copy of [0, bytes), which must be there.
  Slice map(std::int64_t bytes);

  // `seed` decides for each sector and for the size.
  void cut_power(Survival survival, std::uint64_t seed);

  // Rot: inverts bits of what is there now and of what is durable.
  void flip(std::int64_t position, std::byte bits);

  [[nodiscard]] bool is_dirty() const { return !changes_.empty(); }

 private:
  struct Change {
    std::int64_t begin;
    std::int64_t end;
    std::int64_t size_after;
    std::size_t written_at;  // in written_; kZeroes
  };

  static constexpr std::size_t kZeroes = SIZE_MAX;

  void note(std::int64_t begin, std::int64_t end, std::size_t written_at);
  void check_unmapped(std::int64_t from);
  void redo(const Change& change, std::int64_t begin, std::int64_t end);

  std::int64_t size_ = 0;
  std::int64_t durable_size_ = 0;
  SparseBytes now_;
  SparseBytes durable_;
  std::vector<Change> changes_;
  Buffer written_;          // the bytes of the changes
  bool lost_some_ = false;  // a sync failed: now_ has what no sync makes durable
  std::vector<std::pair<std::weak_ptr<const void>, std::int64_t>> maps_;
};

}  // namespace xylem::sim
