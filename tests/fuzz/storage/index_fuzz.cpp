// The decoders of the small files beside a segment on any bytes: no crash, and what they accept
// leads every lookup into the segment it belongs to.
#include "common/check.h"
#include "storage/segment/index_file.h"
#include "storage/synced_file.h"

#include <cstdint>
#include <utility>

namespace xylem::storage {
namespace {

void decode(Bytes bytes) {
  (void)index_facts_bytes(bytes);
  if (const auto index = decode_index(bytes)) {
    const auto facts = decode_index_facts(bytes);
    XYLEM_CHECK(facts.has_value());
    for (const auto offset : {facts->base, facts->end, Offset(0)})
      XYLEM_CHECK(std::cmp_less_equal((*index)->position_below(offset), facts->bytes));
    XYLEM_CHECK(encode_index(*facts, **index) == Buffer(bytes.begin(), bytes.end()));
  }
  if (const auto times = decode_time_index(bytes, Offset(0))) {
    (void)(*times)->position_for(1'000);
    XYLEM_CHECK(encode_time_index(Offset(0), **times) == Buffer(bytes.begin(), bytes.end()));
  }
  const auto slot = decode_synced(bytes);
  XYLEM_CHECK(slot.bound.synced >= Offset(0) && slot.bound.start >= Offset(0));
}

}  // namespace
}  // namespace xylem::storage

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  xylem::storage::decode({reinterpret_cast<const std::byte*>(data), size});
  return 0;
}
