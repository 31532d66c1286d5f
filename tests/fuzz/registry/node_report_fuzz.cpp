// decode_node_report on any bytes: no crash, and what it accepts is within the limits.
#include "common/check.h"
#include "registry/node_report.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const xylem::Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto report = xylem::registry::decode_node_report(bytes);
  if (!report) return 0;
  XYLEM_CHECK(!report->instance.empty());
  XYLEM_CHECK(report->topics.size() <= xylem::registry::kReportTopicsMax);
  XYLEM_CHECK(report->refreshes.size() <= xylem::registry::kReportRefreshesMax);
  for (const auto& refresh : report->refreshes)
    XYLEM_CHECK(refresh.failure.size() <= xylem::registry::kRefreshFailureMax);
  XYLEM_CHECK(report->topology_version >= 0);
  XYLEM_CHECK(report->topology_version <= xylem::registry::kTopologyVersionMax);
  XYLEM_CHECK(report->age_ms >= xylem::registry::kUnknownAge);
  for (const auto& topic : report->topics) XYLEM_CHECK(topic.end.value() >= 0);
  return 0;
}
