// A stream's position from any text: what is read is written back the same.
#include "broker/admin/stream_position.h"
#include "common/check.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const xylem::Incarnation history{xylem::Uuid::from_words(0x3f1c9a0b7e52d418, 7), 2};
  const auto places = xylem::broker::position_places(text, history);
  if (!places) return 0;
  XYLEM_CHECK(places->size() <= xylem::broker::kStreamPartitionsMax);
  XYLEM_CHECK(xylem::broker::position_text(history, *places) == text);
  return 0;
}
