// What the micro-benchmarks work on: batches of about 16 KiB, half of each value random.
#pragma once

#include "common/bytes.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace xylem::bench {

[[nodiscard]] Buffer random_bytes(std::size_t bytes);
[[nodiscard]] std::string half_random_text(std::size_t bytes);

[[nodiscard]] constexpr std::int64_t records_in_16_kib(std::int64_t record_bytes) {
  return 16 * 1024 / record_bytes;
}

[[nodiscard]] Buffer batch_of(std::int64_t record_bytes);

}  // namespace xylem::bench
