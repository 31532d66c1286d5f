#include "storage/repair/data_repair.h"

#include "common/clock.h"
#include "storage/disk.h"
#include "storage/identity/cluster_file.h"
#include "storage/log_paths.h"
#include "storage/log_view.h"
#include "storage/recovery.h"
#include "storage/segment/segment_writer.h"
#include "storage/segment_catalog.h"
#include "storage/state_store.h"
#include "storage/synced_file.h"

#include <algorithm>
#include <utility>

namespace xylem::storage {
namespace {

constexpr auto kStateRemedy =
    "cannot be rebuilt: put a copy of it in its place, or remove it: groups then begin by their "
    "reset policy";

void add_database(const std::string& path,
                  FaultKind kind,
                  const Result<std::vector<std::string>>& faults,
                  std::string_view remedy,
                  DataCheck& check) {
  if (!faults) {
    check.faults.push_back({kind, path, 0, faults.error().what(), std::string(remedy)});
    return;
  }
  for (const auto& fault : *faults)
    check.faults.push_back({kind, path, 0, fault, std::string(remedy)});
}

Status check_databases(Disk& disk, const std::string& data_dir, DataCheck& check) {
  const auto meta = data_dir + "/meta.db";
  auto there = disk.exists(meta);
  if (!there) return pass(there);
  if (*there) {
    add_database(meta, FaultKind::kCatalog, check_catalog(meta),
                 "the next start or --repair makes it again", check);
  }
  const auto state = data_dir + "/state.db";
  there = disk.exists(state);
  if (!there) return pass(there);
  if (*there) {
    add_database(state, FaultKind::kState, check_state(state), kStateRemedy, check);
    return {};
  }
  const auto cluster = read_cluster(disk, data_dir);  // a broker has been here
  if (cluster && *cluster && check.segments > 0)
    check.faults.push_back({FaultKind::kState, state, 0, "is missing", kStateRemedy});
  return {};
}

void add(const LogCheck& log, DataCheck& all) {
  ++all.logs;
  all.segments += log.segments;
  all.batches += log.batches;
  all.bytes += log.bytes;
  all.faults.insert(all.faults.end(), log.faults.begin(), log.faults.end());
}

// Mends one log that was checked.
class LogRepair {
 public:
  LogRepair(Disk& disk, const LogCheck& check, std::vector<std::string>& done)
      : disk_(disk),
        check_(check),
        done_(done),
        context_{disk, Logger::none(), counters_, check.directory, SystemClock().wall_ms()} {}

  // What a start then finds.
  Result<RecoveredLog> run() {
    for (const auto& bad : check_.bad) {
      auto mended = bad.is_damaged ? set_aside(bad) : put_indexes(bad);
      if (!mended) return pass(mended, check_.directory);
    }
    auto log = recover_log(context_, check_.bound);
    if (!log) return log;
    for (const auto& fault : check_.faults) tell(fault);
    if (auto bounded = put_bound(*log); !bounded) return pass(bounded);
    tell_lost(*log);
    return log;
  }

 private:
  Status set_aside(const BadSegment& bad) {
    const bool by_recovery = bad.is_last && !stored(bad.base);
    if (by_recovery) return {};  // it walks the last one itself
    auto good = quarantine_segment(context_, {bad.base, bad.next, bad.next});
    if (!good) return pass(good);
    if (!bad.is_last || good->back()->end() >= bad.next) return {};
    // The offsets that were lost at the end are not given out again.
    auto made =
        SegmentWriter::open(disk_, std::make_shared<Segment>(disk_, check_.directory, bad.next));
    return made ? Status() : Status(pass(made));
  }

  bool stored(Offset base) {
    const Segment names(disk_, check_.directory, base);
    auto file = disk_.open(names.path(kLogSuffix), Disk::Open::kRead);
    if (!file) return false;
    const auto size = (*file)->size();
    if (!size) return false;
    const auto facts = stored_facts(disk_, names, *size);
    return facts && *facts && (*facts)->bytes == *size;
  }

  Status put_indexes(const BadSegment& bad) {
    const Segment names(disk_, check_.directory, bad.base);
    Status put;
    if (bad.time_index) put = replace_file(disk_, names.path(kTimeIndexSuffix), *bad.time_index);
    if (put && bad.index) put = replace_file(disk_, names.path(kIndexSuffix), *bad.index);
    return put;
  }

  Status put_bound(const RecoveredLog& log) {
    if (check_.has_good_bound || log.segments.empty()) return {};
    SyncedFile file(disk_, check_.directory + "/synced");
    if (auto loaded = file.load(); !loaded) return pass(loaded);
    return file.store_durably({log.end, log.segments.front()->base()});
  }

