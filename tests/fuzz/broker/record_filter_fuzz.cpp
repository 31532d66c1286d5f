// A filter and the value that it looks into, both from any bytes: the first line is the filter.
#include "broker/delivery/record_filter.h"
#include "common/bytes.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto end = std::min(input.find('\n'), input.size());
  const auto filter = xylem::broker::RecordFilter::parse(input.substr(0, end));
  if (!filter) return 0;
  const auto rest = xylem::bytes_of(input.substr(std::min(end + 1, input.size())));
  xylem::RecordView record;
  record.key = rest.first(rest.size() / 2);
  record.value = rest;
  record.headers = {{.key = "h", .value = rest}};
  (void)filter->matches(record);
  return 0;
}
