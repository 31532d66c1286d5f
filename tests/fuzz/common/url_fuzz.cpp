// Whatever decodes is the same after another round; an address always has a host and a port.
#include "common/check.h"
#include "common/url.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto decoded = xylem::percent_decode(text);
  XYLEM_CHECK(!decoded || xylem::percent_decode(xylem::percent_encode(*decoded)) == *decoded);
  const bool has_nul = text.contains('\0');
  XYLEM_CHECK(has_nul || xylem::percent_decode(xylem::percent_encode(text)) == text);
  const auto address = xylem::parse_base_url(text);
  XYLEM_CHECK(!address || (!address->host.empty() && address->port != 0));
  return 0;
}
