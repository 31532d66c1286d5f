#include "pipe/handshake.h"

#include "common/batch/batch.h"
#include "pipe/planted_bug.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace xylem::pipe {
namespace {

using storage::EpochStart;
using storage::LastBatch;
using storage::PartitionLog;

// The epochs of a log, asked about.
class History {
 public:
  explicit History(const PartitionLog& log) : starts_(log.epochs()), end_(log.end_offset()) {}

  [[nodiscard]] Epoch newest() const { return starts_.empty() ? kNoEpoch : starts_.back().epoch; }

  // The newest epoch at or before `epoch`, and where it ends here. Without one: where we begin.
  [[nodiscard]] EpochStart end_of(Epoch epoch, Offset log_start) const {
    const auto after = std::ranges::upper_bound(starts_, epoch, {}, &EpochStart::epoch);
    if (after == starts_.begin()) return {kNoEpoch, log_start};
    return {std::prev(after)->epoch, after == starts_.end() ? end_ : after->start};
  }

  // The epoch that batches at `offset` have, or would have.
  [[nodiscard]] Epoch at(Offset offset) const {
    const auto after = std::ranges::upper_bound(starts_, offset, {}, &EpochStart::start);
    return after == starts_.begin() ? kNoEpoch : std::prev(after)->epoch;
  }

 private:
  std::vector<EpochStart> starts_;
  Offset end_;
};

// The first range at or above `from` that was lost here. Only the owner may read over it: everyone
// else would turn it into a silent gap.
std::optional<storage::OffsetRange> lost_after(const PartitionLog& log, Offset from) {
  for (const auto& range : log.lost()) {
    if (range.to > from) return range;
  }
  return std::nullopt;
}

// A replica stores while its leader syncs: what that one then loses is cut back in a later epoch.
// What a parent gave is durable there: its children need not wait for our sync as well.
Offset limit_of(const SourcePartition& source, Asker asker) {
  if (asker == Asker::kReplica) return source.log->written_end();
  if (is_planted(PlantedBug::kChildrenSeeUncommitted)) return source.log->written_end();
  return std::min(source.high_watermark,
                  source.is_leader ? source.log->durable_end() : source.log->written_end());
}

FetchedPartition in_state(FetchState state, FetchedPartition answer, Offset offset) {
  answer.state = state;
  answer.offset = offset;
  return answer;
}

FetchedPartition out_of_range(FetchedPartition answer) {
  answer.state = FetchState::kOutOfRange;
  answer.offset = answer.log_start;
  return answer;
}

FetchedPartition not_here(FetchedPartition answer, const SourcePartition& source) {
  answer.state = FetchState::kNotHere;
  answer.leader = source.leader;
  answer.leader_address = source.leader_address;
  answer.epoch = source.epoch;
  return answer;
}

FetchedPartition unreadable(FetchedPartition answer) {
  answer.state = FetchState::kNotHere;
  return answer;
}

FetchedPartition diverged(FetchedPartition answer, const EpochStart& cut, Offset below) {
  answer.epoch = cut.epoch;
  return in_state(FetchState::kDiverged, std::move(answer), std::min(cut.start, below));
}

// The bytes of `batch` are what its CRC says.
bool is_sound(const PartitionLog& log, const LastBatch& batch) {
  const auto read = log.read(batch.base_offset, 1, batch.next_offset);
  if (!read || read->slices.empty()) return false;
  return check_batch(read->slices.front().bytes).has_value();
}

// A sound batch of ours begins below `cursor` and ends above it: nobody with our history stands
// there.
bool is_inside_batch(const PartitionLog& log, Offset cursor) {
  const auto read = log.read(cursor, 1, log.written_end());
  if (!read || read->slices.empty()) return false;
  const auto header = check_batch(read->slices.front().bytes);
  return header && header->base_offset < cursor;
}

bool can_compare(const LastBatch& ours,
                 const FetchPartition& asked,
                 const SourcePartition& source) {
  return ours.base_offset >= std::max(asked.compacted_below, source.compacted_below);
}

// The cursor lies within what the asker may read; do the last batches below it agree?
FetchedPartition compare(const FetchPartition& asked,
                         const SourcePartition& source,
                         const History& history,
                         FetchedPartition answer) {
  if (asked.last_epoch == kNoEpoch || asked.cursor == answer.log_start) return answer;
  const auto found = source.log->last_batch_below(asked.cursor);
  if (!found) return unreadable(std::move(answer));
  const std::optional<LastBatch>& ours = *found;
  const auto lost = lost_after(*source.log, ours ? ours->next_offset : answer.log_start);
  if (lost && lost->from < asked.cursor) return answer;  // the child's last batch may be in there
  const auto cut = history.end_of(asked.last_epoch, answer.log_start);
  const bool ends_there = ours && ours->next_offset == asked.cursor;
  if (!ends_there && is_inside_batch(*source.log, asked.cursor))
    return diverged(std::move(answer), cut, Offset(asked.cursor.value() - 1));
  if (ours && can_compare(*ours, asked, source)) {
    if (ours->epoch == asked.last_epoch && ours->crc == asked.last_crc) return answer;
    if (!is_sound(*source.log, *ours)) return unreadable(std::move(answer));
    // Batches of two histories need not begin at the same offsets: ours may be one that both have.
    const bool is_within_epoch = cut.epoch == asked.last_epoch && cut.start >= asked.cursor;
    const auto below = is_within_epoch ? ours->base_offset : Offset(asked.cursor.value() - 1);
    return diverged(std::move(answer), cut, below);
  }
  if (asked.last_epoch > history.at(asked.cursor))
    return diverged(std::move(answer), cut, Offset(asked.cursor.value() - 1));
  return answer;
}

FetchedPartition decide(const FetchPartition& asked,
                        const SourcePartition& source,
                        Asker asker,
                        Offset limit,
                        FetchedPartition answer) {
  const History history(*source.log);
  const Epoch newest = std::max(history.newest(), source.epoch);
  if (newest != kNoEpoch && asked.last_epoch > newest)
    return in_state(FetchState::kBehind, std::move(answer), limit);
  if (asked.cursor > limit) {
    const bool may_differ =
        asker == Asker::kReplica || is_planted(PlantedBug::kBehindTakenForDiverged);
    if (!may_differ || asked.cursor <= source.log->end_offset())
      return in_state(FetchState::kBehind, std::move(answer), limit);
    const auto cut = history.end_of(asked.last_epoch, answer.log_start);
    return diverged(std::move(answer), cut, source.log->end_offset());
  }
  // A copy that begins, and one that began under this horizon, never had what those deleted.
  const bool begins = asked.cursor == answer.log_start && asked.last_epoch == kNoEpoch;
  const bool missed_deletions = asked.cursor < source.tombstone_horizon &&
                                asked.tombstone_horizon < source.tombstone_horizon && !begins;
  if (asked.cursor < answer.log_start || missed_deletions) return out_of_range(std::move(answer));
  return compare(asked, source, history, std::move(answer));
}

}  // namespace

