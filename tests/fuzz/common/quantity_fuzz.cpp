// No text crashes a parser, and only negative numbers without a unit are negative.
#include "common/check.h"
#include "common/quantity.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto number = xylem::parse_number(text);
  for (const auto& parsed : {xylem::parse_bytes(text), xylem::parse_duration_ms(text)}) {
    XYLEM_CHECK(!parsed || *parsed >= 0 || (number && *number == *parsed));
  }
  return 0;
}
