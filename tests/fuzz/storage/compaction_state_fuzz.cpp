// The file `compaction` of a log: any bytes are refused or a state that is encoded to the same.
#include "common/check.h"
#include "storage/compaction/compaction_file.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace storage = xylem::storage;
  const auto decoded = storage::decode_compaction({reinterpret_cast<const std::byte*>(data), size});
  if (!decoded) return 0;
  const auto again = storage::decode_compaction(storage::encode_compaction(*decoded));
  XYLEM_CHECK(again.has_value());
  XYLEM_CHECK(again->state == decoded->state && again->sequence == decoded->sequence);
  return 0;
}
