#include "storage/compaction/compaction_run.h"

#include "storage/segment/sparse_index.h"

#include <algorithm>
#include <utility>

namespace xylem::storage {

CompactionRun::CompactionRun(Disk& disk,
                             const std::string& directory,
                             CompactionTarget& target,
                             CompactionPace& pace,
                             const CompactionTask& task)
    : disk_(disk),
      directory_(directory),
      target_(target),
      pace_(pace),
      task_(task),
      keys_(task.key_bytes_max),
      touched_end_(task.state.cleaned_to),
      opaque_from_(kOffsetMax) {
  report_.covered = task.state.cleaned_to;
}

Status CompactionRun::run() {
  if (auto learnt = learn_keys(); !learnt) return learnt;
  report_.keys = static_cast<std::int64_t>(keys_.size());
  // Before anything changes: who is told of the new segments is told of this.
  auto noted = target_.change([&](CompactionState& state) {
    auto& bounds = state.bounds;
    bounds.compacted_below = std::max(bounds.compacted_below, touched_end_);
    bounds.tombstone_horizon = std::max(bounds.tombstone_horizon, task_.horizon);
  });
  if (!noted) return noted;
  auto done = rewrite_all();
  if (output_ != nullptr) {
    (void)disk_.remove(output_->path());
    output_ = nullptr;
  }
  return done ? note_result() : done;
}

Status CompactionRun::learn_keys() {
  for (const auto& sealed : task_.sealed) {
    if (!report_.is_whole) return {};
    if (sealed.facts.end <= task_.state.cleaned_to) continue;
    if (!target_.goes_on()) return fail(Errc::kCancelled, "not now");
    if (auto learnt = learn_keys_of(sealed); !learnt) return learnt;
  }
  return {};
}

// Every entry is true whatever becomes of the run: there is a record of that key at that offset.
Status CompactionRun::learn_keys_of(const SealedFacts& sealed) {
  auto source = open(sealed);
  if (!source) return pass(source);
  for (;;) {
    auto batch = (*source)->next();
    if (!batch) return pass(batch);
    if (!*batch) break;
    const auto& place = (*batch)->place;
    if (place.next <= task_.state.cleaned_to) continue;
    touched_end_ = std::max(touched_end_, place.next);
    (void)for_each_record((*batch)->bytes, [&](const RecordView& record) {
      if (!record.key || record.offset < task_.state.cleaned_to) return true;
      if (keys_.put(*record.key, record.offset)) return true;
      report_.covered = record.offset;
      report_.is_whole = false;
      return false;
    });
    if (!report_.is_whole) return {};
    report_.covered = place.next;
  }
  report_.covered = sealed.facts.end;
  return {};
}

Result<std::unique_ptr<SegmentSource>> CompactionRun::open(const SealedFacts& sealed) {
  const bool is_proven = std::exchange(proven_, sealed.segment.get()) == sealed.segment.get();
  if (!is_proven) report_.read_bytes += sealed.facts.bytes;
  auto source = SegmentSource::open(disk_, sealed, is_proven ? nullptr : &pace_);
  if (!source) proven_ = nullptr;
  if (!source && source.error().code() == Errc::kCorrupt) sealed.segment->suspect();
  if (!source && source.error().code() == Errc::kNotFound)
    return fail(Errc::kCancelled, source.error().what());
  return source;
}

Offset CompactionRun::end_of_work() const {
  return keys_.size() > 0 ? std::max(report_.covered, task_.horizon) : task_.horizon;
}

Status CompactionRun::rewrite_all() {
  for (const auto& sealed : task_.sealed) {
    if (sealed.facts.base >= end_of_work()) break;
    if (!target_.goes_on()) return fail(Errc::kCancelled, "not now");
    if (auto taken = take(sealed); !taken) return taken;
  }
  return output_ != nullptr ? put_in_place() : Status();
}

bool CompactionRun::can_merge(Offset base, std::int64_t bytes, const SealedFacts& next) const {
  return fits_index(base, next.facts.end) && bytes + next.facts.bytes <= task_.segment_bytes_max;
}

// Neighbours with a gap between them say what was lost: they stay apart.
Status CompactionRun::take(const SealedFacts& sealed) {
  if (output_ != nullptr) {
    const bool merges = inputs_.back()->end() == sealed.facts.base &&
                        can_merge(output_->base(), output_->bytes(), sealed);
    if (merges) return rewrite(sealed);
    if (auto done = put_in_place(); !done) return done;
  }
  if (!left_alone_) return take_first(sealed);
  const auto before = std::move(*std::exchange(left_alone_, std::nullopt));
  const bool merges = before.facts.end == sealed.facts.base &&
                      can_merge(before.facts.base, before.facts.bytes, sealed);
  if (!merges) return take_first(sealed);
  epoch_ = left_alone_after_;
  if (auto begun = begin_output(before); !begun) return begun;
  return rewrite(sealed);
}

Status CompactionRun::take_first(const SealedFacts& sealed) {
  left_alone_after_ = epoch_;
  auto loses = loses_something(sealed);
  if (!loses) return pass(loses);
  if (!*loses) {
    left_alone_ = sealed;
    return {};
  }
  epoch_ = left_alone_after_;
  return begin_output(sealed);
}

Result<bool> CompactionRun::loses_something(const SealedFacts& sealed) {
  auto source = open(sealed);
  if (!source) return pass(source);
  bool ends_with_none = false;  // a batch without records that is of use only at the end
  for (;;) {
    auto batch = (*source)->next();
    if (!batch) return pass(batch);
    if (!*batch) return false;
    if (ends_with_none) return true;
    const auto& place = (*batch)->place;
    const bool begins_epoch = std::exchange(epoch_, place.epoch) < place.epoch;
    if (place.base >= touched_end_) continue;
    auto header = read_batch_header((*batch)->bytes);
    if (!header) return pass(header);
    ends_with_none = header->record_count == 0 && !begins_epoch;
    if (header->record_count > 0 && filtered(**batch).removed > 0) return true;
  }
}

Status CompactionRun::begin_output(const SealedFacts& sealed) {
  auto begun = SegmentBuilder::begin(disk_, directory_, sealed.facts.base);
  if (!begun) return pass(begun);
  output_ = std::move(*begun);
  inputs_.clear();
  return rewrite(sealed);
}

Status CompactionRun::rewrite(const SealedFacts& sealed) {
  auto source = open(sealed);
  if (!source) return pass(source);
  inputs_.push_back(sealed.segment);
  output_->appended_at(sealed.facts.appended_ms);
  for (;;) {
    auto batch = (*source)->next();
    if (!batch) return pass(batch);
    if (!*batch) return {};
    const auto before = output_->bytes();
    if (auto done = rewrite(**batch); !done) return done;
    if (!pace_.spend(output_->bytes() - before)) return fail(Errc::kCancelled, "the engine closes");
  }
}

bool CompactionRun::keeps(const RecordView& record) {
  if (!record.key) return true;
  const auto latest = keys_.find(*record.key);
  if (latest && *latest > record.offset) return false;
  if (!record.is_tombstone()) return true;
  if (record.offset < task_.horizon && record.offset < opaque_from_) return false;
  tombstones_end_ = std::max(tombstones_end_, record.offset + 1);
  return true;
}

Status CompactionRun::rewrite(const SegmentSource::Batch& batch) {
  const bool begins_epoch = std::exchange(epoch_, batch.place.epoch) < batch.place.epoch;
  if (batch.place.base >= touched_end_) return output_->add(batch.bytes);
  auto header = read_batch_header(batch.bytes);
  if (!header) return pass(header);
  if (header->record_count == 0) {  // an earlier run emptied it, or the parent's
    if (begins_epoch) return output_->add(batch.bytes);
    output_->hold(Buffer(batch.bytes.begin(), batch.bytes.end()));
    return {};
  }
  auto now = filtered(batch);
  report_.removed_records += now.removed;
  switch (now.result) {
    case Filtered::kOpaque:
    case Filtered::kUntouched:
      return output_->add(batch.bytes);
    case Filtered::kFewer:
      return output_->add(now.bytes);
    case Filtered::kEmptied:
      break;
  }
  if (begins_epoch) return output_->add(now.bytes);
  output_->hold(std::move(now.bytes));
  return {};
}

// Also notes the first batch that is opaque.
FilteredBatch CompactionRun::filtered(const SegmentSource::Batch& batch) {
  auto now = filter_batch(batch.bytes, [this](const RecordView& record) { return keeps(record); });
  if (now.result == Filtered::kOpaque && batch.place.base >= opaque_counted_to_) {
    ++report_.opaque_batches;
    opaque_counted_to_ = batch.place.next;
    opaque_from_ = std::min(opaque_from_, batch.place.base);
  }
  return now;
}

Status CompactionRun::put_in_place() {
  auto made = output_->finish();
  if (!made) return pass(made);
  (*made)->cover(inputs_.back()->end());  // which may reach beyond its last batch
  const auto path = output_->path();
  output_ = nullptr;
  report_.written_bytes += (*made)->bytes();
  if (auto swapped = target_.swap(inputs_, *made, path); !swapped) return swapped;
  report_.segments_before += static_cast<std::int64_t>(inputs_.size());
  ++report_.segments_after;
  return {};
}

Status CompactionRun::note_result() {
  std::int64_t appended_ms = 0;
  for (const auto& sealed : task_.sealed) {
    if (sealed.facts.base < report_.covered)
      appended_ms = std::max(appended_ms, sealed.facts.appended_ms);
  }
  return target_.change([&](CompactionState& state) {
    state.cleaned_to = std::max(state.cleaned_to, report_.covered);
    std::erase_if(state.marks, [&](const auto& mark) { return mark.below <= task_.horizon; });
    const auto end = std::min(tombstones_end_, report_.covered);
    if (end > task_.horizon) state.add_mark({end, appended_ms});
  });
}

}  // namespace xylem::storage
