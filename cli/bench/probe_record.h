// The record that a latency is measured with.
//
//   run u64 | sequence u64 | intended send time i64, us | CRC-32C u32 of the rest | half random
//   bytes
#pragma once

#include "common/bytes.h"
#include "common/random.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace xylem::cli {

struct Probe {
  std::uint64_t run = 0;
  std::int64_t sequence = 0;
  std::int64_t intended_us = 0;  // monotonic
};

inline constexpr std::size_t kProbeBytesMin = 28;

[[nodiscard]] std::string make_probe(const Probe& probe, std::size_t bytes, Random& random);

// kCorrupt: not one of these, or changed on its way.
Result<Probe> read_probe(Bytes value);

}  // namespace xylem::cli
