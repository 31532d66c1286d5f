#include "storage/recovery.h"

#include "common/batch/crc32c.h"
#include "storage/log_paths.h"
#include "storage/segment/segment_scan.h"
#include "storage/segment/segment_writer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace xylem::storage {
namespace {

// The last, unfinished MiB is proven at once: appends go on behind it.
Result<bool> last_chunk_holds(const File& log, const SegmentFacts& facts) {
  const auto begin =
      facts.bytes / static_cast<std::int64_t>(kChunkBytes) * static_cast<std::int64_t>(kChunkBytes);
  if (begin == facts.bytes) return true;
  Buffer chunk(static_cast<std::size_t>(facts.bytes - begin));
  auto got = log.read_at(begin, chunk);
  if (!got) return pass(got);
  return *got == chunk.size() && crc32c(chunk) == facts.chunk_crcs.back();
}

std::optional<std::string> all_but(const std::string& name, std::string_view suffix) {
  if (!name.ends_with(suffix)) return std::nullopt;
  return name.substr(0, name.size() - suffix.size());
}

// An index of a segment that is gone: another one of that name must not be taken for it.
bool is_orphan(const std::string& name, const std::set<std::string>& all) {
  auto stem = all_but(name, kIndexSuffix);
  if (!stem) stem = all_but(name, kTimeIndexSuffix);
  if (!stem || !parse_segment_file(*stem + std::string(kLogSuffix))) return false;
  return !all.contains(*stem + std::string(kLogSuffix)) &&
         !all.contains(*stem + std::string(kLogSuffix) + std::string(kWholeSuffix));
}

// What the device cannot read is as lost as bad bytes.
bool is_damage(const Error& error) {
  return error.code() == Errc::kCorrupt || error.code() == Errc::kIo;
}

class Recovery {
 public:
  Recovery(const RecoveryContext& context, const SyncedBound& bound)
      : context_(context), bound_(bound) {}

  Result<RecoveredLog> run() {
    auto bases = segment_bases();
    if (!bases) return pass(bases);
    for (std::size_t i = 0; i < bases->size(); ++i) {
      const bool last = i + 1 == bases->size();
      auto done = last ? open_active((*bases)[i]) : open_sealed((*bases)[i], (*bases)[i + 1]);
      if (!done) return pass(done, "recover " + context_.directory);
    }
    // What was dropped or cut can leave the files behind the start: offsets are not given out
    // twice.
    log_.end = std::max(log_.end, bound_.start);
    for (const auto& segment : log_.segments) {
      for (const auto& epoch : segment->facts().epochs) {
        if (epoch.epoch > (log_.epochs.empty() ? kNoEpoch : log_.epochs.back().epoch))
          log_.epochs.push_back(epoch);
      }
    }
    return std::move(log_);
  }

 private:
  // Also finishes or forgets what was interrupted.
  Result<std::vector<Offset>> segment_bases() {
    std::vector<Offset> bases;
    auto names = context_.disk.list(context_.directory);
    if (!names && names.error().code() == Errc::kNotFound) return bases;
    if (!names) return pass(names);
    const std::set<std::string> all(names->begin(), names->end());
    for (const auto& name : all) {
      if (const auto base = parse_segment_file(name)) bases.push_back(*base);
      const auto path = context_.directory + "/" + name;
      const auto log = all_but(name, kWholeSuffix);
      const auto base = log ? parse_segment_file(*log) : std::nullopt;
      if (base && !all.contains(*log)) {
        bases.push_back(*base);
        auto done = context_.disk.rename(path, context_.directory + "/" + *log);
        if (done) done = context_.disk.sync_directory(context_.directory);
        if (!done) return pass(done);
      } else if (base || name.ends_with(kReplacementSuffix) || is_orphan(name, all)) {
        if (auto gone = context_.disk.remove(path); !gone) return pass(gone);
      }
    }
    std::ranges::sort(bases);
    return bases;
  }

  // What was synced and not dropped reaches further.
  [[nodiscard]] bool lacks_synced(Offset end) const {
    return end < bound_.synced && bound_.start < bound_.synced;
  }

  Status open_sealed(Offset base, Offset next_base) {
    Segment names(context_.disk, context_.directory, base);
    auto file = context_.disk.open(names.path(kLogSuffix), Disk::Open::kRead);
    if (!file) return pass(file);
    auto size = (*file)->size();
    if (!size) return pass(size);
    auto stored = stored_facts(context_.disk, names, *size);
    if (!stored) return pass(stored);
    if (const auto& facts = *stored; facts && facts->bytes == *size && facts->end <= next_base) {
      add(std::make_shared<Segment>(context_.disk, context_.directory, *facts));
      return {};
    }
    auto walked = walk_segment(context_, base);
    if (!walked && !is_damage(walked.error())) return pass(walked);
    if (!walked || (*walked)->end() > next_base) return quarantine({base, next_base, next_base});
    if (auto gone = remove_indexes(context_.disk, **walked); !gone) return gone;
    index_and_add(std::move(*walked));
    return {};
  }

  void index_and_add(std::shared_ptr<Segment> walked) {
    if (auto wrote = write_indexes(context_.disk, *walked); !wrote)
      context_.logger.warn("storage.index_not_written", {{"error", wrote.error().what()}});
    add(std::move(walked));
  }

