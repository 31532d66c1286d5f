// The offsets of groups in a root tier of several: whoever leads a group's partition of
// `__group_offsets` is its coordinator, keeps what that partition holds, and commits by appending
// to it.
//
// A group's partition is that of a key with its name [network/client/partitioner.h]. What a deleted
// topic leaves is taken back.
//
// Threads: the loop's.
#pragma once

#include "broker/groups/group_offsets.h"
#include "broker/groups/offsets_log.h"
#include "common/ids.h"
#include "common/result.h"
#include "common/timer.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::broker {

// Whose leader is the group's coordinator.
[[nodiscard]] LogId group_offsets_log(const std::string& group);

class CoordinatedOffsets final : public GroupOffsets {
 public:
  static constexpr std::uint64_t kTickMs = 250;

  struct Hooks {
    // Where clients find who leads it, "host:port"; empty: nobody does now.
    std::function<std::string(const LogId&)> leader_address;
    // False: it was deleted, for good.
    std::function<bool(const Incarnation&)> exists;
  };

  CoordinatedOffsets(const OffsetsLog::Context& context, Hooks hooks);

  void on_leaders_changed();

  void on_topics_changed() { is_removal_due_ = true; }

  // One of its partitions has moved.
  void on_moved(const Partition& partition);

  [[nodiscard]] bool is_coordinated() const override { return true; }

  [[nodiscard]] std::string coordinator(const std::string& group) const override;
  [[nodiscard]] std::vector<std::string> coordinators() const override;
  [[nodiscard]] Status keeps(const std::string& group) const override;
  void commit(const GroupPartition& where,
              const CommittedOffset& offset,
              std::function<void(Status)> done) override;
  void reset(const CommittedOffsets& offsets, std::function<void(Status)> done) override;
  void forget(const std::vector<GroupPartition>& gone, std::function<void(Status)> done) override;
  [[nodiscard]] std::optional<CommittedOffset> find(const GroupPartition& where) const override;
  [[nodiscard]] CommittedOffsets of(const std::string& group) const override;
  [[nodiscard]] std::vector<std::pair<GroupPartition, CommittedOffset>> all() const override;

 private:
  // Of one partition. Null: another broker leads it.
  using Log = std::shared_ptr<OffsetsLog>;

  [[nodiscard]] const Log& log_of(const std::string& group) const;
  void look(PartitionId partition);
  void tick();
  void remove_gone();

  OffsetsLog::Context context_;
  Hooks hooks_;
  std::array<Log, kGroupOffsetsPartitions> logs_;
  bool is_removal_due_ = false;
  Timer ticker_;
};

}  // namespace xylem::broker
