// What commands about groups ask for, from any text: taken or refused, and within its limits.
#include "broker/groups/group_request.h"
#include "common/check.h"
#include "storage/partition_log.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  (void)xylem::broker::group_in(json);
  if (const auto request = xylem::broker::reset_request_in(json)) {
    XYLEM_CHECK(request->offsets.empty() == request->target.has_value());
    XYLEM_CHECK(request->offsets.size() <= xylem::broker::kResetOffsetsMax);
    for (const auto& [where, offset] : request->offsets) {
      XYLEM_CHECK(where.partition.value() >= 0);
      XYLEM_CHECK(offset >= xylem::Offset(0) && offset <= xylem::storage::kOffsetMax);
    }
  }
  (void)xylem::broker::forget_request_in(json);
  if (const auto request = xylem::broker::offsets_request_in(json))
    XYLEM_CHECK(request->timestamp_ms.value_or(0) >= 0);
  return 0;
}
