// The offsets of the groups of one broker, which nobody else has: state.db's rows of kind
// "group_offset", kept in memory and written through.
//
// Threads: the loop's.
#pragma once

#include "broker/groups/group_offsets.h"
#include "broker/groups/offset_table.h"
#include "common/result.h"
#include "storage/state_store.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::broker {

class LocalOffsets final : public GroupOffsets {
 public:
  explicit LocalOffsets(storage::StateStore& store);

  // Reads all rows; calls back on the loop.
  void load(std::function<void(Status)> done);

  [[nodiscard]] bool is_coordinated() const override { return false; }

  [[nodiscard]] std::string coordinator(const std::string& /*group*/) const override { return {}; }

  [[nodiscard]] std::vector<std::string> coordinators() const override { return {}; }

  [[nodiscard]] Status keeps(const std::string& group) const override { return check_group(group); }

  void commit(const GroupPartition& where,
              const CommittedOffset& offset,
              std::function<void(Status)> done) override {
    table_.commit(where, offset, std::move(done));
  }

  void reset(const CommittedOffsets& offsets, std::function<void(Status)> done) override {
    table_.reset(offsets, std::move(done));
  }

  void forget(const std::vector<GroupPartition>& gone, std::function<void(Status)> done) override {
    table_.forget(gone, std::move(done));
  }

  [[nodiscard]] std::optional<CommittedOffset> find(const GroupPartition& where) const override {
    return table_.find(where);
  }

  [[nodiscard]] CommittedOffsets of(const std::string& group) const override {
    return table_.of(group);
  }

  [[nodiscard]] std::vector<std::pair<GroupPartition, CommittedOffset>> all() const override {
    return {table_.durable().begin(), table_.durable().end()};
  }

 private:
  void write(const OffsetTable::Changes& changes, std::function<void(Status)> done);

  storage::StateStore& store_;
  OffsetTable table_;
};

}  // namespace xylem::broker
