// Reading from the beginning to the end, into a socket: sealed segments, and the active one.
#include "cli/bench/storage/limit_file.h"
#include "cli/bench/storage/loopback.h"
#include "cli/bench/storage/stopwatch.h"
#include "cli/bench/storage/storage_line.h"
#include "cli/bench/storage/storage_world.h"

#include <algorithm>
#include <filesystem>
#include <limits>

namespace xylem::cli {
namespace {

constexpr std::size_t kRecordBytes = 1024;
constexpr std::size_t kBatchBytes = 64UL * 1024;
constexpr std::int64_t kAtOnce = 1024L * 1024;  // bytes: what a delivery asks for
constexpr Offset kAll{std::numeric_limits<std::int64_t>::max()};

Result<StorageRun> read_ours(const storage::PartitionLog& log) {
  auto socket = Loopback::connect();
  if (!socket) return pass(socket);
  const auto begin = log.start_offset();
  const auto end = log.written_end();
  std::int64_t bytes = 0;
  const Stopwatch watch(Stopwatch::Cpu::kThread);
  for (auto cursor = begin; cursor < end;) {
    auto read = log.read(cursor, static_cast<std::size_t>(kAtOnce), kAll);
    if (!read) return pass(read);
    if (read->bytes == 0) return fail(Errc::kCorrupt, "the log ends too early");
    if (auto sent = socket->send(read->slices); !sent) return pass(sent);
    bytes += static_cast<std::int64_t>(read->bytes);
    cursor = read->next;
  }
  auto run = watch.run();
  run.records = end - begin;
  run.bytes = bytes;
  return run;
}

enum class Sending : std::uint8_t { kWritev, kSendfile };

// Sends the log's own files, opened and mapped beforehand.
Result<StorageRun> read_limit(const storage::PartitionLog& log, Sending how) {
  auto socket = Loopback::connect();
  if (!socket) return pass(socket);
  storage::PosixDisk disk;

  struct Source {
    std::unique_ptr<storage::File> file;
    Slice mapped;
  };

  std::vector<Source> sources;
  for (const auto& segment : log.segments()) {
    auto file = disk.open(segment.path, storage::Disk::Open::kRead);
    if (!file) return pass(file);
    auto mapped = (*file)->map(segment.bytes);
    if (!mapped) return pass(mapped);
    sources.push_back({std::move(*file), std::move(*mapped)});
  }
  StorageRun counts{.records = log.written_end() - log.start_offset()};
  const Stopwatch watch(Stopwatch::Cpu::kThread);
  for (const auto& [file, mapped] : sources) {
    const auto size = static_cast<std::int64_t>(mapped.bytes.size());
    for (std::int64_t at = 0; at < size; at += kAtOnce) {
      const auto count = std::min(kAtOnce, size - at);
      const auto slice = mapped.sub(static_cast<std::size_t>(at), static_cast<std::size_t>(count));
      auto sent = how == Sending::kWritev ? socket->send({&slice, 1})
                                          : socket->send_file(file->descriptor(), at, count);
      if (!sent) return pass(sent);
      counts.bytes += count;
    }
  }
  auto run = watch.run();
  run.records = counts.records;
  run.bytes = counts.bytes;
  return run;
}

Status measure(const StorageBench& bench, std::size_t segment_bytes, StorageLine& line) {
  const auto& load = bench.load;
  const BatchSet set(load.record_bytes > 0 ? load.record_bytes : kRecordBytes,
                     load.batch_bytes > 0 ? load.batch_bytes : kBatchBytes);
  const auto data = bench.directory + "/read";
  {
    auto world = StorageWorld::open(data);
    if (!world) return pass(world);
    auto log = (*world)->log({.flush = storage::Flush::kNever, .segment_bytes_max = segment_bytes});
    if (!log) return pass(log);
    auto written = append_all(**world, **log, set, set.batches_in(load.bytes));
    if (!written) return written;
    if (auto warm = read_ours(**log); !warm) return pass(warm);
    const StorageRivals rivals{
        [&] { return read_ours(**log); },
        {{line.name, [&] { return read_limit(**log, Sending::kWritev); }},
         {line.name + "_vs_sendfile", [&] { return read_limit(**log, Sending::kSendfile); }}}};
    if (auto done = measure_line(load.pairs, rivals, line); !done) return done;
  }
  std::filesystem::remove_all(data);
  return {};
}

}  // namespace

StorageLines measure_read(const StorageBench& bench) {
  constexpr auto kOneSegment = std::size_t{1} << 31U;
  std::vector<StorageLine> lines(2);
  lines[0] = {.name = "read_sealed", .what = "read, segments of 64 MiB, to a socket"};
  lines[1] = {.name = "read_active", .what = "read, one active segment, to a socket"};
  const auto sealed = storage::LogOptions().segment_bytes_max;
  if (auto done = measure(bench, sealed, lines[0]); !done) return pass(done);
  if (auto done = measure(bench, kOneSegment, lines[1]); !done) return pass(done);
  return lines;
}

}  // namespace xylem::cli
