#include "storage/compaction/log_compaction.h"

#include "storage/log_paths.h"
#include "storage/recovery.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace xylem::storage {

LogCompaction::LogCompaction(Disk& disk, Logger& logger, const std::string& directory)
    : disk_(disk),
      logger_(logger),
      directory_(directory),
      file_(disk, directory + "/compaction"),
      state_(std::make_shared<const CompactionState>()) {}

Status LogCompaction::open() {
  auto loaded = file_.load();
  is_unreadable_ = !loaded && loaded.error().code() == Errc::kCorrupt;
  if (!loaded && !is_unreadable_) return pass(loaded);
  if (loaded && !*loaded) return {};
  if (is_unreadable_) {
    logger_.error("storage.compaction_state_lost", {{"error", loaded.error().what()}});
  } else {
    auto state = std::move(**loaded);
    const auto swap = std::exchange(state.swap, std::nullopt);
    if (swap) {
      if (auto finished = finish(*swap); !finished) return finished;
      if (auto stored = file_.store(state); !stored) return stored;
    }
    state_.store(std::make_shared<const CompactionState>(std::move(state)));
  }
  auto names = disk_.list(directory_);
  if (!names) return pass(names);
  return remove_unfinished(*names);  // last: while a file is there its swap was not done
}

Result<bool> LogCompaction::was_renamed(const SegmentSwap& swap) {
  const auto path = Segment(disk_, directory_, swap.base).path(kLogSuffix);
  auto unfinished = disk_.exists(path + std::string(kCompactingSuffix));
  if (!unfinished) return unfinished;
  if (*unfinished) return false;
  auto file = disk_.open(path, Disk::Open::kRead);
  if (!file && file.error().code() == Errc::kNotFound) return false;
  if (!file) return pass(file);
  auto size = (*file)->size();
  if (!size) return pass(size);
  return *size == swap.bytes;
}

// The old segments behind the first one are in the new file.
Status LogCompaction::finish(const SegmentSwap& swap) {
  auto renamed = was_renamed(swap);
  if (!renamed) return pass(renamed);
  if (!*renamed) return {};
  auto names = disk_.list(directory_);
  if (!names) return pass(names);
  for (const auto& name : std::views::reverse(*names)) {
    const auto base = parse_segment_file(name);
    if (!base || *base <= swap.base || *base >= swap.end) continue;
    const Segment old(disk_, directory_, *base);
    if (auto gone = remove_indexes(disk_, old); !gone) return gone;
    if (auto gone = disk_.remove(old.path(kLogSuffix)); !gone) return gone;
  }
  return disk_.sync_directory(directory_);
}

Status LogCompaction::remove_unfinished(const std::vector<std::string>& names) {
  for (const auto& name : names) {
    if (!name.ends_with(kCompactingSuffix)) continue;
    if (auto gone = disk_.remove(directory_ + "/" + name); !gone) return gone;
  }
  return {};
}

void LogCompaction::settle(Offset end) {
  CompactionState state = *state_.load();
  if (is_unreadable_) state.bounds = {end, end};
  if (state.cleaned_to > end) state.cut_back(end);
  state_.store(std::make_shared<const CompactionState>(std::move(state)));
}

Status LogCompaction::store(CompactionState state) {
  if (is_known_ && state == *state_.load()) return {};
  is_known_ = false;
  if (auto stored = file_.store(state); !stored) return stored;
  is_known_ = true;
  state_.store(std::make_shared<const CompactionState>(std::move(state)));
  return {};
}

}  // namespace xylem::storage
