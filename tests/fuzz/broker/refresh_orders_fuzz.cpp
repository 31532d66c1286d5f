// refresh_orders_from_json on any bytes: no crash, and what it accepts is within the limits.
#include "broker/topology/refresh_orders.h"
#include "common/check.h"
#include "common/ids.h"

#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto orders = xylem::broker::refresh_orders_from_json(text);
  if (!orders) return 0;
  XYLEM_CHECK(orders->size() <= xylem::broker::kOrdersMax);
  for (const auto& order : *orders) {
    XYLEM_CHECK(order.id != 0);
    XYLEM_CHECK(order.reason.size() <= xylem::broker::kOrderReasonMax);
    XYLEM_CHECK(xylem::check_topic_name(order.topic));
  }
  return 0;
}
