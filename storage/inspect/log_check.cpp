#include "storage/inspect/log_check.h"

#include "storage/disk.h"
#include "storage/inspect/segment_check.h"
#include "storage/log_paths.h"
#include "storage/recovery.h"
#include "storage/segment/segment_scan.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace xylem::storage {
namespace {

constexpr std::string_view kBySetAside =
    "--repair, or whoever reads it, sets it aside and keeps its good batches";
constexpr std::string_view kByItself = "the next start or --repair makes it again";

std::string offsets(Offset from, Offset to) {
  return "offsets " + std::to_string(from.value()) + " to " + std::to_string((to + -1).value());
}

class Check {
 public:
  Check(Disk& disk,
        const LogName& name,
        const std::string& directory,
        const CheckProgress& progress)
      : disk_(disk), progress_(progress) {
    found_.name = name;
    found_.directory = directory;
  }

  Result<LogCheck> run() {
    auto names = disk_.list(found_.directory);
    if (!names) return pass(names);
    std::vector<Offset> bases;
    for (const auto& name : *names) {
      if (const auto base = parse_segment_file(name)) bases.push_back(*base);
      look_at_name(name);
    }
    check_bound(bases);
    found_.segments = bases.size();
    for (std::size_t i = 0; i < bases.size(); ++i) {
      const bool is_last = i + 1 == bases.size();
      if (auto done = check_segment(bases[i], is_last ? kOffsetMax : bases[i + 1], is_last); !done)
        return pass(done);
    }
    return std::move(found_);
  }

 private:
  struct Place {
    Segment names;
    Offset next;
    bool is_last;
    std::int64_t bytes;
  };

  void add(FaultKind kind,
           const std::string& file,
           std::int64_t position,
           std::string_view what,
           std::string_view remedy) {
    found_.faults.push_back({kind, file, position, std::string(what), std::string(remedy)});
  }

  void look_at_name(const std::string& name) {
    const auto path = found_.directory + "/" + name;
    if (name.ends_with(kQuarantinedSuffix)) {
      add(FaultKind::kSetAside, path, 0, "was set aside: it holds corrupt bytes",
          "remove it when nobody wants to look at it any more");
    }
    if (name.ends_with(kReplacementSuffix))
      add(FaultKind::kLeftover, path, 0, "was being made when the process ended", kByItself);
  }

  void check_bound(const std::vector<Offset>& bases) {
    const auto path = found_.directory + "/synced";
    const auto stored = read_file(disk_, path, 2 * SyncedFile::kSlotBytes);
    const auto slot = stored ? decode_synced(*stored) : SyncedSlot();
    found_.bound = slot.bound;
    const bool is_missing = !stored && stored.error().code() == Errc::kNotFound;
    if (slot.sequence > 0 || (is_missing && bases.size() < 2)) return;
    found_.has_good_bound = false;
    add(FaultKind::kSynced, path, 0, is_missing ? "is missing" : "is not what was written",
        "the next start goes without it: the log then begins with its first segment");
  }

  Status check_segment(Offset base, Offset next, bool is_last) {
    Place place{Segment(disk_, found_.directory, base), next, is_last, 0};
    const auto path = place.names.path(kLogSuffix);
    auto file = disk_.open(path, Disk::Open::kRead);
    if (!file && file.error().code() == Errc::kNotFound) return {};  // retention was quicker
    if (!file) return pass(file);
    auto size = (*file)->size();
    if (!size) return pass(size);
    place.bytes = *size;
    const auto before = found_.faults.size();
    check_begin(base, path);
    const auto facts = stored_facts(disk_, place.names, *size).value_or(std::nullopt);
    const auto end = facts && facts->bytes == *size && facts->end <= next
                         ? check_indexed(place, *facts)
                         : check_bare(place, **file);
    const bool is_damaged = std::ranges::any_of(
        found_.faults.begin() + static_cast<std::ptrdiff_t>(before), found_.faults.end(),
        [](const DataFault& fault) { return fault.kind == FaultKind::kBadBytes; });
    // What a damaged one holds no more is told with it.
    if (is_damaged && !is_last)
      end_ = next;
    else
      end_ = end;
    return {};
  }

  // Whether it joins the one before.
  void check_begin(Offset base, const std::string& path) {
    const auto from = end_.value_or(found_.has_good_bound ? found_.bound.start : base);
    if (from >= base || base <= found_.bound.start || !fits_index(from, base)) return;
    add(FaultKind::kLost, path, 0, offsets(from, base) + " before it are missing",
        "a node with a parent pulls them again; of an owner they are lost");
  }

