// Messages of the native protocol, made once; only the numbers in them are put in each time.
#pragma once

#include "common/bytes.h"
#include "network/protocol/messages.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace xylem::bench {

// The one incarnation that everything here has.
[[nodiscard]] Incarnation only_incarnation();

class CannedAck {
 public:
  CannedAck();
  [[nodiscard]] Bytes with(std::int64_t base_offset, std::int64_t next_offset);

 private:
  Buffer message_;
  std::size_t base_at_;
  std::size_t next_at_;
};

class CannedDataHeader {
 public:
  explicit CannedDataHeader(const std::string& topic);
  [[nodiscard]] Bytes with(std::int64_t first_offset, std::uint32_t batches, std::int64_t end);

 private:
  Buffer message_;
  std::size_t first_at_;
  std::size_t batches_at_;
  std::size_t end_at_;
};

}  // namespace xylem::bench
