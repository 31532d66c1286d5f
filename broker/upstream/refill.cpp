#include "broker/upstream/refill.h"

#include "common/batch/batch.h"
#include "pipe/child_position.h"

#include <algorithm>
#include <string>
#include <utility>

namespace xylem::broker {
namespace {

// What of an answer belongs into a missing range.
struct Part {
  Bytes batches;
  Offset end;             // all that there is below it is in `batches`
  bool is_split = false;  // a batch lies across the range's end
  std::optional<storage::LastBatch> last;
};

Part part_of(Bytes answer, const storage::OffsetRange& range) {
  Part part{answer.first(0), range.from, false, std::nullopt};
  while (part.batches.size() < answer.size()) {
    const auto rest = answer.subspan(part.batches.size());
    const auto header = read_batch_header(rest);
    if (!header || header->bytes > rest.size()) return part;
    if (header->base_offset >= range.to) {
      part.end = range.to;
      return part;
    }
    part.is_split = header->next_offset() > range.to;
    if (part.is_split) return part;
    part.batches = answer.first(part.batches.size() + header->bytes);
    part.end = header->next_offset();
    part.last = {header->base_offset, header->next_offset(), header->epoch, header->crc};
  }
  return part;
}

}  // namespace

Refill::Refill(const Context& context, pipe::PipeClient::Options options)
    : context_(context),
      options_(std::move(options)),
      missing_gauge_(
          context.pipe.metrics.gauge("xylem_pipe_partitions_damaged",
                                     "Partitions here that miss offsets which the parent has")),
      repaired_(context.pipe.metrics.counter("xylem_pipe_partitions_repaired_total",
                                             "Damaged partitions that are whole again")),
      given_up_(context.pipe.metrics.counter(
          "xylem_pipe_partitions_given_up_total",
          "Damaged partitions cut back because the parent could not fill them")),
      done_(context.pipe.loop) {
  options_.session = "refill";
}

Refill::~Refill() = default;

void Refill::set_parents(std::vector<pipe::Parent> parents) {
  parents_ = std::move(parents);
  if (client_) client_->set_parents(parents_);
}

void Refill::set_cluster(const ClusterId& cluster) {
  options_.cluster = cluster;
  if (client_) client_->set_cluster(cluster);
}

void Refill::look_at(const Partition& partition) {
  if (partition.is_leader() || context_.partitions.find(partition.id()) != &partition) return;
  const auto& log = *partition.log();
  if (!log.lost().empty()) return want(partition.id());
  const auto found = wanted_.find(partition.id());
  if (found == wanted_.end()) return;
  if (found->second.is_filled) {
    repaired_.add();
    context_.pipe.logger.info("partition.repaired",
                              {{"topic", partition.topic()},
                               {"partition", partition.id().partition.value()},
                               {"bytes", found->second.bytes}});
  }
  remove(partition.id());
}

void Refill::want(const LogId& log) {
  auto [wanted, is_new] = wanted_.try_emplace(log);
  missing_gauge_.set(static_cast<double>(wanted_.size()));
  if (!client_) {
    pipe::PipeTarget& target = *this;
    client_.emplace(context_.pipe, context_.connector, target, options_);
    client_->set_parents(parents_);
  }
  done_.stop();
  if (is_new)
    client_->add(log);
  else if (std::exchange(wanted->second.is_blocked, false))
    client_->touch(log);
}

void Refill::remove(const LogId& log) {
  if (wanted_.erase(log) == 0) return;
  missing_gauge_.set(static_cast<double>(wanted_.size()));
  client_->remove(log);
  if (wanted_.empty()) done_.start(0, 0, [this] { client_.reset(); });
}

Result<pipe::FetchPartition> Refill::position(const LogId& log) {
  const auto* partition = context_.partitions.find(log);
  const auto found = wanted_.find(log);
  if (partition == nullptr || found == wanted_.end())
    return fail(Errc::kUnknownTopicOrPartition, "nothing is missing");
  auto& wanted = found->second;
  const auto range = partition->log()->to_fill();
  wanted.is_blocked = !range;
  if (!range) return fail(Errc::kUnavailable, "it is on its way to the disk");
  auto at = pipe::position_at(log, *partition->log(), range->from);
  if (!at) return at;
  at->below = range->to;
  const auto& last = wanted.last;
  const auto lost = partition->log()->lost();
  if (last && last->next_offset <= range->from && last->next_offset > lost.front().from) {
    at->last_epoch = last->epoch;
    at->last_crc = last->crc;
  }
  return at;
}

Status Refill::store(const pipe::FetchedPartition& fetched) {
  auto* partition = context_.partitions.find(fetched.log);
  const auto found = wanted_.find(fetched.log);
  if (partition == nullptr || found == wanted_.end() || fetched.batches.empty()) return {};
  auto& log = *partition->log();
  const auto range = log.to_fill();
  if (!range || range->from != fetched.cursor) return {};
  const auto part = part_of(fetched.batches.front().bytes, *range);
  if (part.end > range->from) {
    // What comes back may be shorter than what was lost: its CRCs say nothing from now on.
    auto bounds = log.compaction();
    if (bounds.tombstone_horizon > range->from &&
        fetched.tombstone_horizon < bounds.tombstone_horizon) {
      give_up(*partition, "what deletes its records is gone here, and the parent has them still");
      return {};
    }
    const auto rewritten = std::min(fetched.compacted_below, part.end);
    if (rewritten > bounds.compacted_below) {
      bounds.compacted_below = rewritten;
      if (auto inherited = log.inherit_compaction(bounds); !inherited) return inherited;
    }
    auto filled = log.fill(part.batches, part.end);
    const bool is_foreign = !filled && filled.error().code() == Errc::kInvalidRequest;
    if (is_foreign) give_up(*partition, filled.error().what());
    if (!filled) return is_foreign ? Status() : filled;
    auto& wanted = found->second;
    if (part.last) wanted.last = part.last;
    wanted.is_filled = true;
    wanted.bytes += part.batches.size();
  }
  if (part.is_split) give_up(*partition, "a batch lies across the end of what is missing");
  return {};
}

Status Refill::repair(const pipe::FetchedPartition& fetched) {
  auto* partition = context_.partitions.find(fetched.log);
  if (partition == nullptr) return {};
  using enum pipe::FetchState;
  if (fetched.state == kDiverged || fetched.state == kOutOfRange)
    give_up(*partition, std::string(to_string(fetched.state)));
  return {};
}

void Refill::give_up(Partition& partition, const std::string& why) {
  given_up_.add();
  context_.pipe.logger.warn("partition.not_repaired",
                            {{"topic", partition.topic()},
                             {"partition", partition.id().partition.value()},
                             {"why", why}});
  remove(partition.id());
  context_.partitions.give_up_lost(partition);
}

}  // namespace xylem::broker
