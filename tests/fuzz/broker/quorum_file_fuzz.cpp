// A quorum's file of any bytes: what is read lies in whole frames, and a file cut there reads the
// same.
#include "broker/cluster/quorum/quorum_store.h"
#include "common/check.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const xylem::Bytes file(reinterpret_cast<const std::byte*>(data), size);
  const auto found = xylem::broker::decode_quorum_file(file);
  if (!found) return 0;
  XYLEM_CHECK(found->end > 0 && found->end <= size);
  XYLEM_CHECK(found->content.next_index() >= found->content.start_index);
  const auto again = xylem::broker::decode_quorum_file(file.first(found->end));
  XYLEM_CHECK(again && again->content == found->content);
  return 0;
}