  void tell(const DataFault& fault) {
    switch (fault.kind) {
      case FaultKind::kBadBytes:
        return say(fault, "set aside, its good batches are kept");
      case FaultKind::kTornTail:
        return say(fault, "cut off the unfinished write at byte " + std::to_string(fault.position));
      case FaultKind::kIndex:
      case FaultKind::kTimeIndex:
        return say(fault, "made again");
      case FaultKind::kSynced:
        return say(fault, "made again: the log begins with its first segment");
      case FaultKind::kLeftover:
        return say(fault, "finished or removed");
      case FaultKind::kLost:
      case FaultKind::kSetAside:
      case FaultKind::kCatalog:
      case FaultKind::kState:
        return;
    }
  }

  void say(const DataFault& fault, const std::string& what) {
    done_.push_back(fault.file + ": " + what);
  }

  void tell_lost(const RecoveredLog& log) {
    for (const auto& range : lost_ranges(log.segments, check_.bound.start)) {
      done_.push_back(check_.name.topic + "/" + std::to_string(check_.name.id.partition.value()) +
                      ": offsets " + std::to_string(range.from.value()) + " to " +
                      std::to_string((range.to + -1).value()) +
                      " are lost here; a node with a parent pulls them again when it runs, of an "
                      "owner they are gone");
    }
  }

  Disk& disk_;
  const LogCheck& check_;
  std::vector<std::string>& done_;
  Metrics metrics_;
  StorageMetrics counters_{metrics_};
  RecoveryContext context_;
};

std::vector<SegmentInfo> infos_of(const SegmentList& segments) {
  std::vector<SegmentInfo> all;
  for (const auto& segment : segments) {
    all.push_back({segment->base(), segment->end(), segment->bytes(), segment != segments.back(),
                   segment->path(kLogSuffix)});
  }
  return all;
}

using Recovered = std::vector<std::pair<LogName, SegmentList>>;

Status rebuild_catalog(Disk& disk,
                       const std::string& data_dir,
                       const Recovered& logs,
                       DataRepair& repair) {
  const auto path = data_dir + "/meta.db";
  const bool is_bad = std::ranges::any_of(repair.found.faults, [](const DataFault& fault) {
    return fault.kind == FaultKind::kCatalog;
  });
  if (!is_bad) return {};
  for (const std::string_view suffix : {"", "-wal", "-shm"}) {
    auto gone = disk.remove(path + std::string(suffix));
    if (!gone && gone.error().code() != Errc::kNotFound) return gone;
  }
  SegmentCatalog catalog(path, Logger::none());
  for (const auto& [name, segments] : logs) catalog.set(name, infos_of(segments));
  repair.done.push_back(path + ": made again");
  return {};
}

}  // namespace

bool DataCheck::is_good() const { return std::ranges::all_of(faults, &DataFault::is_note); }

Result<DataCheck> check_data(Disk& disk,
                             const std::string& data_dir,
                             std::string_view topic,
                             const CheckProgress& progress) {
  DataCheck all;
  auto logs = find_logs(disk, data_dir, topic);
  if (!logs) return pass(logs);
  for (const auto& log : *logs) {
    auto checked = check_log(disk, log.name, log.directory, progress);
    if (!checked) return pass(checked);
    add(*checked, all);
  }
  if (topic.empty()) {
    if (auto checked = check_databases(disk, data_dir, all); !checked) return pass(checked);
  }
  return all;
}

Result<DataRepair> repair_data(Disk& disk,
                               const std::string& data_dir,
                               std::string_view topic,
                               const CheckProgress& progress) {
  auto logs = find_logs(disk, data_dir, topic);  // first: a wrong directory gets no lock file
  if (!logs) return pass(logs);
  const auto lock = disk.lock(data_dir + "/lock");
  if (!lock) return std::unexpected(lock.error());
  DataRepair repair;
  Recovered recovered;
  for (const auto& log : *logs) {
    auto checked = check_log(disk, log.name, log.directory, progress);
    if (!checked) return pass(checked);
    add(*checked, repair.found);
    auto mended = LogRepair(disk, *checked, repair.done).run();
    if (!mended) return pass(mended);
    recovered.emplace_back(log.name, std::move(mended->segments));
  }
  if (topic.empty()) {
    if (auto checked = check_databases(disk, data_dir, repair.found); !checked)
      return pass(checked);
    if (auto rebuilt = rebuild_catalog(disk, data_dir, recovered, repair); !rebuilt)
      return pass(rebuilt);
  }
  auto left = check_data(disk, data_dir, topic);
  if (!left) return pass(left);
  repair.left = std::move(*left);
  return repair;
}

}  // namespace xylem::storage
