// Starting: after an unclean stop, and with many segments.
#include "cli/bench/storage/limit_file.h"
#include "cli/bench/storage/stopwatch.h"
#include "cli/bench/storage/storage_line.h"
#include "cli/bench/storage/storage_world.h"
#include "common/batch/crc32c.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sys/wait.h>
#include <unistd.h>

namespace xylem::cli {
namespace {

constexpr std::size_t kRecordBytes = 1024;
constexpr std::size_t kBatchBytes = 64UL * 1024;
constexpr std::size_t kOneSegment = std::size_t{1} << 31U;
constexpr std::int64_t kSegmentsMax = 2'000;
constexpr std::size_t kPieceBytes = 1024UL * 1024;
constexpr std::size_t kIndexHeadBytes = 60;

using Paths = std::vector<std::string>;

// A process of its own appends and kills itself. No other thread runs here meanwhile.
Status append_and_die(const std::string& data, const BatchSet& set, std::int64_t batches) {
  const auto child = fork();
  if (child < 0) return system_failure("fork");
  if (child == 0) {
    auto world = StorageWorld::open(data);
    if (!world) std::_Exit(EXIT_FAILURE);
    auto log = (*world)->log({.flush = storage::Flush::kNever, .segment_bytes_max = kOneSegment});
    if (!log || !append_all(**world, **log, set, batches)) std::_Exit(EXIT_FAILURE);
    (void)raise(SIGKILL);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return system_failure("wait");
  if (!WIFSIGNALED(status)) return fail(Errc::kIo, "the log to recover was not written");
  return {};
}

Result<StorageRun> open_ours(const std::string& data, std::size_t segment_bytes) {
  auto world = StorageWorld::open(data);
  if (!world) return pass(world);
  const Stopwatch watch;
  auto log = (*world)->log({.flush = storage::Flush::kNever, .segment_bytes_max = segment_bytes});
  if (!log) return pass(log);
  auto run = watch.run();
  run.records = (*log)->end_offset() - (*log)->start_offset();
  run.bytes = (*log)->bytes();
  return run;
}

Paths files_below(const std::string& directory, const std::string& suffix) {
  Paths found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory))
    if (entry.path().extension() == suffix) found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}

// The first `bytes` of each file, which hold `records` in all, are read, and their CRC is made.
Result<StorageRun> read_files(const Paths& paths, std::int64_t bytes, std::int64_t records) {
  Buffer piece(kPieceBytes);
  StorageRun counts;
  std::uint32_t crc = 0;
  const Stopwatch watch;
  for (const auto& path : paths) {
    auto file = LimitFile::open(path);
    if (!file) return pass(file);
    const auto end = std::min(bytes, file->bytes());
    for (std::int64_t at = 0; at < end;) {
      const auto room = std::min<std::int64_t>(end - at, kPieceBytes);
      auto got = file->read(at, MutableBytes(piece).first(static_cast<std::size_t>(room)));
      if (!got) return pass(got);
      if (*got == 0) return fail(Errc::kIo, path + " is too short");
      crc = crc32c(Bytes(piece).first(*got), crc);
      at += static_cast<std::int64_t>(*got);
    }
    counts.bytes += end;
  }
  auto run = watch.run();
  run.records = crc == 0 ? 0 : records;  // it is used
  run.bytes = counts.bytes;
  return run;
}

// Each start is after another unclean stop: the one before it ends cleanly.
Status measure_unclean(const StorageBench& bench, const BatchSet& set, StorageLine& line) {
  const auto data = bench.directory + "/unclean";
  const auto batches = set.batches_in(bench.load.bytes);
  const auto bytes = batches * static_cast<std::int64_t>(set.batch_bytes());
  const auto records = batches * set.records();
  const StorageRivals rivals{
      [&]() -> Result<StorageRun> {
        std::filesystem::remove_all(data);
        if (auto left = append_and_die(data, set, batches); !left) return pass(left);
        if (auto warm = read_files(files_below(data, ".log"), bytes, records); !warm) return warm;
        auto run = open_ours(data, kOneSegment);
        if (run && run->bytes != bytes) return fail(Errc::kCorrupt, "not all was recovered");
        return run;
      },
      {{line.name, [&] { return read_files(files_below(data, ".log"), bytes, records); }}}};
  if (auto done = measure_line(bench.load.pairs, rivals, line); !done) return done;
  std::filesystem::remove_all(data);
  return {};
}

Status measure_many(const StorageBench& bench, const BatchSet& set, StorageLine& line) {
  const auto data = bench.directory + "/many";
  const auto segments = std::clamp<std::int64_t>(set.batches_in(bench.load.bytes), 2, kSegmentsMax);
  {
    auto world = StorageWorld::open(data);
    if (!world) return pass(world);
    auto log = (*world)->log({.flush = storage::Flush::kNever, .segment_bytes_max = 1});
    if (!log) return pass(log);
    if (auto written = append_all(**world, **log, set, segments); !written) return written;
    if (auto closed = (*world)->close(); !closed) return closed;
  }
  const auto indexes = files_below(data, ".index");
  const StorageRivals rivals{[&] { return open_ours(data, 1); },
                             {{line.name, [&] {
                                 return read_files(indexes,
                                                   static_cast<std::int64_t>(kIndexHeadBytes),
                                                   segments * set.records());
                               }}}};
  if (auto done = measure_line(bench.load.pairs, rivals, line); !done) return done;
  std::filesystem::remove_all(data);
  return {};
}

}  // namespace

StorageLines measure_recovery(const StorageBench& bench) {
  const auto& load = bench.load;
  const BatchSet set(load.record_bytes > 0 ? load.record_bytes : kRecordBytes,
                     load.batch_bytes > 0 ? load.batch_bytes : kBatchBytes);
  std::vector<StorageLine> lines(2);
  lines[0] = {.name = "recovery",
              .what = "open after kill -9, one active segment",
              .target = "1 GiB <= 1 s",
              .compare = Compare::kSeconds};
  lines[1] = {.name = "open_sealed",
              .what = "open, many sealed segments",
              .target = "2,000 <= 0.3 s",
              .compare = Compare::kSeconds};
  if (auto done = measure_unclean(bench, set, lines[0]); !done) return pass(done);
  if (auto done = measure_many(bench, set, lines[1]); !done) return pass(done);
  return lines;
}

}  // namespace xylem::cli
