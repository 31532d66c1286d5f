// Appending without syncs: what a record costs on its way into the page cache.
#include "cli/bench/storage/limit_file.h"
#include "cli/bench/storage/stopwatch.h"
#include "cli/bench/storage/storage_line.h"
#include "cli/bench/storage/storage_world.h"
#include "common/batch/batch.h"

#include <algorithm>
#include <filesystem>

namespace xylem::cli {
namespace {

constexpr std::int64_t kOneSegment = std::int64_t{1} << 31;  // bytes; nothing is sealed below it
constexpr std::int64_t kGathered = 1024L * 1024;             // bytes of the limit's writes

// One run's work; the same for both.
struct AppendWork {
  const BatchSet& set;
  std::int64_t batches;
  std::int64_t segment_bytes;
  const std::string& directory;

  [[nodiscard]] StorageRun done(const Stopwatch& watch) const {
    auto run = watch.run();
    run.records = batches * set.records();
    run.bytes = batches * static_cast<std::int64_t>(set.batch_bytes());
    return run;
  }
};

Result<StorageRun> append_ours(const AppendWork& work) {
  const auto data = work.directory + "/append";
  auto world = StorageWorld::open(data);
  if (!world) return pass(world);
  auto log = (*world)->log({.flush = storage::Flush::kNever,
                            .segment_bytes_max = static_cast<std::size_t>(work.segment_bytes)});
  if (!log) return pass(log);
  const Stopwatch watch;
  auto appended = append_all(**world, **log, work.set, work.batches);
  auto run = work.done(watch);
  run.syncs = (*world)->syncs();
  if (auto closed = (*world)->close(); appended && !closed) appended = closed;
  std::filesystem::remove_all(data);
  if (!appended) return pass(appended);
  return run;
}

// Checks each batch's CRC once and writes what was gathered, into a file whose blocks are there;
// where ours begins a new segment, it syncs the old file and goes on in a new one.
Result<StorageRun> append_limit(const AppendWork& work) {
  const auto batch_bytes = static_cast<std::int64_t>(work.set.batch_bytes());
  const auto in_file = std::max<std::int64_t>(1, work.segment_bytes / batch_bytes);
  std::vector<LimitFile> files;
  for (std::int64_t left = work.batches; left > 0; left -= in_file) {
    const auto path = work.directory + "/limit-" + std::to_string(files.size());
    auto file = LimitFile::create(path, std::min(left, in_file) * batch_bytes,
                                  LimitFile::Blocks::kAllocated);
    if (!file) return pass(file);
    std::filesystem::remove(path);  // its name; the file goes with its descriptor
    files.push_back(std::move(*file));
  }
  const auto gathered = std::max<std::int64_t>(1, kGathered / batch_bytes);
  std::vector<Bytes> pieces;
  std::int64_t syncs = 0;
  const Stopwatch watch;
  for (std::int64_t at = 0; at < work.batches;) {
    const auto in = at % in_file;
    auto& file = files[static_cast<std::size_t>(at / in_file)];
    const auto end = at + std::min({gathered, in_file - in, work.batches - at});
    pieces.clear();
    for (; at < end; ++at) {
      if (auto good = check_batch(work.set.batch(at)); !good) return pass(good);
      pieces.push_back(work.set.batch(at));
    }
    if (auto wrote = file.write(in * batch_bytes, pieces); !wrote) return pass(wrote);
    if (at % in_file != 0) continue;
    if (auto synced = file.sync(); !synced) return pass(synced);
    ++syncs;
  }
  auto run = work.done(watch);
  run.syncs = syncs;
  return run;
}

struct AppendShape {
  std::string name;
  std::string what;
  std::string target;
  std::size_t record_bytes;
  std::size_t batch_bytes;
  std::int64_t segment_bytes;
};

std::vector<AppendShape> shapes_of(const StorageLoad& load) {
  const auto rolled = static_cast<std::int64_t>(storage::LogOptions().segment_bytes_max);
  if (load.record_bytes > 0 || load.batch_bytes > 0) {
    return {{"append", "append", "", std::max<std::size_t>(load.record_bytes, 1),
             std::max<std::size_t>(load.batch_bytes, 1), kOneSegment}};
  }
  return {{"append_1k", "append, 1 KiB in 64 KiB", ">= 0.7", 1024, 64UL * 1024, kOneSegment},
          {"append_100", "append, 100 B in 16 KiB", ">= 0.7", 100, 16UL * 1024, kOneSegment},
          {"append_rolling", "append, 1 KiB, segments of 64 MiB", "", 1024, 64UL * 1024, rolled}};
}

}  // namespace

StorageLines measure_append(const StorageBench& bench) {
  std::vector<StorageLine> lines;
  for (const auto& shape : shapes_of(bench.load)) {
    const BatchSet set(shape.record_bytes, shape.batch_bytes);
    const AppendWork work{set, set.batches_in(bench.load.bytes), shape.segment_bytes,
                          bench.directory};
    lines.push_back({.name = shape.name, .what = shape.what, .target = shape.target});
    const StorageRivals rivals{[&] { return append_ours(work); },
                               {{shape.name, [&] { return append_limit(work); }}}};
    if (auto done = measure_line(bench.load.pairs, rivals, lines.back()); !done) return pass(done);
  }
  return lines;
}

}  // namespace xylem::cli
