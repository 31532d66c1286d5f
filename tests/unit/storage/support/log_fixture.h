// What tests of logs share: batches to append, and a loop that runs until something holds.
#pragma once

#include "common/batch/batch_builder.h"
#include "common/clock.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/timer.h"
#include "storage/partition_log.h"
#include "storage/storage_engine.h"

#include <doctest/doctest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace xylem::storage::testing {

inline constexpr Offset kAll{std::numeric_limits<std::int64_t>::max()};

// `count` records of about `value_bytes`, base offset 0.
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

inline LogName log_name(std::int32_t partition = 0) {
  return {"prices", {{Uuid::from_words(7, 9), 0}, PartitionId(partition)}};
}

// Runs the loop until `holds`, looking again whenever the loop did something; at most 20 seconds.
inline void run_until(Loop& loop, const std::function<bool()>& holds) {
  Timer look(loop);
  int left = 20'000;
  look.start(0, 1, [&] {
    if (holds() || --left == 0) loop.stop();
  });
  loop.run();
  look.stop();
  REQUIRE(holds());
}

struct Node {
  Loop loop;
  ManualClock clock;
  Metrics metrics;
};

}  // namespace xylem::storage::testing