  Status open_active(Offset base) {
    Segment names(context_.disk, context_.directory, base);
    auto file = context_.disk.open(names.path(kLogSuffix), Disk::Open::kWrite);
    if (!file) return pass(file);
    auto size = (*file)->size();
    if (!size) return pass(size);
    auto stored = stored_facts(context_.disk, names, *size);
    if (!stored) return pass(stored);
    const auto& facts = *stored;
    if (facts) {
      auto holds = last_chunk_holds(**file, *facts);
      if (!holds) return pass(holds);
      if (!*holds) return quarantine({base, std::max(facts->end, bound_.synced), kOffsetMax});
    }
    if (!facts) {
      if (auto gone = remove_indexes(context_.disk, names); !gone) return gone;
    }
    auto segment = facts ? std::make_shared<Segment>(context_.disk, context_.directory, *facts)
                         : std::make_shared<Segment>(context_.disk, context_.directory, base);
    if (facts && facts->bytes == *size && !lacks_synced(facts->end)) {  // a clean stop
      add(std::move(segment));
      return {};
    }
    return walk_tail(std::move(segment), **file, *size);
  }

  Status walk_tail(std::shared_ptr<Segment> segment, File& file, std::int64_t size) {
    // An earlier process may have failed to sync it: what counts is what the disk holds.
    if (auto synced = file.sync(); !synced) return synced;
    if (auto forgot = file.forget_cached(); !forgot) return forgot;
    if (auto ready = segment->prepare_to_write(); !ready) {
      if (!is_damage(ready.error())) return ready;
      return quarantine({segment->base(), std::max(segment->end(), bound_.synced), kOffsetMax});
    }
    const auto epochs = segment->facts().epochs;
    const ScanState from{segment->base(), segment->bytes(), segment->end(),
                         epochs.empty() ? kNoEpoch : epochs.back().epoch};
    auto end = scan_segment(file, from, [&](Bytes batch, const BatchPlace& place) {
      const std::array walked = {PlacedBatch{{nullptr, batch}, place}};
      segment->wrote(walked, context_.now_ms);
      return Status();
    });
    if (!end && end.error().code() != Errc::kIo) return pass(end);
    if (!end)
      return quarantine({segment->base(), std::max(segment->end(), bound_.synced), kOffsetMax});
    if (lacks_synced(segment->end()) || end->is_misplaced)
      return quarantine({segment->base(), bound_.synced, kOffsetMax});
    if (!end->clean) {
      context_.metrics.torn_tails.add();
      context_.logger.warn("storage.torn_tail_cut", {{"file", segment->path(kLogSuffix)},
                                                     {"position", segment->bytes()},
                                                     {"why", end->what}});
    }
    if (size > segment->bytes()) {  // nothing maps it yet
      if (auto cut = file.truncate(segment->bytes()); !cut) return cut;
    }
    if (auto synced = file.sync(); !synced) return synced;
    // Whoever made or renamed the file may have died before this.
    if (auto synced = context_.disk.sync_directory(context_.directory); !synced) return synced;
    add(std::move(segment));
    return {};
  }

  Status quarantine(const DamagedRange& damaged) {
    auto good = quarantine_segment(context_, damaged);
    if (!good) return pass(good);
    const bool tail_is_lost = good->back()->end() < damaged.end_min;
    for (auto& segment : *good) index_and_add(std::move(segment));
    return tail_is_lost ? reserve_offsets(damaged.end_min) : Status();
  }

  // An empty segment from `end` on: lost offsets are never given out again.
  Status reserve_offsets(Offset end) {
    auto empty = std::make_shared<Segment>(context_.disk, context_.directory, end);
    auto there = context_.disk.exists(empty->path(kLogSuffix));
    if (!there) return pass(there);
    if (*there) return {};
    auto made = SegmentWriter::open(context_.disk, empty);
    if (!made) return pass(made);
    add(std::move(empty));
    return {};
  }

  void add(std::shared_ptr<Segment> segment) {
    log_.end = std::max(log_.end, segment->end());
    log_.segments.push_back(std::move(segment));
  }

  const RecoveryContext& context_;
  SyncedBound bound_;
  RecoveredLog log_;
};

}  // namespace

Result<std::optional<SegmentFacts>> stored_facts(Disk& disk,
                                                 const Segment& names,
                                                 std::int64_t file_bytes) {
  auto file = disk.open(names.path(kIndexSuffix), Disk::Open::kRead);
  if (!file && file.error().code() == Errc::kNotFound) return std::nullopt;
  if (!file) return pass(file);
  Buffer head(kIndexHeadBytes);
  auto got = (*file)->read_at(0, head);
  if (!got) return pass(got);
  if (*got < head.size()) return std::nullopt;
  const auto bytes = index_facts_bytes(head);
  if (!bytes) return std::nullopt;
  head.resize(*bytes);
  auto all = (*file)->read_at(0, head);
  if (!all) return pass(all);
  if (*all < head.size()) return std::nullopt;
  auto facts = decode_index_facts(head);
  if (!facts || facts->base != names.base() || facts->bytes > file_bytes) return std::nullopt;
  return *facts;
}

Result<std::shared_ptr<Segment>> walk_segment(const RecoveryContext& context, Offset base) {
  auto segment = std::make_shared<Segment>(context.disk, context.directory, base);
  auto file = context.disk.open(segment->path(kLogSuffix), Disk::Open::kRead);
  if (!file) return pass(file);
  auto end =
      scan_segment(**file, {base, 0, base, kNoEpoch}, [&](Bytes batch, const BatchPlace& place) {
        const std::array walked = {PlacedBatch{{nullptr, batch}, place}};
        segment->wrote(walked, context.now_ms);
        return Status();
      });
  if (!end) return pass(end);
  if (!end->clean) return fail(Errc::kCorrupt, segment->path(kLogSuffix) + ": " + end->what);
  return segment;
}

Result<RecoveredLog> recover_log(const RecoveryContext& context, const SyncedBound& bound) {
  return Recovery(context, bound).run();
}

}  // namespace xylem::storage
