// base64 and UTF-8 of any bytes: what is decoded is encoded as it was, what is escaped is UTF-8.
#include "common/check.h"
#include "common/text_encoding.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const xylem::Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto text = xylem::text_of(bytes);
  if (const auto decoded = xylem::base64_decode(text))
    XYLEM_CHECK(xylem::base64_encode(*decoded) == text);
  XYLEM_CHECK(xylem::base64_decode(xylem::base64_encode(bytes)) ==
              xylem::Buffer(bytes.begin(), bytes.end()));
  XYLEM_CHECK(xylem::utf8_length(text) <= size);
  constexpr std::size_t kShownMax = 64;
  std::string shown;
  xylem::append_escaped(text, kShownMax, shown);
  XYLEM_CHECK(shown.size() <= kShownMax);
  XYLEM_CHECK(xylem::is_utf8(shown));
  return 0;
}
