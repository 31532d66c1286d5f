#include "network/client/subscription.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace xylem::network {

namespace {

constexpr std::uint64_t kSubscribeBackoffMaxMs = 1'000;  // how late a new topic is noticed

}  // namespace

Subscription::Subscription(const ClientContext& context,
                           ClientSession& session,
                           const Consumer::Options& options,
                           const Consumer::Handlers& handlers,
                           std::string topic,
                           std::string member)
    : context_(context),
      session_(session),
      options_(options),
      handlers_(handlers),
      topic_(std::move(topic)),
      member_(std::move(member)),
      backoff_(options.backoff_ms, std::min(options.backoff_max_ms, kSubscribeBackoffMaxMs)),
      retry_(context.loop) {}

void Subscription::connected() { subscribe(); }

void Subscription::disconnected() {
  retry_.stop();
  drop_undelivered();
}

void Subscription::drop_undelivered() {
  id_ = 0;
  if (std::exchange(ready_, std::nullopt)) refresh_.dropped_ready();
  for (auto& [partition, delivery] : deliveries_) delivery->disconnect();
}

void Subscription::subscribe() {
  if (!session_.is_ready()) return;
  if (options_.partition && !is_out_of_range_) return send_subscribe({*options_.partition});
  if (options_.commit == Consumer::Commit::kOwnCursors || is_out_of_range_) return ask_partitions();
  std::vector<PartitionId> known;
  known.reserve(deliveries_.size());
  for (const auto& [partition, delivery] : deliveries_) known.push_back(partition);
  send_subscribe(known);
}

// Own cursors are asked for by partition, so their number must be known first. Which cursor the
// broker refused as out of range shows from where its logs begin.
void Subscription::ask_partitions() {
  const auto on_metadata = [this](const Result<Frame>& answer) {
    const auto metadata = answer_as<MetadataAnswer>(FrameType::kMetadata, answer);
    if (!metadata) return on_error(metadata.error(), true);
    for (const auto& topic : metadata->topics) {
      if (topic.name != topic_) continue;
      if (std::exchange(is_out_of_range_, false)) find_out_of_range(topic);
      std::vector<PartitionId> all;
      for (const auto& one : topic.partitions)
        if (!options_.partition || one.partition == *options_.partition)
          all.push_back(one.partition);
      return send_subscribe(all);
    }
    on_error(Error(Errc::kUnknownTopicOrPartition, "there is no topic " + topic_), true);
  };
  session_.request(FrameType::kMetadata, payload_of(MetadataRequest{.topics = {topic_}}),
                   options_.request_timeout_ms, on_metadata);
}

void Subscription::find_out_of_range(const TopicMetadata& topic) {
  for (const auto& asked : asked_) {
    const auto known =
        std::ranges::find(topic.partitions, asked.partition, &PartitionMetadata::partition);
    if (asked.start == StartAt::kOffset && known != topic.partitions.end() &&
        asked.offset < known->log_start)
      reset_.insert(asked.partition);
  }
  from_reset_ = reset_.empty();
}

SubscribePartition Subscription::first_start() const {
  SubscribePartition start{.partition = {}, .start = options_.start, .reset = options_.reset};
  start.offset = options_.start_offset;
  if (from_reset_ || options_.commit == Consumer::Commit::kOwnCursors) start.start = options_.reset;
  return start;
}

SubscribePartition Subscription::start_of(PartitionId partition) const {
  auto start = first_start();
  start.partition = partition;
  if (reset_.contains(partition)) start.start = options_.reset;
  if (from_reset_ || reset_.contains(partition)) return start;
  std::optional<Cursor> own;
  if (const auto known = deliveries_.find(partition); known != deliveries_.end())
    own = Cursor{known->second->cursor(), incarnation_};
  else if (options_.commit == Consumer::Commit::kOwnCursors && handlers_.cursor)
    own = handlers_.cursor(topic_, partition);
  if (!own) return start;
  start.start = StartAt::kOffset;
  start.offset = own->offset;
  start.incarnation = own->incarnation;
  return start;
}

void Subscription::send_subscribe(const std::vector<PartitionId>& listed) {
  Subscribe subscribe{.topic = topic_, .group = options_.group, .member = member_};
  for (const auto partition : listed) subscribe.partitions.push_back(start_of(partition));
  asked_ = subscribe.partitions;
  if (!options_.partition) subscribe.every = first_start();
  subscribe.credit_bytes = options_.credit_bytes;
  subscribe.auto_commit =
      !options_.group.empty() && (options_.commit == Consumer::Commit::kAutomatic ||
                                  options_.commit == Consumer::Commit::kBeforeHandler);
  id_ = session_.request(FrameType::kSubscribe, payload_of(subscribe), options_.request_timeout_ms,
                         [this](const auto& answer) { on_answer(answer); });
}

