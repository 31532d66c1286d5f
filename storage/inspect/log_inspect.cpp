#include "storage/inspect/log_inspect.h"

#include "common/batch/crc32c.h"
#include "storage/compaction/compaction_file.h"
#include "storage/digest/sha256.h"
#include "storage/disk.h"
#include "storage/log_paths.h"
#include "storage/recovery.h"
#include "storage/segment/segment_scan.h"
#include "storage/synced_file.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace xylem::storage {
namespace {

class LogWalk {
 public:
  LogWalk(Disk& disk, std::string directory, std::vector<LogFault>& faults)
      : disk_(disk), directory_(std::move(directory)), faults_(faults) {}

  Result<LogDigest> run(const LogName& name) {
    auto known = read_synced(disk_, directory_ + "/synced");
    if (!known) return pass(known);
    bound_ = known->bound;
    auto names = disk_.list(directory_);
    if (!names) return pass(names);
    std::vector<Offset> bases;
    for (const auto& file : *names) {
      if (const auto base = parse_segment_file(file)) bases.push_back(*base);
      if (file.ends_with(kQuarantinedSuffix))
        faults_.push_back({directory_ + "/" + file, 0, "was set aside: it holds corrupt bytes"});
    }
    if (auto skipped = skip_replaced(bases); !skipped) return pass(skipped);
    for (const auto base : bases) {
      auto walked = segment(base, base == bases.back());
      if (!walked) return pass(walked);
    }
    const auto start = bases.empty() ? bound_.start : std::max(bound_.start, bases.front());
    LogDigest digest{name, start, std::max(start, state_.next), batches_, sha256_.finish()};
    if (batches_ > 0) digest.first = first_;
    return digest;
  }

 private:
  // A compaction that was cut off, or is at work just now: these are in another segment already.
  Status skip_replaced(std::vector<Offset>& bases) {
    auto state = CompactionFile(disk_, directory_ + "/compaction").load();
    if (!state && state.error().code() == Errc::kCorrupt) {
      faults_.push_back({directory_ + "/compaction", 0, state.error().what()});
      return {};
    }
    if (!state) return pass(state);
    if (!*state || !(*state)->swap) return {};
    const auto swap = *(*state)->swap;
    const auto log = Segment(disk_, directory_, swap.base).path(kLogSuffix);
    auto unfinished = disk_.exists(log + std::string(kCompactingSuffix));
    if (!unfinished) return pass(unfinished);
    if (*unfinished) return {};
    std::erase_if(bases, [&](Offset base) { return base > swap.base && base < swap.end; });
    return {};
  }

  Status segment(Offset base, bool last) {
    const Segment names(disk_, directory_, base);
    const auto path = names.path(kLogSuffix);
    auto file = disk_.open(path, Disk::Open::kRead);
    if (!file && file.error().code() == Errc::kNotFound) return {};  // retention was quicker
    if (!file) return pass(file);
    state_ = {base, 0, std::max(base, state_.next), state_.epoch};
    auto end = scan_segment(**file, state_, [this](Bytes, const BatchPlace& place) {
      add(place);
      return Status();
    });
    if (!end) return pass(end);
    state_ = end->state;
    const bool may_be_torn = last && state_.next >= bound_.synced;
    if (!end->clean && !may_be_torn) faults_.push_back({path, state_.position, end->what});
    if (end->clean && last && state_.next < bound_.synced)
      faults_.push_back({path, state_.position, "ends below what was synced"});
    return check_chunks(**file, names);
  }

  void add(const BatchPlace& place) {
    if (place.next <= bound_.start) return;
    if (batches_++ == 0) first_ = place.base;
    Buffer entry;
    append_be(place.base.value(), entry);
    append_be((place.next + -1).value(), entry);
    append_be(place.epoch.value(), entry);
    append_be(place.crc, entry);
    sha256_.add(entry);
  }

  // The index file covers what a batch's own CRC leaves out.
  Status check_chunks(const File& log, const Segment& names) {
    auto size = log.size();
    if (!size) return pass(size);
    auto stored = stored_facts(disk_, names, *size);
    if (!stored) return pass(stored);
    const auto& facts = *stored;
    if (!facts) return {};
    Buffer chunk(kChunkBytes);
    for (std::size_t i = 0; i < facts->chunk_crcs.size(); ++i) {
      const auto at = static_cast<std::int64_t>(i * kChunkBytes);
      const auto bytes = std::min<std::int64_t>(kChunkBytes, facts->bytes - at);
      auto got = log.read_at(at, MutableBytes(chunk).first(static_cast<std::size_t>(bytes)));
      if (!got) return pass(got);
      if (crc32c(Bytes(chunk).first(*got)) != facts->chunk_crcs[i])
        faults_.push_back({names.path(kLogSuffix), at, "chunk checksum"});
    }
    return {};
  }

  Disk& disk_;
  std::string directory_;
  std::vector<LogFault>& faults_;
  SyncedBound bound_;
  ScanState state_;
  Offset first_;
  std::uint64_t batches_ = 0;
  Sha256 sha256_;
};

}  // namespace

Result<LogInspection> inspect_logs(Disk& disk,
                                   const std::string& data_dir,
                                   std::string_view topic) {
  LogInspection found;
  auto topics = disk.list(data_dir + "/logs");
  if (!topics) return pass(topics);
  for (const auto& directory : *topics) {
    const auto named = parse_topic_directory(directory);
    if (!named || (!topic.empty() && named->topic != topic)) continue;
    auto partitions = disk.list(data_dir + "/logs/" + directory);
    if (!partitions) return pass(partitions);
    for (const auto& partition : *partitions) {
      const auto number = parse_number(partition);
      if (!number || *number > std::numeric_limits<std::int32_t>::max()) continue;
      const LogId id{named->incarnation, PartitionId(static_cast<std::int32_t>(*number))};
      auto digest = LogWalk(disk, data_dir + "/logs/" + directory + "/" + partition, found.faults)
                        .run({named->topic, id});
      if (!digest) return pass(digest);
      found.logs.push_back(std::move(*digest));
    }
  }
  std::ranges::sort(found.logs, {},
                    [](const LogDigest& log) { return std::pair(log.name.topic, log.name.id); });
  return found;
}

}  // namespace xylem::storage
