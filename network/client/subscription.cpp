#include "network/client/subscription.h"

#include "network/client/group_coordinator.h"

#include <algorithm>
#include <utility>

namespace xylem::network {

Subscription::Subscription(const ClientContext& context,
                           ClientSession& session,
                           const Consumer::Options& options,
                           const Consumer::Handlers& handlers,
                           ConsumedTopic& topic,
                           std::optional<Partitions> only,
                           Hooks hooks)
    : context_(context),
      session_(session),
      options_(options),
      handlers_(handlers),
      topic_(topic),
      only_(std::move(only)),
      hooks_(std::move(hooks)),
      retry_(context.loop) {}

void Subscription::disconnected() {
  drop();
  if (only_) hooks_.failed();  // else connected() will come
}

void Subscription::want(Partitions only) {
  if (only_ == only && id_ != 0 && is_whole_) return;
  only_ = std::move(only);
  subscribe();
}

void Subscription::drop() {
  id_ = 0;
  topic_.release(*this);
}

void Subscription::subscribe() {
  retry_.stop();
  drop();
  if (!session_.is_ready() || topic_.is_stopped()) return;  // if not ready, connected() will come
  const bool has_nothing = !only_ && topic_.assigned() && topic_.assigned()->empty();
  if (has_nothing && asked_.empty()) return;  // else the broker must hear of it
  const bool is_open = !only_ && !options_.partition;
  const bool is_own = options_.commit == Consumer::Commit::kOwnCursors;
  if ((is_own && is_open) || is_out_of_range_) return ask_partitions();
  if (needs_committed()) return ask_committed();
  send_subscribe();
}

void Subscription::subscribe_later() {
  if (retry_.is_active()) return;
  retry_.start(topic_.retry_in_ms(), 0, [this] {
    if (id_ == 0 || !topic_.is_served()) subscribe();
  });
}

// Where the coordinator says what is committed, and not the broker that has the partition.
bool Subscription::starts_at_committed() const {
  return topic_.coordinator().is_needed() && options_.start == StartAt::kCommitted;
}

// Main asks, which lives as long as the consumer; others are told by it what to serve.
bool Subscription::needs_committed() const {
  if (only_ || !starts_at_committed()) return false;
  const auto partitions = listed();
  return partitions.empty() || std::ranges::any_of(partitions, [this](PartitionId partition) {
           return !topic_.cursor(partition);
         });
}

void Subscription::ask_committed() {
  topic_.coordinator().find(topic_.name(), [this](const Result<TopicMetadata>& topic) {
    if (!topic) return on_error(topic.error(), true);
    topic_.know_committed(*topic);
    if (session_.is_ready()) send_subscribe();  // else connected() will come
  });
}

// Own cursors are asked for by partition, so their number must be known first. Which cursor the
// broker refused as out of range shows from where its logs begin.
void Subscription::ask_partitions() {
  const auto on_metadata = [this](const Result<Frame>& answer) {
    const auto metadata = answer_as<MetadataAnswer>(FrameType::kMetadata, answer);
    if (!metadata) return on_error(metadata.error(), true);
    const auto topic = std::ranges::find(metadata->topics, topic_.name(), &TopicMetadata::name);
    if (topic == metadata->topics.end())
      return on_error(Error(Errc::kUnknownTopicOrPartition, "there is no topic " + topic_.name()),
                      true);
    if (std::exchange(is_out_of_range_, false)) find_out_of_range(*topic);
    if (!options_.partition)
      for (const auto& one : topic->partitions) topic_.note(one.partition);
    send_subscribe();
  };
  session_.request(FrameType::kMetadata, payload_of(MetadataRequest{.topics = {topic_.name()}}),
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

// Who has a topic as a whole begins anew where the history of a compacted one is gone.
TakesGaps Subscription::takes_gaps() const {
  const bool is_own = options_.commit == Consumer::Commit::kOwnCursors || options_.group.empty();
  return is_own ? TakesGaps::kUnlessCompacted : TakesGaps::kYes;
}

SubscribePartition Subscription::first_start() const {
  SubscribePartition start{.partition = {}, .start = options_.start, .reset = options_.reset};
  start.offset = options_.start_offset;
  const bool is_own = options_.commit == Consumer::Commit::kOwnCursors;
  if (from_reset_ || is_own || starts_at_committed()) start.start = options_.reset;
  if (start.start != StartAt::kOffset) start.takes_gaps = takes_gaps();
  return start;
}

SubscribePartition Subscription::start_of(PartitionId partition) const {
  auto start = first_start();
  start.partition = partition;
  if (reset_.contains(partition)) {
    start.start = options_.reset;
    start.takes_gaps = takes_gaps();
  }
  if (from_reset_ || reset_.contains(partition)) return start;
  auto own = topic_.cursor(partition);
  if (!own && options_.commit == Consumer::Commit::kOwnCursors && handlers_.cursor)
    own = handlers_.cursor(topic_.name(), partition);
  if (!own && starts_at_committed()) own = topic_.committed(partition);
  if (!own) return start;
  start.start = StartAt::kOffset;
  start.offset = own->offset;
  start.incarnation = own->incarnation;
  start.takes_gaps = takes_gaps();
  return start;
}

std::vector<PartitionId> Subscription::listed() const {
  if (only_) return {only_->begin(), only_->end()};
  if (options_.partition) return {*options_.partition};
  return topic_.partitions();
}

void Subscription::send_subscribe() {
  if (topic_.is_stopped()) return;  // meanwhile
  Subscribe subscribe{.topic = topic_.name(), .group = options_.group, .member = topic_.member()};
  for (const auto partition : listed()) subscribe.partitions.push_back(start_of(partition));
  asked_ = subscribe.partitions;
  if (!only_ && !options_.partition && !topic_.assigned()) subscribe.every = first_start();
  subscribe.credit_bytes = options_.credit_bytes;
  subscribe.filter = options_.filter;
  subscribe.instance = options_.instance;
  subscribe.counts_deliveries = handlers_.message && !handlers_.batch && !options_.group.empty() &&
                                (options_.commit == Consumer::Commit::kAutomatic ||
                                 options_.commit == Consumer::Commit::kManual);
  subscribe.auto_commit = !options_.group.empty() && !topic_.coordinator().is_needed() &&
                          (options_.commit == Consumer::Commit::kAutomatic ||
                           options_.commit == Consumer::Commit::kBeforeHandler);
  id_ = session_.request(FrameType::kSubscribe, payload_of(subscribe), options_.request_timeout_ms,
                         [this](const auto& answer) { on_answer(answer); });
}

void Subscription::on_answer(const Result<Frame>& answer) {
  if (answer && answer->id != id_) return;  // it was asked again meanwhile
  const auto subscribed = answer_as<SubscribeAnswer>(FrameType::kSubscribe, answer);
  if (!subscribed) return on_error(subscribed.error(), true);
  incarnation_ = subscribed->incarnation;
  from_reset_ = false;
  reset_.clear();
  is_whole_ = subscribed->elsewhere.empty();
  is_counted_ = subscribed->dead_letter_after > 0;
  for (const auto& partition : subscribed->partitions) take_position(partition);
  for (const auto& one : subscribed->elsewhere) topic_.note(one.partition);
  topic_.tell_subscribed(incarnation_);
  hooks_.answered(subscribed->elsewhere);
}

void Subscription::take_position(const SubscribedPartition& answer) {
  Cursor at{answer.cursor, incarnation_};
  const auto asked = std::ranges::find(asked_, answer.partition, &SubscribePartition::partition);
  if (asked != asked_.end() && asked->start == StartAt::kOffset) {
    const bool is_other = !asked->incarnation.topic.is_nil() && asked->incarnation != incarnation_;
    if (is_other || asked->offset != answer.cursor) {
      topic_.report(Error(Errc::kOffsetOutOfRange,
                          topic_.name() + "/" + std::to_string(answer.partition.value()) +
                              " was at " + std::to_string(asked->offset.value()) +
                              ", continues at " + std::to_string(answer.cursor.value()) +
                              (is_other ? " of another incarnation" : "")));
    } else if (const auto own = topic_.cursor(answer.partition)) {
      at = *own;  // whoever served it went on while this broker was asked
    }
  }
  topic_.serve(*this, answer, at);
}

void Subscription::on_error(const Error& why, bool is_refused) {
  drop();
  if (!session_.is_ready()) return;  // connected() will come
  if (is_refused && why.code() == Errc::kOffsetOutOfRange) is_out_of_range_ = true;
  if (is_refused && why.code() == Errc::kStaleGeneration) from_reset_ = true;
  if (!is_refused && why.code() == Errc::kUnknownMember) return outdone(why);
  const bool is_own_doing = !is_refused && why.code() == Errc::kCancelled;
  if (why.code() != Errc::kNotLeader && !is_own_doing)  // a move is no trouble
    topic_.report_once(why);
  hooks_.failed();
}

// To subscribe again would take it from the other one again, and so on. Of members the coordinator
// says whose it is: who lost it is assigned nothing any more, who has it goes on.
void Subscription::outdone(const Error& why) {
  topic_.report(Error(why).within("subscription to " + topic_.name()));
  if (!topic_.assigned()) return topic_.stop();
  retry_.start(kOutdoneWaitMs, 0, [this] { subscribe(); });
}

bool Subscription::on_frame(const Frame& frame) {
  if (frame.type == FrameType::kReset || frame.type == FrameType::kReady) {
    const auto refresh = decode<Refresh>(frame.payload.bytes);
    if (!refresh || refresh->topic != topic_.name()) return false;
    frame.type == FrameType::kReset ? topic_.on_reset(*this, *refresh)
                                    : topic_.on_ready(*this, *refresh);
    return true;
  }
  if (id_ == 0 || frame.id != id_) return false;
  if (frame.type == FrameType::kData) {
    on_data(frame);
  } else if (frame.type == FrameType::kGap) {
    on_gap(frame);
  } else if (frame.type == FrameType::kError) {
    const auto message = decode<ErrorMessage>(frame.payload.bytes);
    const auto why = message ? to_error(*message) : message.error();
    if (why.code() == Errc::kInvalidRequest || why.code() == Errc::kQuotaExceeded) {
      topic_.report_once(why);  // a commit was refused; the subscription goes on
    } else {
      on_error(why, false);
    }
  }
  return true;
}

void Subscription::on_data(const Frame& frame) {
  const auto data = decode_data(frame.payload);
  const auto taken = data ? topic_.on_data(*this, *data) : Status(std::unexpected(data.error()));
  if (taken) return;
  topic_.report(taken.error());
  session_.reconnect(taken.error());
}

void Subscription::on_gap(const Frame& frame) {
  const auto gap = decode<Gap>(frame.payload.bytes);
  const auto taken = gap ? topic_.on_gap(*this, *gap) : Status(std::unexpected(gap.error()));
  if (taken) return;
  topic_.report(taken.error());
  session_.reconnect(taken.error());
}

void Subscription::give_credit(PartitionId partition,
                               const Cursor& next,
                               std::size_t credit_bytes,
                               std::uint64_t refresh_id) {
  const DeliveryAck ack{.topic = topic_.name(),
                        .partition = partition,
                        .incarnation = next.incarnation,
                        .next_offset = next.offset,
                        .credit_bytes = static_cast<std::uint32_t>(credit_bytes),
                        .refresh_id = refresh_id};
  session_.send(FrameType::kAck, id_, payload_of(ack));
}

void Subscription::tell_failure(PartitionId partition,
                                const Cursor& at,
                                const Error& why,
                                PartitionDelivery::Judged judged) {
  if (!session_.is_ready()) return;  // it comes again from the next broker
  const DeliveryFailure failure{.group = options_.group,
                                .member = topic_.member(),
                                .topic = topic_.name(),
                                .partition = partition,
                                .incarnation = at.incarnation,
                                .offset = at.offset,
                                .reason = why.what().substr(0, kFailureReasonBytesMax)};
  session_.request(FrameType::kDeliveryFailure, payload_of(failure), options_.request_timeout_ms,
                   [judged = std::move(judged)](const Result<Frame>& answer) {
                     judged(answer_as<DeliveryFailureAnswer>(FrameType::kDeliveryFailure, answer));
                   });
}

void Subscription::send_acknowledgement(FrameType type, const Refresh& refresh) {
  const Refresh answer{
      .topic = topic_.name(), .refresh_id = refresh.refresh_id, .incarnation = refresh.incarnation};
  session_.send(type, id_, payload_of(answer));
}

void Subscription::commit(PartitionId partition, Offset next, std::function<void(Status)> done) {
  const CommitOffset commit{
      .group = options_.group,
      .member = topic_.member(),
      .topic = topic_.name(),
      .partition = partition,
      .incarnation = topic_.cursor(partition).value_or(Cursor{{}, incarnation_}).incarnation,
      .next_offset = next,
      .instance = options_.instance};
  session_.request(FrameType::kCommitOffset, payload_of(commit), options_.request_timeout_ms,
                   [done = std::move(done)](const Result<Frame>& answer) {
                     if (done) done(expect_type(answer, FrameType::kCommitOffset));
                   });
}

}  // namespace xylem::network