void Subscription::on_answer(const Result<Frame>& answer) {
  const auto subscribed = answer_as<SubscribeAnswer>(FrameType::kSubscribe, answer);
  if (!subscribed) return on_error(subscribed.error(), true);
  incarnation_ = subscribed->incarnation;
  from_reset_ = false;
  reset_.clear();
  reported_.reset();
  refresh_.on_subscribed();
  for (const auto& partition : subscribed->partitions) take_position(partition);
  if (handlers_.subscribed) handlers_.subscribed(*subscribed);
}

void Subscription::take_position(const SubscribedPartition& answer) {
  const auto is_asked = [&answer](const auto& one) { return one.partition == answer.partition; };
  const auto asked = std::ranges::find_if(asked_, is_asked);
  if (asked != asked_.end() && asked->start == StartAt::kOffset) {
    const bool is_other = !asked->incarnation.topic.is_nil() && asked->incarnation != incarnation_;
    if (is_other || asked->offset != answer.cursor)
      report(Error(Errc::kOffsetOutOfRange,
                   topic_ + "/" + std::to_string(answer.partition.value()) + " was at " +
                       std::to_string(asked->offset.value()) + ", continues at " +
                       std::to_string(answer.cursor.value()) +
                       (is_other ? " of another incarnation" : "")));
  }
  delivery_of(answer.partition).restart(answer.cursor);
}

PartitionDelivery& Subscription::delivery_of(PartitionId partition) {
  auto& delivery = deliveries_[partition];
  if (delivery == nullptr) {
    const PartitionDelivery::Settings settings{
        .loop = context_.loop,
        .options = options_,
        .handlers = handlers_,
        .acknowledge = [this](PartitionId which, Offset next, const Incarnation& incarnation,
                              auto credit) { give_credit(which, next, incarnation, credit); },
        .drained = [this] { tell_ready_once_drained(); }};
    delivery = std::make_unique<PartitionDelivery>(settings, topic_, partition);
    if (is_paused_) delivery->pause();
    if (refresh_.id() != 0) delivery->begin_replay(refresh_.id());
  }
  return *delivery;
}

void Subscription::on_error(const Error& why, bool is_refused) {
  drop_undelivered();
  if (!session_.is_ready()) return;  // connected() will come
  if (is_refused && why.code() == Errc::kOffsetOutOfRange) is_out_of_range_ = true;
  if (is_refused && why.code() == Errc::kStaleGeneration) from_reset_ = true;
  report_once(why);
  subscribe_later();
}

void Subscription::subscribe_later() {
  retry_.start(backoff_.next_ms(context_.random), 0, [this] { subscribe(); });
}

bool Subscription::on_frame(const Frame& frame) {
  if (frame.type == FrameType::kReset || frame.type == FrameType::kReady) {
    const auto refresh = decode<Refresh>(frame.payload.bytes);
    if (!refresh || refresh->topic != topic_) return false;
    frame.type == FrameType::kReset ? on_reset(*refresh) : on_ready(*refresh);
    return true;
  }
  if (id_ == 0 || frame.id != id_) return false;
  if (frame.type == FrameType::kData) {
    on_data(frame);
  } else if (frame.type == FrameType::kError) {
    const auto message = decode<ErrorMessage>(frame.payload.bytes);
    const auto why = message ? to_error(*message) : message.error();
    if (why.code() == Errc::kInvalidRequest) {
      report_once(why);  // a commit was refused; the subscription goes on
    } else {
      on_error(why, false);
    }
  }
  return true;
}

void Subscription::on_data(const Frame& frame) {
  const auto distrust = [this](const Error& why) {
    report(why);
    session_.reconnect(why);
  };
  const auto data = decode_data(frame.payload);
  if (!data) return distrust(data.error());
  const auto& header = data->header;
  backoff_.reset();
  const auto credit_bytes = data->batches.bytes.size();
  const bool is_replay = header.refresh_id != 0;
  const auto known = deliveries_.find(header.partition);
  if (is_replay && header.refresh_id != refresh_.id())  // of a cancelled refresh
    return give_credit(header.partition,
                       known == deliveries_.end() ? Offset() : known->second->cursor(),
                       header.incarnation, credit_bytes);
  const auto& expected = is_replay ? refresh_.running()->incarnation : incarnation_;
  if (header.topic != topic_ || header.incarnation != expected)
    return distrust(Error(Errc::kCorrupt, "DATA of something that was not subscribed to"));
  auto& delivery = delivery_of(header.partition);
  if (known == deliveries_.end()) delivery.restart(header.first_offset);  // the topic has grown
  if (auto received = delivery.receive(*data); !received) distrust(received.error());
}

