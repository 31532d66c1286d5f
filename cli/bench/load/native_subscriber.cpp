#include "cli/bench/load/native_subscriber.h"

#include "cli/bench/load/native_connection.h"

#include <cstring>

namespace xylem::cli {
namespace {

using network::FrameType;

constexpr std::uint32_t kCreditBytes = 4 * 1024 * 1024;  // as a Consumer's

}  // namespace

Result<NativeSubscriber> NativeSubscriber::open(const network::Address& broker,
                                                const std::string& topic,
                                                network::StartAt from) {
  auto socket = connect_native(broker);
  if (!socket) return pass(socket);
  NativeSubscriber made(std::move(*socket), topic);
  if (auto subscribed = made.subscribe(from); !subscribed) return pass(subscribed);
  return made;
}

Status NativeSubscriber::subscribe(network::StartAt from) {
  network::Subscribe request{.topic = topic_, .credit_bytes = kCreditBytes};
  request.auto_commit = false;
  request.partitions.push_back({.start = from});
  auto said = ask_native(socket_, FrameType::kSubscribe, network::encode(request));
  if (!said) return pass(said);
  const auto answer = network::decode<network::SubscribeAnswer>(*said);
  if (!answer) return std::unexpected(answer.error());
  if (answer->partitions.empty()) return fail(Errc::kCorrupt, "no partition is subscribed");
  incarnation_ = answer->incarnation;
  next_ = answer->partitions.front().cursor;
  records_there_ = answer->partitions.front().high_watermark - next_;
  return {};
}

Status NativeSubscriber::take(const std::function<Status(const Pushed&)>& on_batch) {
  while (const auto pushed = peek_native(socket_.input())) {
    if (pushed->type == FrameType::kData) {
      if (auto taken = take_data(pushed->payload, on_batch); !taken) return taken;
    } else if (pushed->type != FrameType::kHeartbeat) {
      return unexpected_native(*pushed);
    }
    take_native(socket_, *pushed);
  }
  return give_credit();
}

Status NativeSubscriber::take_data(Bytes payload,
                                   const std::function<Status(const Pushed&)>& on_batch) {
  std::uint32_t header_bytes = 0;  // a size-prefixed FlatBuffer, little-endian
  if (payload.size() >= sizeof header_bytes)
    std::memcpy(&header_bytes, payload.data(), sizeof header_bytes);
  const auto skipped = sizeof header_bytes + header_bytes;
  if (skipped > payload.size()) return fail(Errc::kCorrupt, "a data header is cut");
  for (auto left = payload.subspan(skipped); !left.empty();) {
    const auto header = check_batch(left);
    if (!header) return std::unexpected(header.error());
    const Pushed pushed{.header = *header,
                        .batch = left.first(header->bytes),
                        .is_next = header->base_offset == next_};
    next_ = header->next_offset();
    owed_bytes_ += header->bytes;
    if (auto handled = on_batch(pushed); !handled) return handled;
    left = left.subspan(header->bytes);
  }
  return {};
}

Status NativeSubscriber::give_credit() {
  if (owed_bytes_ < kCreditBytes / 4) return {};
  const network::DeliveryAck ack{.topic = topic_,
                                 .incarnation = incarnation_,
                                 .next_offset = next_,
                                 .credit_bytes = static_cast<std::uint32_t>(owed_bytes_)};
  owed_bytes_ = 0;
  return socket_.send_all(native_frame(FrameType::kAck, kLoadRequest, network::encode(ack)));
}

}  // namespace xylem::cli
