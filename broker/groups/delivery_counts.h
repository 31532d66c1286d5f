// How often the delivery of a record to a group has failed: of each group partition the record that
// failed last, which is the head of what the group has still to handle.
//
// Rows of kind "delivery_count" in state.db, kept in memory and written through:
//
//   key    as of a committed offset (offset_record.h)
//   value  offset i64, topic id u64 u64, generation u32, failures u32, flags u8 (1: dead, 2: others
//          are), with 2: count u8 | offsets i64..., the last reason
//
// Dead: it is stored as a dead letter, and the group's cursor may still be before it.
//
// Limits: kRowsMax. Threads: the loop's. Errors: kQuotaExceeded, and those of the disk.
#pragma once

#include "broker/groups/offset_record.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "storage/state_store.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xylem::broker {

inline constexpr std::size_t kOthersDeadMax = 16;

struct DeliveryCount {
  Offset offset;
  Incarnation incarnation;
  std::uint32_t failures = 0;
  bool is_dead = false;
  std::vector<Offset> others_dead;  // of the partition, at most kOthersDeadMax; ascending
  std::string reason;               // at most network::kFailureReasonBytesMax

  bool operator==(const DeliveryCount&) const = default;
};

Buffer encode_value(const DeliveryCount& count);
std::optional<DeliveryCount> decode_count(Bytes value);  // nullopt: none that encode_value() makes

class DeliveryCounts {
 public:
  static constexpr std::size_t kRowsMax = 10'000;

  explicit DeliveryCounts(storage::StateStore& store, std::size_t rows_max = kRowsMax)
      : store_(store), rows_max_(rows_max) {}

  // Reads all rows; calls back on the loop. kCorrupt: one of them is none.
  void load(std::function<void(Status)> done);

  [[nodiscard]] bool empty() const { return counts_.empty(); }

  // Null: its head has not failed. As put() was told last, on disk or on its way there.
  [[nodiscard]] const DeliveryCount* find(const GroupPartition& where) const;

  // `done` runs when it is on disk, which it also may be after an error.
  void put(const GroupPartition& where, DeliveryCount count, std::function<void(Status)> done);

  void remove(const GroupPartition& where);

  // Where there are as many as there may be, and none of `where`: removes the one that was put the
  // longest ago, of those that are not dead and not `is_kept`. That one, or nullopt.
  std::optional<GroupPartition> make_room(
      const GroupPartition& where, const std::function<bool(const GroupPartition&)>& is_kept);

  // Those of topics that are gone.
  void remove_if(const std::function<bool(const GroupPartition&, const DeliveryCount&)>& is_gone);

 private:
  storage::StateStore& store_;
  std::size_t rows_max_;

  struct Row {
    DeliveryCount count;
    std::uint64_t put_at = 0;  // in puts
  };

  void keep(const GroupPartition& where, DeliveryCount count);

  void forget_age(const Row& row) { by_age_.erase(row.put_at); }

  std::map<GroupPartition, Row> counts_;
  std::map<std::uint64_t, GroupPartition> by_age_;  // those that are not dead
  std::uint64_t puts_ = 0;
};

}  // namespace xylem::broker
