// Where each group stands, per topic partition: state.db's rows of kind "group_offset", kept in
// memory and written through.
//
// Commits that arrive while one is being written are written together by the next transaction.
//
// A commit is a compare-and-set: it never goes back within an incarnation and never crosses to
// another one; a refused one is an error, not silence (PITFALLS 10 of the design: late commits of a
// member that lost its partition).
//
// Threads: the loop's. Errors: kStaleGeneration (another incarnation), kInvalidRequest (below what
// is committed, or a name that is too long), kIo.
#pragma once

#include "common/ids.h"
#include "common/result.h"
#include "storage/state_store.h"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::broker {

struct GroupPartition {
  std::string group;
  std::string topic;
  PartitionId partition;

  auto operator<=>(const GroupPartition&) const = default;
};

struct CommittedOffset {
  Offset next;
  Incarnation incarnation;
};

class GroupOffsets {
 public:
  static constexpr std::size_t kGroupNameMax = 200;  // characters

  explicit GroupOffsets(storage::StateStore& store);

  // Reads all rows; calls back on the loop.
  void load(std::function<void(Status)> done);

  // `done` runs when the commit is on disk.
  void commit(const GroupPartition& where,
              const CommittedOffset& offset,
              std::function<void(Status)> done);

  // The newest one that was accepted, on disk or on its way there.
  [[nodiscard]] std::optional<CommittedOffset> find(const GroupPartition& where) const;

  // What is on disk.
  [[nodiscard]] std::vector<std::pair<GroupPartition, CommittedOffset>> all() const;

 private:
  using Offsets = std::map<GroupPartition, CommittedOffset>;

  void write_accepted();

  storage::StateStore& store_;
  Offsets accepted_;  // for the next transaction
  Offsets writing_;   // in the one that runs
  Offsets durable_;
  std::vector<std::function<void(Status)>> waiting_;  // for the accepted ones
};

}  // namespace xylem::broker