void Subscription::on_reset(const Refresh& reset) {
  switch (refresh_.on_reset(reset)) {
    case RefreshState::Act::kIgnore:
      return;
    case RefreshState::Act::kAcknowledge:
      return send_acknowledgement(FrameType::kResetAck, reset);
    case RefreshState::Act::kTell:
      break;
  }
  ready_.reset();  // of the one that this cancels
  for (auto& [partition, delivery] : deliveries_) delivery->begin_replay(reset.refresh_id);
  if (handlers_.reset) return handlers_.reset(reset);
  acknowledge(FrameType::kResetAck, reset);
}

void Subscription::on_ready(const Refresh& ready) {
  switch (refresh_.on_ready(ready)) {
    case RefreshState::Act::kIgnore:
      return;
    case RefreshState::Act::kAcknowledge:
      return send_acknowledgement(FrameType::kReadyAck, ready);
    case RefreshState::Act::kTell:
      break;
  }
  ready_ = ready;
  tell_ready_once_drained();
}

void Subscription::tell_ready_once_drained() {
  if (!ready_) return;
  for (const auto& [partition, delivery] : deliveries_)
    if (!delivery->is_idle()) return;
  const auto ready = *std::exchange(ready_, std::nullopt);
  if (const auto* running = refresh_.running(); running != nullptr) {
    for (const auto& [partition, delivery] : deliveries_) {
      const auto index = static_cast<std::size_t>(partition.value());
      delivery->end_replay(index < ready.barrier.size() ? ready.barrier[index] : Offset());
    }
    incarnation_ = running->incarnation;
  }
  if (handlers_.ready) return handlers_.ready(ready);
  acknowledge(FrameType::kReadyAck, ready);
}

void Subscription::acknowledge(FrameType type, const Refresh& refresh) {
  if (type == FrameType::kResetAck) refresh_.acknowledged_reset(refresh.refresh_id);
  if (type == FrameType::kReadyAck) refresh_.acknowledged_ready(refresh.refresh_id);
  send_acknowledgement(type, refresh);
}

void Subscription::send_acknowledgement(FrameType type, const Refresh& refresh) {
  const Refresh answer{
      .topic = topic_, .refresh_id = refresh.refresh_id, .incarnation = refresh.incarnation};
  session_.send(type, id_, payload_of(answer));
}

void Subscription::give_credit(PartitionId partition,
                               Offset next,
                               const Incarnation& incarnation,
                               std::size_t credit_bytes) {
  const DeliveryAck ack{.topic = topic_,
                        .partition = partition,
                        .incarnation = incarnation,
                        .next_offset = next,
                        .credit_bytes = static_cast<std::uint32_t>(credit_bytes)};
  session_.send(FrameType::kAck, id_, payload_of(ack));
}

void Subscription::commit(PartitionId partition, Offset next, std::function<void(Status)> done) {
  const CommitOffset commit{.group = options_.group,
                            .member = member_,
                            .topic = topic_,
                            .partition = partition,
                            .incarnation = incarnation_,
                            .next_offset = next};
  session_.request(FrameType::kCommitOffset, payload_of(commit), options_.request_timeout_ms,
                   [done = std::move(done)](const Result<Frame>& answer) {
                     if (done) done(expect_type(answer, FrameType::kCommitOffset));
                   });
}

void Subscription::pause() {
  is_paused_ = true;
  for (auto& [partition, delivery] : deliveries_) delivery->pause();
}

void Subscription::resume() {
  is_paused_ = false;
  for (auto& [partition, delivery] : deliveries_) delivery->resume();
}

void Subscription::report_once(const Error& why) {
  if (reported_ != why.code()) report(Error(why).within("subscription to " + topic_));
  reported_ = why.code();
}

void Subscription::report(const Error& why) {
  context_.logger.warn("consumer.trouble", {{"topic", topic_}, {"error", why.what()}});
  if (handlers_.error) handlers_.error(why);
}

}  // namespace xylem::network
