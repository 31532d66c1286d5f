// What tests of logs share: batches to append, and an engine on a loop that the test turns.
#pragma once

#include "common/batch/batch_builder.h"
#include "common/clock.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "storage/disk.h"
#include "storage/partition_log.h"
#include "storage/storage_engine.h"
#include "tests/support/run_until.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <limits>
#include <memory>
#include <string>

namespace xylem::storage::testing {

inline constexpr Offset kAll{std::numeric_limits<std::int64_t>::max()};

// `count` records of about `value_bytes`; base offset 0.
inline Buffer batch_of(int count, std::size_t value_bytes = 20, std::int64_t timestamp_ms = 1'000) {
  BatchBuilder builder;
  for (int i = 0; i < count; ++i) {
    Record record;
    record.key = "k" + std::to_string(i);
    record.value = std::string(value_bytes, static_cast<char>('a' + i % 26));
    record.timestamp_ms = timestamp_ms;
    REQUIRE(builder.add(record));
  }
  auto built = builder.build();
  REQUIRE(built);
  return *built;
}

inline Buffer placed(Buffer batch, Offset base, Epoch epoch) {
  assign(batch, base, epoch);
  return batch;
}

inline Buffer bytes_in(const ReadResult& read) {
  Buffer all;
  for (const auto& slice : read.slices) append(slice.bytes, all);
  return all;
}

// Where syncs cost nothing, if there is such a place: most tests are not about the disk's speed.
inline std::filesystem::path fast_directory() {
  const std::filesystem::path memory = "/dev/shm";
  return std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
}

inline LogName log_name(std::int32_t partition = 0) {
  return {"prices", {{Uuid::from_words(7, 9), 0}, PartitionId(partition)}};
}

// One node's storage: what main would wire.
struct Node {
  Node(std::string engine_type, std::string data_dir, Disk* other_disk = nullptr)
      : type(std::move(engine_type)),
        directory(std::move(data_dir)),
        disk(other_disk == nullptr ? posix : *other_disk) {}

  ~Node() { engine.reset(); }

  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  Result<std::shared_ptr<PartitionLog>> try_open(const LogOptions& options) {
    if (engine == nullptr) {
      auto opened =
          open_storage(type, directory, {loop, disk, clock, Logger::none(), metrics, compaction});
      if (!opened) return pass(opened);
      engine = std::move(*opened);
    }
    return engine->open(log_name(), options);
  }

  std::shared_ptr<PartitionLog> open(const LogOptions& options = {}) {
    auto log = try_open(options);
    if (!log) FAIL(log.error().what());
    return *log;
  }

  void stop() { engine.reset(); }

  // All that was appended is written, and synced where the policy syncs.
  void settle(const PartitionLog& log) {
    REQUIRE(xylem::testing::run_until(loop, [&] {
      const auto health = log.health();
      const bool stuck = !health && health.error().code() != Errc::kCorrupt;
      return stuck || log.durable_end() >= log.end_offset();
    }));
  }

  [[nodiscard]] double metric(const std::string& name) const {
    const auto text = metrics.text();
    const auto at = text.find("\n" + name + " ");
    REQUIRE(at != std::string::npos);
    return std::stod(text.substr(at + name.size() + 2));
  }

  std::string type;
  std::string directory;
  PosixDisk posix;
  Disk& disk;
  Loop loop;
  ManualClock clock;
  Metrics metrics;
  CompactionLimits compaction{.bytes_per_s = 0};
  std::unique_ptr<StorageEngine> engine;
};

}  // namespace xylem::storage::testing
