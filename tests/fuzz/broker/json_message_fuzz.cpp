// Messages to publish, from any bytes as JSON: no crash, and what is accepted can be published.
#include "broker/admin/json_message.h"
#include "common/bytes.h"
#include "common/check.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = xylem::text_of({reinterpret_cast<const std::byte*>(data), size});
  constexpr std::int64_t kNowMs = 1'000;
  if (const auto one = xylem::broker::message_from_json(json, kNowMs)) {
    XYLEM_CHECK(one->messages.size() == 1);
  }
  if (const auto many = xylem::broker::messages_from_json(json, kNowMs)) {
    for (const auto& message : many->messages) {
      if (!message) continue;
      XYLEM_CHECK(message->record.timestamp_ms >= 0);
      XYLEM_CHECK(!message->partition || message->partition->value() >= 0);
    }
  }
  return 0;
}