  // A segment whose index vouches for it.
  Offset check_indexed(const Place& place, const SegmentFacts& facts) {
    BadSegment bad{facts.base, place.is_last ? facts.end : place.next, place.is_last, false, {},
                   {}};
    auto check = SegmentCheck::open(disk_, found_.directory,
                                    {facts.base, facts.end, facts.bytes, facts.appended_ms});
    Result<std::int64_t> step = check ? Result<std::int64_t>(1) : pass(check);
    while (step && *step > 0) {
      const auto batches = (*check)->batches();
      step = (*check)->step();
      if (step) count((*check)->batches() - batches, *step);
    }
    if (!step) {
      bad.is_damaged = true;
      add(FaultKind::kBadBytes, place.names.path(kLogSuffix), check ? (*check)->position() : 0,
          step.error().what(), kBySetAside);
    } else {
      compare(**check, place, bad);
    }
    if (bad.is_damaged || bad.index || bad.time_index) found_.bad.push_back(std::move(bad));
    return facts.end;
  }

  void compare(const SegmentCheck& check, const Place& place, BadSegment& bad) {
    if (auto better = check.better_index(); better && *better) {
      bad.index = std::move(*better);
      add(FaultKind::kIndex, place.names.path(kIndexSuffix), 0, "is not what the segment holds",
          kByItself);
    }
    if (auto better = check.better_time_index(); better && *better) {
      bad.time_index = std::move(*better);
      add(FaultKind::kTimeIndex, place.names.path(kTimeIndexSuffix), 0,
          "is missing, or not what the segment holds", kByItself);
    }
  }

  // A segment that stands for itself.
  Offset check_bare(const Place& place, const File& file) {
    const auto path = place.names.path(kLogSuffix);
    const auto base = place.names.base();
    std::uint64_t batches = 0;
    const auto end =
        scan_segment(file, {base, 0, base, kNoEpoch}, [&](Bytes, const BatchPlace& batch) {
          ++batches;
          count(1, static_cast<std::int64_t>(batch.bytes));
          last_ = batch.next;
          return Status();
        });
    const auto reached = batches > 0 ? last_ : base;
    const bool is_short = place.is_last && reached < found_.bound.synced;
    const bool is_torn = end && !end->clean && place.is_last && !is_short;
    const auto position = end ? end->state.position : 0;
    if (is_torn) {
      add(FaultKind::kTornTail, path, position, end->what,
          "the next start or --repair cuts it off");
    } else if (!end || !end->clean || is_short || reached > place.next) {
      const auto what = !end          ? end.error().what()
                        : !end->clean ? end->what
                        : is_short    ? std::string("ends below what was synced")
                                      : std::string("reaches into the next segment");
      add(FaultKind::kBadBytes, path, position, what, kBySetAside);
      found_.bad.push_back({base,
                            place.is_last ? std::max(reached, found_.bound.synced) : place.next,
                            place.is_last,
                            true,
                            {},
                            {}});
    } else if (!place.is_last) {
      add(FaultKind::kIndex, place.names.path(kIndexSuffix), 0, "is missing or unusable",
          kByItself);
    }
    return reached;
  }

  void count(std::uint64_t batches, std::int64_t bytes) {
    found_.batches += batches;
    found_.bytes += bytes;
    if (progress_) progress_(batches, bytes);
  }

  Disk& disk_;
  const CheckProgress& progress_;
  LogCheck found_;
  std::optional<Offset> end_;  // of the segment before
  Offset last_;
};

}  // namespace

std::string_view to_string(FaultKind kind) noexcept {
  constexpr std::array<std::string_view, 10> kNames = {
      "bad-bytes", "torn-tail", "index",     "time-index", "lost",
      "synced",    "leftover",  "set-aside", "meta.db",    "state.db"};
  return kNames.at(static_cast<std::size_t>(kind));
}

Result<LogCheck> check_log(Disk& disk,
                           const LogName& name,
                           const std::string& directory,
                           const CheckProgress& progress) {
  return Check(disk, name, directory, progress).run();
}

Result<std::vector<LogPlace>> find_logs(Disk& disk,
                                        const std::string& data_dir,
                                        std::string_view topic) {
  std::vector<LogPlace> logs;
  auto topics = disk.list(data_dir + "/logs");
  if (!topics) return pass(topics);
  for (const auto& directory : *topics) {
    const auto named = parse_topic_directory(directory);
    if (!named || (!topic.empty() && named->topic != topic)) continue;
    const auto path = data_dir + "/logs/" + directory;
    auto partitions = disk.list(path);
    if (!partitions) return pass(partitions);
    for (const auto& partition : *partitions) {
      const auto number = parse_number(partition);
      if (!number || *number > std::numeric_limits<std::int32_t>::max()) continue;
      const LogId id{named->incarnation, PartitionId(static_cast<std::int32_t>(*number))};
      logs.push_back({{named->topic, id}, path + "/" + partition});
    }
  }
  std::ranges::sort(logs, {},
                    [](const LogPlace& log) { return std::pair(log.name.topic, log.name.id); });
  return logs;
}

}  // namespace xylem::storage
