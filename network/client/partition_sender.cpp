#include "network/client/partition_sender.h"

#include "network/client/delayed_topic.h"
#include "network/protocol/messages.h"

#include <algorithm>
#include <array>
#include <utility>

namespace xylem::network {

namespace {

constexpr Offset kNoOffset{-1};  // acks=0: nobody said which

}  // namespace

PartitionSender::PartitionSender(const ClientContext& context,
                                 const Producer::Options& options,
                                 LeaderDirectory& leaders,
                                 Target target,
                                 const BatchProducer& first_number,
                                 std::function<void(PartitionSender&)> settled)
    : context_(context),
      options_(options),
      leaders_(leaders),
      target_(std::move(target)),
      settled_(std::move(settled)),
      queue_({.batch_bytes = options.batch_bytes,
              .in_flight_max = options.in_flight_max,
              .compression = options.compression,
              .producer = first_number,
              .is_delayed = target_.is_delayed}),
      backoff_(options.retry_backoff_ms, options.retry_backoff_max_ms),
      retry_(context.loop) {}

PartitionSender::Route PartitionSender::route() const {
  const auto incarnation = leaders_.metadata().incarnation(target_.topic);
  if (!target_.is_delayed || !incarnation) return {target_.topic, target_.partition};
  return {std::string(kDelayedTopic), delayed_partition(incarnation->topic, target_.partition)};
}

void PartitionSender::pump() {
  if (retry_.is_active() || !queue_.can_send()) return;
  const auto [topic, partition] = route();
  auto* session = leaders_.session_of(topic, partition);
  if (session == nullptr) return;
  while (session->is_writable()) {
    auto* batch = queue_.next_to_send();
    if (batch == nullptr) return;
    send(*batch, *session);
  }
}

void PartitionSender::expire(std::int64_t given_ms_max) {
  if (queue_.empty()) return;
  const auto [topic, partition] = route();
  queue_.expire(given_ms_max, leaders_.trouble(topic, partition));
}

void PartitionSender::send(OutgoingBatch& batch, ClientSession& session) {
  const DataHeader header{
      .topic = target_.topic,
      .partition = target_.partition,
      .incarnation = leaders_.metadata().incarnation(target_.topic).value_or(Incarnation()),
      .batch_count = 1,
      .acks = options_.acks,
      .due_at_ms = batch.due_at_ms};
  const std::array pieces = {Slice::own(encode_data_header(header)), batch.bytes};
  if (options_.acks == 0) {
    session.send(FrameType::kData, session.next_id(), pieces);
    return queue_.settle(batch.number, Producer::Delivered{target_.partition, kNoOffset, 0});
  }
  const auto left_ms = static_cast<std::int64_t>(options_.delivery_timeout_ms) - age_ms(batch);
  const auto timeout_ms =
      std::clamp<std::int64_t>(left_ms, 1, static_cast<std::int64_t>(options_.request_timeout_ms));
  session.request(FrameType::kData, pieces, static_cast<std::uint64_t>(timeout_ms),
                  [this, number = batch.number](const auto& answer) { on_answer(number, answer); });
}

void PartitionSender::on_answer(std::uint64_t number, const Result<Frame>& answer) {
  const auto ack = answer_as<ProduceAck>(FrameType::kAck, answer);
  if (!ack) {
    on_failure(number, ack.error());
  } else {
    backoff_.reset();
    queue_.settle(number,
                  Producer::Delivered{target_.partition, ack->base_offset, ack->replicas_synced});
  }
  pump();
  if (queue_.has_settled()) settled_(*this);
}

void PartitionSender::on_failure(std::uint64_t number, const Error& why) {
  const auto* batch = queue_.find(number);
  if (batch == nullptr) return;
  if (age_ms(*batch) >= static_cast<std::int64_t>(options_.delivery_timeout_ms))
    return queue_.settle(number, fail(Errc::kTimeout, "not delivered in time: " + why.what()));
  if (!is_worth_retrying(why, *batch)) return queue_.settle(number, std::unexpected(why));
  if (why.code() == Errc::kOutOfOrderSequence) {
    queue_.refuse_sequence(number, why);
  } else {
    queue_.send_again(number, why);
  }
  bool at_once = false;
  const auto [topic, partition] = route();
  if (why.code() == Errc::kNotLeader) {
    at_once = leaders_.moved(topic, partition, why.hint());
  } else if (why.code() != Errc::kQuotaExceeded && why.code() != Errc::kOutOfOrderSequence) {
    leaders_.refresh(topic);
    leaders_.refresh(target_.topic);
  }
  context_.logger.debug(
      "producer.retry",
      {{"topic", target_.topic}, {"partition", target_.partition.value()}, {"error", why.what()}});
  if (at_once || retry_.is_active()) return;
  retry_.start(backoff_.next_ms(context_.random), 0, [this] {
    pump();
    if (queue_.has_settled()) settled_(*this);
  });
}

bool PartitionSender::is_worth_retrying(const Error& why, const OutgoingBatch& batch) const {
  switch (why.code()) {
    case Errc::kUnknownTopicOrPartition:
      return age_ms(batch) < static_cast<std::int64_t>(options_.topic_wait_ms);
    case Errc::kNotLeader:
    case Errc::kUnavailable:
    case Errc::kTimeout:
    case Errc::kNotEnoughReplicas:
    case Errc::kStaleEpoch:
    case Errc::kStaleGeneration:
    case Errc::kQuotaExceeded:
    case Errc::kDiskFull:
    case Errc::kIo:
    case Errc::kCorrupt:
    case Errc::kOutOfOrderSequence:
      return true;
    default:
      return false;
  }
}

std::int64_t PartitionSender::age_ms(const OutgoingBatch& batch) const {
  return std::max<std::int64_t>(0, context_.clock.monotonic_ms() - batch.given_ms);
}

}  // namespace xylem::network
