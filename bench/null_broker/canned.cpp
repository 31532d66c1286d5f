#include "bench/null_broker/canned.h"

#include "bench/null_relay/socket.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace xylem::bench {
namespace {

// Numbers that a message has nowhere else; FlatBuffers are little-endian, and so are we.
constexpr std::int64_t kFirst = 0x1a2b'3c4d'5e6f'0111;
constexpr std::int64_t kSecond = 0x1a2b'3c4d'5e6f'0222;
constexpr std::uint32_t kThird = 0x1a2b'0333;

template <class Number>
std::size_t place_of(Number number, const Buffer& message) {
  std::array<std::byte, sizeof number> bytes{};
  std::memcpy(bytes.data(), &number, sizeof number);
  const auto found = std::ranges::search(message, bytes);
  if (found.empty()) die("a canned message");
  return static_cast<std::size_t>(found.begin() - message.begin());
}

template <class Number>
void put(Number number, std::size_t at, Buffer& message) {
  std::memcpy(message.data() + at, &number, sizeof number);
}

}  // namespace

Incarnation only_incarnation() { return {Uuid::from_words(1, 1), 1}; }

CannedAck::CannedAck()
    : message_(network::encode(network::ProduceAck{.incarnation = only_incarnation(),
                                                   .base_offset = Offset(kFirst),
                                                   .next_offset = Offset(kSecond),
                                                   .replicas_synced = 1})),
      base_at_(place_of(kFirst, message_)),
      next_at_(place_of(kSecond, message_)) {}

Bytes CannedAck::with(std::int64_t base_offset, std::int64_t next_offset) {
  put(base_offset, base_at_, message_);
  put(next_offset, next_at_, message_);
  return message_;
}

CannedDataHeader::CannedDataHeader(const std::string& topic)
    : message_(network::encode_data_header({.topic = topic,
                                            .incarnation = only_incarnation(),
                                            .first_offset = Offset(kFirst),
                                            .batch_count = kThird,
                                            .high_watermark = Offset(kSecond)})),
      first_at_(place_of(kFirst, message_)),
      batches_at_(place_of(kThird, message_)),
      end_at_(place_of(kSecond, message_)) {}

Bytes CannedDataHeader::with(std::int64_t first_offset, std::uint32_t batches, std::int64_t end) {
  put(first_offset, first_at_, message_);
  put(batches, batches_at_, message_);
  put(end, end_at_, message_);
  return message_;
}

}  // namespace xylem::bench
