// Batches as a broker would deliver them.
#pragma once

#include "common/batch/batch_builder.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "consumer-app/view_store.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::consumer_app {

inline const Incarnation kFirst{Uuid::from_words(7, 1), 0};
inline const Incarnation kSecond{Uuid::from_words(7, 2), 0};

struct KeyValue {
  std::optional<std::string> key;
  std::optional<std::string> value;
};

// One batch whose first record has offset `base`.
inline Buffer make_batch(std::int64_t base, const std::vector<KeyValue>& records) {
  BatchBuilder builder;
  std::int64_t offset = base;
  for (const auto& [key, value] : records)
    REQUIRE(
        builder.add({.key = key, .value = value, .headers = {}, .timestamp_ms = 1'000 + offset++}));
  auto batch = builder.build();
  REQUIRE(batch);
  assign(*batch, Offset(base), Epoch(3));
  return std::move(*batch);
}

inline ApplyBatches apply_of(std::int64_t base,
                             const std::vector<KeyValue>& records,
                             Copy copy = Copy::kCurrent,
                             const Incarnation& incarnation = kFirst) {
  return {.topic = "t",
          .partition = PartitionId(0),
          .incarnation = incarnation,
          .copy = copy,
          .batches = Slice::own(make_batch(base, records))};
}

}  // namespace xylem::consumer_app
