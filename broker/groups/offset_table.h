// The offsets of some groups, in memory and written through: the rules of a commit, wherever it is
// written to.
//
// Commits that arrive while others are being written are written together by the next write.
//
// Limits: kWaitingMax offsets that are not written yet; kInstancesMax instances of a group that
// have offsets: another one's commit is refused until an operator has forgotten one; kRowsMax
// offsets in all (while many are being written perhaps kWaitingMax fewer, or twice that): those
// that are there move on, new ones are refused until an operator has deleted groups. Threads: the
// loop's. Errors: as GroupOffsets says, and those of the write, which the commits that were in it
// get.
#pragma once

#include "broker/groups/offset_record.h"
#include "common/result.h"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::broker {

class OffsetTable {
 public:
  static constexpr std::size_t kWaitingMax = 10'000;
  static constexpr std::size_t kInstancesMax = 1'000;
  static constexpr std::size_t kRowsMax = 1'000'000;  // offsets: about 250 MB of memory
  static constexpr std::size_t kForgetMax = 5'000;    // offsets in one write

  // nullopt: taken back.
  using Changes = std::map<GroupPartition, std::optional<CommittedOffset>>;

  // Makes `changes` durable, then calls back once, perhaps inside the call. One at a time.
  using Write = std::function<void(const Changes& changes, std::function<void(Status)> done)>;

  explicit OffsetTable(Write write, std::size_t rows_max = kRowsMax);

  // What was read back.
  void load(const GroupPartition& where, const std::optional<CommittedOffset>& offset);

  void commit(const GroupPartition& where,
              const CommittedOffset& offset,
              std::function<void(Status)> done);

  // An operator's word: whatever was committed before, also later offsets. Together: all of them
  // are durable, or none.
  void reset(const CommittedOffsets& offsets, std::function<void(Status)> done);

  // An operator's word, too: takes all of these back, kForgetMax after kForgetMax; after an error
  // some are back.
  void forget(const std::vector<GroupPartition>& gone, std::function<void(Status)> done);

  // Takes back those that `is_gone`. False: not all yet, as too much waits; ask again.
  bool remove(const std::function<bool(const CommittedOffset&)>& is_gone);

  [[nodiscard]] std::optional<CommittedOffset> find(const GroupPartition& where) const;

  [[nodiscard]] const CommittedOffsets& durable() const { return durable_; }

  [[nodiscard]] CommittedOffsets of(const std::string& group) const;  // what is durable of it

 private:
  [[nodiscard]] Status check_room(std::size_t offsets) const;
  [[nodiscard]] Status check_instances(const GroupPartition& where) const;
  [[nodiscard]] Status check_rows(std::size_t offsets) const;
  void accept(std::function<void(Status)> done);
  void write_accepted();
  void written(const Status& outcome, const std::vector<std::function<void(Status)>>& waiting);

  Write write_;
  std::size_t rows_max_;
  Changes accepted_;  // for the next write
  Changes writing_;   // in the one that runs
  CommittedOffsets durable_;
  std::map<std::string, std::map<std::string, std::size_t>> instances_;  // of groups: durable ones
  std::vector<std::function<void(Status)>> waiting_;                     // for the accepted ones
};

}  // namespace xylem::broker
