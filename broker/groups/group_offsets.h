// Where each group stands, per topic partition, and who keeps that.
//
// A commit is a compare-and-set: it never goes back within an incarnation; a refused one is an
// error, not silence (late commits of a member that lost its partition). Whether the incarnation is
// the topic's own is for the caller to see.
//
// Threads: the loop's. Errors: kInvalidRequest (below what is committed, or a group's name that is
// none), kQuotaExceeded (a new place, where there are as many as there may be), kNotLeader (another
// broker keeps them; the hint is its address), kUnavailable (not known yet, or too much waits), and
// those of the disk.
#pragma once

#include "broker/groups/offset_record.h"
#include "common/result.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::broker {

class GroupOffsets {
 public:
  virtual ~GroupOffsets() = default;

  // Each group has one broker of several that keeps its offsets: its coordinator.
  [[nodiscard]] virtual bool is_coordinated() const = 0;

  // "host:port" of the group's coordinator; empty: nobody is known just now, or none is needed.
  [[nodiscard]] virtual std::string coordinator(const std::string& group) const = 0;

  // "host:port" of all that keep offsets of groups, as far as they are known. Where each broker
  // keeps its own: empty.
  [[nodiscard]] virtual std::vector<std::string> coordinators() const = 0;

  // That this broker keeps the group's offsets, and knows them.
  [[nodiscard]] virtual Status keeps(const std::string& group) const = 0;

  // `done` runs when the commit is durable.
  virtual void commit(const GroupPartition& where,
                      const CommittedOffset& offset,
                      std::function<void(Status)> done) = 0;

  // What an operator wants, all of one group: also back. Together; `done` runs when it is durable.
  virtual void reset(const CommittedOffsets& offsets, std::function<void(Status)> done) = 0;

  // Takes back all of these, of one group. `done` runs when that is durable. Of very many
  // (OffsetTable) some may be, after an error.
  virtual void forget(const std::vector<GroupPartition>& gone,
                      std::function<void(Status)> done) = 0;

  // The newest one that was accepted, durable or on its way there. Nothing where keeps() is not.
  [[nodiscard]] virtual std::optional<CommittedOffset> find(const GroupPartition& where) const = 0;

  // What is durable of one group. Nothing where keeps() is not.
  [[nodiscard]] virtual CommittedOffsets of(const std::string& group) const = 0;

  // What is durable, of all groups that this broker keeps.
  [[nodiscard]] virtual std::vector<std::pair<GroupPartition, CommittedOffset>> all() const = 0;
};

}  // namespace xylem::broker
