#include "pipe/fetch_session.h"

#include "common/check.h"

#include <algorithm>
#include <utility>

namespace xylem::pipe {
namespace {

bool is_news(const FetchedPartition& now, const std::optional<FetchedPartition>& told) {
  if (!now.batches.empty() || !told || told->state != now.state) return true;
  switch (now.state) {
    case FetchState::kOk:  // a replica that goes by another epoch has not taken what was told in it
      return told->high_watermark != now.high_watermark || told->epoch != now.epoch;
    case FetchState::kNotHere:
      return told->leader != now.leader || told->leader_address != now.leader_address ||
             told->epoch != now.epoch;
    case FetchState::kDiverged:
    case FetchState::kOutOfRange:
    case FetchState::kUnknownTopicId:
    case FetchState::kBehind:
      return false;  // told once; a child that wants to hear it again lists the partition again
  }
  return false;
}

struct Wanted {
  Offset limit;
  std::optional<Offset> below;
};

// Reads from the answer's cursor; `used` of `bytes_max` bytes are taken. An answer that has nothing
// yet may be passed by one batch. False: there is no room.
bool add_batches(const storage::PartitionLog& log,
                 const Wanted& wanted,
                 std::size_t bytes_max,
                 std::size_t& used,
                 FetchedPartition& answer) {
  if (used >= bytes_max) return false;
  const std::size_t room = bytes_max - used;
  auto read =
      log.read(answer.cursor, room, std::min(wanted.limit, wanted.below.value_or(wanted.limit)));
  if (read && read->bytes == 0 && wanted.below) read = log.read(answer.cursor, 1, wanted.limit);
  if (!read) {
    answer.state = FetchState::kNotHere;
    return true;
  }
  if (read->bytes > room && used > 0) return false;
  used += read->bytes;
  answer.batches = std::move(read->slices);
  return true;
}

}  // namespace

FetchSession::FetchSession(std::uint64_t id, NodeId child, Asker asker)
    : id_(id), child_(std::move(child)), asker_(asker) {}

bool FetchSession::take(std::uint32_t sequence) {
  if (sequence <= sequence_) return false;
  sequence_ = sequence;
  return true;
}

void FetchSession::list(const FetchPartition& at) {
  auto& partition = partitions_[at.log];
  partition.at = at;
  partition.is_resting = false;
  partition.is_agreed = false;
  if (partition.told && partition.told->state != FetchState::kOk) partition.told.reset();
  mark(at.log);
}

void FetchSession::forget(const LogId& log) {
  partitions_.erase(log);
  std::erase(marked_, log);
}

void FetchSession::mark(const LogId& log) {
  const auto found = partitions_.find(log);
  if (found == partitions_.end() || found->second.is_resting || found->second.is_marked) return;
  found->second.is_marked = true;
  marked_.push_back(log);
}

FetchSession::Draft FetchSession::draft(const PipeSource& source, std::size_t bytes_max) {
  Draft draft;
  std::deque<LogId> kept;
  while (!marked_.empty() && draft.news.size() < kPartitionsPerAnswer) {
    const LogId log = marked_.front();
    marked_.pop_front();
    auto& partition = partitions_.at(log);
    if (look(partition, source, bytes_max, draft) == Found::kNothing)
      partition.is_marked = false;
    else
      kept.push_back(log);
  }
  draft.is_whole = marked_.empty();
  kept.insert(kept.begin(), marked_.begin(), marked_.end());
  marked_ = std::move(kept);
  return draft;
}

FetchSession::Found FetchSession::look(Partition& partition,
                                       const PipeSource& source,
                                       std::size_t bytes_max,
                                       Draft& draft) {
  auto found = source.find(partition.at.log);
  if (found && found->log != nullptr) {
    const auto room = bytes_max - std::min(draft.batch_bytes, bytes_max);
    const auto warm = found->log->warm_up(partition.at.cursor, room);
    if (warm && !*warm) return Found::kNothing;  // marked again when it is brought in
  }
  FetchedPartition answer;
  bool wants_room = false;
  for (auto used = draft.batch_bytes;; used = draft.batch_bytes) {
    auto [judged, limit] = judge(partition.at, found, asker_);
    answer = std::move(judged);
    const bool has_more = answer.state == FetchState::kOk && answer.cursor < limit;
    wants_room = has_more && found &&
                 !add_batches(*found->log, {limit, partition.at.below}, bytes_max, used, answer);
    // Compaction runs beside this: what was just read may lack tombstones that were there when the
    // question was judged.
    const auto horizon = found ? found->tombstone_horizon : Offset();
    found = source.find(partition.at.log);
    if (found && found->tombstone_horizon != horizon) continue;
    draft.batch_bytes = used;
    break;
  }
  if (found && answer.state == FetchState::kOk) {
    answer.compacted_below = found->compacted_below;
    answer.tombstone_horizon = found->tombstone_horizon;
  }
  if (asker_ == Asker::kReplica && answer.state == FetchState::kOk &&
      !std::exchange(partition.is_agreed, true))
    agreed_.push_back(partition.at);
  if (!is_news(answer, partition.told)) return wants_room ? Found::kNoRoom : Found::kNothing;
  draft.is_urgent |= answer.batches.empty();
  if (!wants_room) draft.settled.push_back(partition.at.log);
  draft.news.push_back(std::move(answer));
  return Found::kNews;
}

FetchAnswer FetchSession::seal(Draft draft, const PipeSource& source, std::int64_t now_ms) {
  FetchAnswer answer;
  answer.parent = source.node();
  answer.cluster = source.cluster();
  answer.session = id_;
  answer.topology_version = source.topology_version();
  answer.partitions = std::move(draft.news);
  for (const auto& fetched : answer.partitions) {
    auto& partition = partitions_.at(fetched.log);
    partition.is_resting = !fetched.batches.empty();
    partition.told = fetched;
    partition.told->batches.clear();
  }
  const std::unordered_set<LogId> settled(draft.settled.begin(), draft.settled.end());
  std::erase_if(marked_, [&](const LogId& log) { return settled.contains(log); });
  for (const auto& log : settled) partitions_.at(log).is_marked = false;
  const bool age_is_due = !aged_at_ms_ || now_ms - *aged_at_ms_ >= kAgeEveryMs;
  if (age_is_due && draft.is_whole) {
    aged_at_ms_ = now_ms;
    add_ages(answer, source);
  }
  ++answers_;
  return answer;
}

// One age for all that are quiet; those much older than the youngest speak for themselves.
void FetchSession::add_ages(FetchAnswer& answer, const PipeSource& source) const {
  std::unordered_set<LogId> listed;
  for (const auto& fetched : answer.partitions) listed.insert(fetched.log);

  struct Aged {
    std::uint64_t age_ms;
    Offset cursor;
    const FetchedPartition& told;
  };

  std::vector<Aged> ages;
  for (const auto& [log, partition] : partitions_) {
    const auto& told = partition.told;
    if (!told || told->state != FetchState::kOk || listed.contains(log)) continue;
    if (const auto found = source.find(log))
      ages.push_back({found->age_ms, partition.at.cursor, *told});
  }
  if (ages.empty()) return;
  const std::uint64_t youngest = std::ranges::min_element(ages, {}, &Aged::age_ms)->age_ms;
  std::uint64_t common = youngest;
  for (const auto& [age_ms, cursor, told] : ages) {
    if (age_ms - youngest <= kAgeSpreadMs) {
      common = std::max(common, age_ms);
    } else if (answer.partitions.size() < kPartitionsPerAnswer) {
      answer.partitions.push_back(told);
      answer.partitions.back().cursor = cursor;
      answer.partitions.back().age_ms = age_ms;
    }
  }
  answer.age_ms = common;
}

std::vector<LogId> FetchSession::logs() const {
  std::vector<LogId> all;
  all.reserve(partitions_.size());
  for (const auto& [log, partition] : partitions_) all.push_back(log);
  return all;
}

}  // namespace xylem::pipe
