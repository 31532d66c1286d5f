// decode_refresh_request and decode_stop_request on any bytes: no crash, and what they accept is
// within the limits.
#include "common/check.h"
#include "registry/refresh/refresh_request.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using xylem::registry::RefreshScope;
  const xylem::Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  static_cast<void>(xylem::registry::decode_stop_request(bytes));
  const auto request = xylem::registry::decode_refresh_request(bytes);
  if (!request) return 0;
  XYLEM_CHECK(xylem::check_topic_name(request->topic));
  XYLEM_CHECK(request->scope.kind == RefreshScope::Kind::kFleet ||
              xylem::check_node_id(request->scope.node));
  XYLEM_CHECK(request->wave_nodes >= 1);
  XYLEM_CHECK(request->wave_nodes <= xylem::registry::kWaveNodesMax);
  XYLEM_CHECK(request->failures_max >= 0);
  return 0;
}
