#include "broker/groups/coordinated_offsets.h"

#include "common/bytes.h"
#include "network/client/partitioner.h"

#include <set>

namespace xylem::broker {
namespace {

PartitionId partition_of(const std::string& group) {
  return network::partition_by_key(bytes_of(group), kGroupOffsetsPartitions);
}

LogId log_id_of(PartitionId partition) { return group_offsets_topic().log(partition.value()); }

}  // namespace

LogId group_offsets_log(const std::string& group) { return log_id_of(partition_of(group)); }

CoordinatedOffsets::CoordinatedOffsets(const OffsetsLog::Context& context, Hooks hooks)
    : context_(context), hooks_(std::move(hooks)), ticker_(context.loop) {
  ticker_.start(kTickMs, kTickMs, [this] { tick(); });
}

void CoordinatedOffsets::on_leaders_changed() {
  for (std::int32_t p = 0; p < kGroupOffsetsPartitions; ++p) look(PartitionId(p));
}

void CoordinatedOffsets::on_moved(const Partition& partition) {
  if (partition.id().incarnation == group_offsets_topic().incarnation)
    look(partition.id().partition);
}

void CoordinatedOffsets::look(PartitionId partition) {
  auto& log = logs_.at(static_cast<std::size_t>(partition.value()));
  if (log != nullptr && !log->is_current()) log.reset();
  const auto* here = context_.partitions.find(log_id_of(partition));
  if (log == nullptr && here != nullptr && here->is_leader()) {
    log = std::make_shared<OffsetsLog>(context_, *here);
    is_removal_due_ = true;  // the last leader may have left some
  }
  if (log != nullptr) log->read_on();
}

void CoordinatedOffsets::tick() {
  on_leaders_changed();  // what could not be read is tried again
  if (is_removal_due_) remove_gone();
}

void CoordinatedOffsets::remove_gone() {
  is_removal_due_ = false;
  for (const auto& log : logs_) {
    if (log == nullptr) continue;
    const bool is_done = log->is_ready() && log->table().remove([this](const auto& offset) {
      return !hooks_.exists(offset.incarnation);
    });
    if (!is_done) is_removal_due_ = true;
  }
}

const CoordinatedOffsets::Log& CoordinatedOffsets::log_of(const std::string& group) const {
  return logs_.at(static_cast<std::size_t>(partition_of(group).value()));
}

std::string CoordinatedOffsets::coordinator(const std::string& group) const {
  return hooks_.leader_address(group_offsets_log(group));
}

std::vector<std::string> CoordinatedOffsets::coordinators() const {
  std::set<std::string> found;
  for (std::int32_t p = 0; p < kGroupOffsetsPartitions; ++p)
    found.insert(hooks_.leader_address(log_id_of(PartitionId(p))));
  found.erase("");
  return {found.begin(), found.end()};
}

Status CoordinatedOffsets::keeps(const std::string& group) const {
  if (auto good = check_group(group); !good) return good;
  const auto& log = log_of(group);
  if (log == nullptr || !log->is_current()) {
    return fail(Errc::kNotLeader, "another broker keeps the offsets of group \"" + group + "\"",
                coordinator(group));
  }
  if (log->is_ready()) return {};
  return fail(Errc::kUnavailable, "the offsets of group \"" + group + "\" are still being read",
              "retry");
}

void CoordinatedOffsets::commit(const GroupPartition& where,
                                const CommittedOffset& offset,
                                std::function<void(Status)> done) {
  if (auto here = keeps(where.group); !here) return done(here);
  log_of(where.group)->table().commit(where, offset, std::move(done));
}

void CoordinatedOffsets::reset(const CommittedOffsets& offsets, std::function<void(Status)> done) {
  if (offsets.empty()) return done({});
  const auto& group = offsets.begin()->first.group;
  if (auto here = keeps(group); !here) return done(here);
  log_of(group)->table().reset(offsets, std::move(done));
}

void CoordinatedOffsets::forget(const std::vector<GroupPartition>& gone,
                                std::function<void(Status)> done) {
  if (gone.empty()) return done({});
  const auto& group = gone.front().group;
  if (auto here = keeps(group); !here) return done(here);
  log_of(group)->table().forget(gone, std::move(done));
}

std::optional<CommittedOffset> CoordinatedOffsets::find(const GroupPartition& where) const {
  if (!keeps(where.group)) return std::nullopt;
  return log_of(where.group)->table().find(where);
}

CommittedOffsets CoordinatedOffsets::of(const std::string& group) const {
  if (!keeps(group)) return {};
  return log_of(group)->table().of(group);
}

std::vector<std::pair<GroupPartition, CommittedOffset>> CoordinatedOffsets::all() const {
  std::vector<std::pair<GroupPartition, CommittedOffset>> all;
  for (const auto& log : logs_) {
    if (log == nullptr || !log->is_ready()) continue;
    const auto& durable = log->table().durable();
    all.insert(all.end(), durable.begin(), durable.end());
  }
  return all;
}

}  // namespace xylem::broker
