// Finding offsets anywhere in a log that is larger than any cache of ours.
#include "cli/bench/histogram.h"
#include "cli/bench/storage/limit_file.h"
#include "cli/bench/storage/stopwatch.h"
#include "cli/bench/storage/storage_line.h"
#include "cli/bench/storage/storage_world.h"
#include "common/random.h"

#include <algorithm>
#include <filesystem>
#include <limits>

namespace xylem::cli {
namespace {

constexpr std::size_t kRecordBytes = 1024;
constexpr std::size_t kBatchBytes = 16UL * 1024;
constexpr std::size_t kSegmentBytes = 1024UL * 1024 * 1024;
constexpr std::size_t kPageBytes = 4096;
constexpr std::uint64_t kSeed = 5;
constexpr Offset kAll{std::numeric_limits<std::int64_t>::max()};

// Calls `find` with a random number again and again, for `seconds`.
template <class Find>
Result<StorageRun> look_up(std::int64_t seconds, const Find& find) {
  Random random(kSeed);
  Histogram took_ns;
  const Stopwatch watch(Stopwatch::Cpu::kThread);
  do {
    const auto number = random.next();
    const auto before = now_ns();
    if (Status found = find(number); !found) return pass(found);
    took_ns.add(now_ns() - before);
  } while (watch.seconds() < static_cast<double>(seconds));
  auto run = watch.run();
  run.records = took_ns.count();
  run.p50_us = static_cast<double>(took_ns.at(0.5)) / 1'000;
  run.p99_us = static_cast<double>(took_ns.at(0.99)) / 1'000;
  return run;
}

Result<StorageRun> look_up_ours(const storage::PartitionLog& log, std::int64_t seconds) {
  const auto start = log.start_offset();
  const auto records = static_cast<std::uint64_t>(log.written_end() - start);
  return look_up(seconds, [&](std::uint64_t number) -> Status {
    auto read = log.read(start + static_cast<std::int64_t>(number % records), 1, kAll);
    if (!read) return pass(read);
    if (read->bytes == 0) return fail(Errc::kCorrupt, "an offset is missing");
    return {};
  });
}

// One page of one file, chosen by nothing: no offset is looked for.
Result<StorageRun> look_up_limit(const storage::PartitionLog& log, std::int64_t seconds) {
  std::vector<LimitFile> files;
  for (const auto& segment : log.segments()) {
    auto file = LimitFile::open(segment.path);
    if (!file) return pass(file);
    files.push_back(std::move(*file));
  }
  Buffer page(kPageBytes);
  return look_up(seconds, [&](std::uint64_t number) -> Status {
    const auto& file = files[number % files.size()];
    const auto pages =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(file.bytes()) / kPageBytes);
    auto got = file.read(static_cast<std::int64_t>((number >> 8U) % pages * kPageBytes), page);
    if (!got) return pass(got);
    return {};
  });
}

Status read_through(const storage::PartitionLog& log) {
  for (auto cursor = log.start_offset(); cursor < log.written_end();) {
    auto read = log.read(cursor, kSegmentBytes, kAll);
    if (!read) return pass(read);
    if (read->bytes == 0) return fail(Errc::kCorrupt, "the log ends too early");
    cursor = read->next;
  }
  return {};
}

}  // namespace

StorageLines measure_lookup(const StorageBench& bench) {
  const auto& load = bench.load;
  const BatchSet set(load.record_bytes > 0 ? load.record_bytes : kRecordBytes,
                     load.batch_bytes > 0 ? load.batch_bytes : kBatchBytes);
  const auto data = bench.directory + "/lookup";
  const storage::LogOptions options{.flush = storage::Flush::kNever,
                                    .segment_bytes_max = kSegmentBytes};
  const auto open = [&](auto& world, auto& log) -> Status {
    world = StorageWorld::open(data);
    if (!world) return pass(world);
    log = (*world)->log(options);
    if (!log) return pass(log);
    return {};
  };
  std::vector<StorageLine> lines;
  lines.push_back({.name = "lookup",
                   .what = "random lookup",
                   .target = "p99 <= 20 us",
                   .compare = Compare::kP99});
  {
    Result<std::unique_ptr<StorageWorld>> world(nullptr);
    Result<std::shared_ptr<storage::PartitionLog>> log(nullptr);
    if (auto opened = open(world, log); !opened) return pass(opened);
    auto written = append_all(**world, **log, set, set.batches_in(load.bytes));
    if (!written) return pass(written);
    if (auto closed = (*world)->close(); !closed) return pass(closed);
    log->reset();
    world->reset();
    if (auto opened = open(world, log); !opened) return pass(opened);
    if (auto warm = read_through(**log); !warm) return pass(warm);  // also proves every MiB
    const StorageRivals rivals{[&] { return look_up_ours(**log, load.seconds); },
                               {{"lookup", [&] { return look_up_limit(**log, load.seconds); }}}};
    if (auto done = measure_line(load.pairs, rivals, lines[0]); !done) return pass(done);
  }
  std::filesystem::remove_all(data);
  return lines;
}

}  // namespace xylem::cli
