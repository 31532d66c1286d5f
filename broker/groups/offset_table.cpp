#include "broker/groups/offset_table.h"

#include <algorithm>
#include <cstddef>
#include <string>

namespace xylem::broker {

OffsetTable::OffsetTable(Write write, std::size_t rows_max)
    : write_(std::move(write)), rows_max_(rows_max) {}

void OffsetTable::load(const GroupPartition& where, const std::optional<CommittedOffset>& offset) {
  const auto before = durable_.size();
  if (offset)
    durable_.insert_or_assign(where, *offset);
  else
    durable_.erase(where);
  if (where.instance.empty() || durable_.size() == before) return;
  auto& known = instances_[where.group];
  if (offset) {
    ++known[where.instance];
    return;
  }
  if (--known[where.instance] == 0) known.erase(where.instance);
  if (known.empty()) instances_.erase(where.group);
}

void OffsetTable::commit(const GroupPartition& where,
                         const CommittedOffset& offset,
                         std::function<void(Status)> done) {
  if (auto good = check_group(where.group); !good) return done(good);
  const auto known = find(where);
  if (known && known->incarnation == offset.incarnation) {
    const bool is_durable = !accepted_.contains(where) && !writing_.contains(where);
    if (offset.next == known->next && is_durable) return done({});
    if (auto good = check_forward(*known, offset); !good) return done(good);
  }
  if (!known) {
    if (auto room = check_instances(where); !room) return done(room);
    if (auto room = check_rows(1); !room) return done(room);
  }
  if (auto room = check_room(1); !room) return done(room);
  accepted_.insert_or_assign(where, offset);
  accept(std::move(done));
}

void OffsetTable::reset(const CommittedOffsets& offsets, std::function<void(Status)> done) {
  if (offsets.empty()) return done({});
  if (auto room = check_room(offsets.size()); !room) return done(room);
  const auto added =
      std::ranges::count_if(offsets, [this](const auto& one) { return !find(one.first); });
  if (auto room = check_rows(static_cast<std::size_t>(added)); !room) return done(room);
  for (const auto& [where, offset] : offsets) accepted_.insert_or_assign(where, offset);
  accept(std::move(done));
}

Status OffsetTable::check_room(std::size_t offsets) const {
  if (waiting_.size() < kWaitingMax && accepted_.size() + offsets <= kWaitingMax) return {};
  return fail(Errc::kUnavailable, "too many commits wait to be written", "retry later");
}

// What is being written counts as if it were new.
Status OffsetTable::check_rows(std::size_t offsets) const {
  const auto rows = durable_.size() + accepted_.size() + writing_.size();
  if (offsets == 0 || rows + offsets <= rows_max_) return {};
  return fail(Errc::kQuotaExceeded,
              "there are committed offsets of " + std::to_string(durable_.size()) +
                  " group partitions, of " + std::to_string(rows_max_) +
                  " that may be: no new ones are kept",
              "xylem groups delete GROUP, of groups that are gone");
}

void OffsetTable::forget(const std::vector<GroupPartition>& gone,
                         std::function<void(Status)> done) {
  if (gone.empty()) return done({});
  const auto now = std::min(gone.size(), kForgetMax);
  if (auto room = check_room(now); !room) return done(room);
  const auto rest = gone.begin() + static_cast<std::ptrdiff_t>(now);
  for (auto where = gone.begin(); where != rest; ++where)
    accepted_.insert_or_assign(*where, std::nullopt);
  if (rest == gone.end()) return accept(std::move(done));
  accept([this, later = std::vector<GroupPartition>(rest, gone.end()),
          done = std::move(done)](const Status& forgotten) {
    if (!forgotten) return done(forgotten);
    forget(later, done);
  });
}

Status OffsetTable::check_instances(const GroupPartition& where) const {
  const auto known = instances_.find(where.group);
  if (where.instance.empty() || known == instances_.end() || known->second.size() < kInstancesMax ||
      known->second.contains(where.instance))
    return {};
  return fail(Errc::kInvalidRequest,
              "group \"" + where.group + "\" has offsets of " + std::to_string(kInstancesMax) +
                  " instances, and keeps none of \"" + where.instance + "\"",
              "xylem groups forget GROUP --instance, of those that are gone");
}

void OffsetTable::accept(std::function<void(Status)> done) {
  waiting_.push_back(std::move(done));
  if (writing_.empty()) write_accepted();
}

bool OffsetTable::remove(const std::function<bool(const CommittedOffset&)>& is_gone) {
  bool is_all = writing_.empty();  // what is being written is looked at when it is durable
  for (const auto& [where, offset] : durable_) {
    if (!is_gone(offset) || accepted_.contains(where) || writing_.contains(where)) continue;
    is_all = false;
    if (accepted_.size() >= kWaitingMax) break;
    accepted_.emplace(where, std::nullopt);
  }
  if (writing_.empty() && !accepted_.empty()) write_accepted();
  return is_all && accepted_.empty() && writing_.empty();
}

void OffsetTable::write_accepted() {
  writing_ = std::exchange(accepted_, {});
  write_(writing_, [this, waiting = std::exchange(waiting_, {})](const Status& outcome) {
    written(outcome, waiting);
  });
}

void OffsetTable::written(const Status& outcome,
                          const std::vector<std::function<void(Status)>>& waiting) {
  const auto wrote = std::exchange(writing_, {});
  if (outcome)
    for (const auto& [where, offset] : wrote) load(where, offset);
  for (const auto& done : waiting) done(outcome);
  if (writing_.empty() && !accepted_.empty()) write_accepted();
}

CommittedOffsets OffsetTable::of(const std::string& group) const {
  CommittedOffsets found;
  for (auto at = durable_.lower_bound({.group = group, .topic = {}, .partition = {}});
       at != durable_.end() && at->first.group == group; ++at)
    found.insert(found.end(), *at);
  return found;
}

std::optional<CommittedOffset> OffsetTable::find(const GroupPartition& where) const {
  for (const auto* changes : {&accepted_, &writing_}) {
    if (const auto found = changes->find(where); found != changes->end()) return found->second;
  }
  const auto found = durable_.find(where);
  return found == durable_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace xylem::broker