Verdict judge(const FetchPartition& asked,
              const std::optional<SourcePartition>& source,
              Asker asker) {
  FetchedPartition answer;
  answer.log = asked.log;
  answer.cursor = asked.cursor;
  if (!source) {
    answer.state = FetchState::kUnknownTopicId;
    return {.answer = std::move(answer), .limit = {}};
  }
  const bool is_its_leader =
      source->is_leader && asked.following && asked.following->epoch == source->epoch;
  if (source->log == nullptr || (asker == Asker::kReplica && !is_its_leader))
    return {.answer = not_here(std::move(answer), *source), .limit = {}};
  Offset limit = limit_of(*source, asker);
  answer.age_ms = source->age_ms;
  answer.log_start = source->log->start_offset();
  answer.high_watermark = asker == Asker::kReplica ? source->high_watermark : limit;
  if (asker == Asker::kReplica) answer.epoch = source->epoch;
  answer = decide(asked, *source, asker, limit, std::move(answer));
  if (const auto lost = lost_after(*source->log, asked.cursor);
      lost && !source->is_leader && answer.state == FetchState::kOk && lost->from < limit) {
    limit = lost->from;
    if (limit <= asked.cursor) answer = unreadable(std::move(answer));
  }
  return {.answer = std::move(answer), .limit = limit};
}

}  // namespace xylem::pipe
