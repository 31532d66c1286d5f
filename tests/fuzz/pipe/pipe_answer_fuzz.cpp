// decode_answer on any bytes: no crash, and its batches are exactly what followed the head.
#include "common/check.h"
#include "pipe/messages.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = xylem::Slice::copy({reinterpret_cast<const std::byte*>(data), size});
  const auto answer = xylem::pipe::decode_answer(bytes);
  if (!answer) return 0;
  std::size_t batch_bytes = 0;
  for (const auto& partition : answer->partitions) {
    for (const auto& slice : partition.batches) batch_bytes += slice.bytes.size();
  }
  XYLEM_CHECK(batch_bytes < size);
  xylem::Buffer encoded;
  for (const auto& slice : xylem::pipe::encode(*answer)) xylem::append(slice.bytes, encoded);
  const auto again = xylem::pipe::decode_answer(xylem::Slice::own(encoded));
  XYLEM_CHECK(again.has_value() && again->partitions.size() == answer->partitions.size());
  return 0;
}
