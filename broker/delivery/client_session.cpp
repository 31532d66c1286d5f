#include "broker/delivery/client_session.h"

#include "broker/catalog/topic_admin.h"
#include "broker/delayed/delayed_records.h"
#include "broker/delivery/group_beat.h"
#include "broker/delivery/partition_leader.h"
#include "broker/delivery/takeover.h"
#include "broker/delivery/topic_at_first_use.h"
#include "common/batch/batch.h"
#include "network/client/delayed_topic.h"

#include <algorithm>
#include <array>
#include <utility>

namespace xylem::broker {

using network::Frame;
using network::FrameType;

namespace {

Acks acks_of(std::int8_t number) {
  if (number == 0) return Acks::kNone;
  return number == 1 ? Acks::kLeader : Acks::kAll;
}

}  // namespace

ClientSession::ClientSession(ClientContext& context,
                             std::shared_ptr<network::Connection> connection,
                             Hooks hooks)
    : context_(context),
      connection_(std::move(connection)),
      hooks_(std::move(hooks)),
      next_turn_(context.loop),
      self_(std::make_shared<ClientSession*>(this)) {
  connection_->set_handler(this);
}

ClientSession::~ClientSession() { *self_ = nullptr; }

void ClientSession::on_closed(const Error& why) {
  const auto& reason = broken_off_.value_or(why);
  context_.logger.debug("client.closed", {{"peer", connection_->peer()}, {"why", reason.what()}});
  if (!has_said_goodbye_) count_lost(context_, subscriptions_, reason);
  hooks_.closed(this);
}

// Whole frames only before HELLO, which is small: who never says it does not stay by dribbling.
// Later a byte a tick does keep a connection, as HEARTBEATs would; what bounds that is how many
// there may be (TransportLimits::connections_max).
void ClientSession::check_alive() {
  if (broken_off_) return;  // it is closing
  const bool has_had_beat = std::exchange(has_had_beat_, false);
  // The peer's HEARTBEAT is not read, or is behind what it sends without waiting for answers: it
  // would hear nothing of us.
  if (is_paused()) return connection_->send(FrameType::kHeartbeat, 0, {});
  const auto silent_ticks = silence_.tick(greeted_ ? connection_->received_bytes() : 0);
  if (silent_ticks == 0 && greeted_ && !has_had_beat)
    return connection_->send(FrameType::kHeartbeat, 0, {});
  if (silent_ticks < kSilentTicksMax) return;
  const auto silent_ms = kSilentTicksMax * std::int64_t{kHeartbeatMs};
  break_off(Error(Errc::kTimeout, "nothing heard for " + std::to_string(silent_ms) + " ms",
                  "send HEARTBEAT"));
}

void ClientSession::on_frame(Frame frame) {
  has_had_beat_ |= frame.type == FrameType::kHeartbeat;
  if (!greeted_ && frame.type != FrameType::kHello)
    return break_off(Error(Errc::kInvalidRequest, "a connection begins with HELLO"));
  dispatch(frame);
}

void ClientSession::dispatch(const Frame& frame) {
  switch (frame.type) {
    case FrameType::kHello:
      return on_hello(frame);
    case FrameType::kHeartbeat:
      return connection_->send(FrameType::kHeartbeat, frame.id, {});
    case FrameType::kData:
      return on_produce(frame);
    case FrameType::kAck:
      return on_ack(frame);
    case FrameType::kSubscribe:
      return on_subscribe(frame);
    case FrameType::kCommitOffset:
      return on_commit(frame);
    case FrameType::kFetch:
      return on_fetch(frame);
    case FrameType::kAssignment:
      return on_beat(frame);
    case FrameType::kMetadata:
      return on_metadata(frame);
    case FrameType::kAdmin:
      return on_admin(frame);
    case FrameType::kDeliveryFailure:
      return on_failure(frame);
    case FrameType::kDisconnect:
      has_said_goodbye_ = true;
      return connection_->close();
    case FrameType::kResetAck:
    case FrameType::kReadyAck:
      return on_refresh_answer(frame);
    default:
      break_off(Error(Errc::kInvalidRequest, "this frame type is for servers to send"));
  }
}

void ClientSession::on_hello(const Frame& frame) {
  const auto hello = network::decode<network::Hello>(frame.payload.bytes);
  if (!hello) return break_off(hello.error());
  if (hello->version != network::kProtocolVersion) {
    return break_off(
        Error(Errc::kUnsupportedVersion,
              "protocol version " + std::to_string(hello->version) + " is not spoken here",
              "use version " + std::to_string(network::kProtocolVersion)));
  }
  greeted_ = true;
  client_id_ = hello->client_id;
  connection_->allow_large_payloads();
  network::HelloAnswer answer;
  answer.node = context_.node;
  answer.role = context_.role();
  answer.cluster = context_.cluster();
  answer.payload_bytes_max = network::kPayloadBytesMax;
  answer.heartbeat_ms = kHeartbeatMs;
  answer.has_coordinators = context_.offsets.is_coordinated();
  send(FrameType::kHello, frame.id, network::encode(answer));
}

void ClientSession::on_produce(const Frame& frame) {
  const auto data = network::decode_data(frame.payload);
  if (!data) return break_off(data.error());
  const auto& header = data->header;
  const auto* topic = context_.topics.find(header.topic);
  if (topic != nullptr) return produce(frame, *data, *topic);
  if (!context_.topics.is_owner()) return send_error(frame.id, not_owner(header.topic));
  const auto bytes = data->batches.bytes.size();
  hold(bytes);
  find_at_first_use(context_, header.topic,
                    [self = self_, frame, data = *data, bytes](const auto& found) {
                      if (*self == nullptr) return;
                      (*self)->release(bytes);
                      if (!found) return (*self)->send_error(frame.id, found.error());
                      (*self)->produce(frame, data, *found);
                    });
}

void ClientSession::produce(const Frame& frame,
                            const network::Data& data,
                            const TopicDefinition& topic) {
  const auto& header = data.header;
  const bool is_delayed = header.due_at_ms != 0;
  auto* partition = context_.partitions.find({topic.incarnation, header.partition});
  if (!is_delayed && (partition == nullptr || !partition->is_leader()))
    return send_error(frame.id, not_leader(context_, topic, header.partition));
  if (header.numbered_since && header.incarnation != topic.incarnation) {
    return send_error(frame.id, Error(Errc::kStaleGeneration,
                                      "the batch is for another incarnation of the topic"));
  }
  if (topic.is_internal() || topic.is_local) {
    return send_error(frame.id,
                      Error(Errc::kUnauthorized, "\"" + topic.name + "\" is the broker's own"));
  }
  const auto batch = check_batch_deeply(data.batches.bytes);
  if (!batch) return send_error(frame.id, batch.error());
  if (batch->bytes != data.batches.bytes.size()) {
    return send_error(frame.id,
                      Error(Errc::kInvalidRequest, "DATA to a broker holds exactly one batch"));
  }
  if (batch->is_control()) {
    return send_error(frame.id, Error(Errc::kInvalidRequest, "control batches are the broker's"));
  }
  const auto bytes = batch->bytes;
  hold(bytes);
  auto done = [self = self_, bytes, id = frame.id, acks = header.acks,
               incarnation = topic.incarnation](Result<Partition::Appended> appended) {
    if (*self == nullptr) return;
    (*self)->release(bytes);
    (*self)->acknowledge(id, acks, incarnation, appended);
  };
  if (!is_delayed) {
    return partition->append(data.batches.bytes, acks_of(header.acks), std::move(done),
                             header.numbered_since);
  }
  if (context_.delayed == nullptr)
    return done(fail(Errc::kUnavailable, "delayed records are not kept here"));
  context_.delayed->park(topic, header.partition, data.batches.bytes, acks_of(header.acks),
                         std::move(done));
}

void ClientSession::hold(std::size_t bytes) {
  produced_bytes_ += bytes;
  if (is_paused()) connection_->pause_reading(true);
}

void ClientSession::release(std::size_t bytes) {
  produced_bytes_ -= bytes;
  if (!is_paused()) connection_->pause_reading(false);
}

void ClientSession::acknowledge(std::uint64_t id,
                                std::int8_t acks,
                                const Incarnation& incarnation,
                                const Result<Partition::Appended>& appended) {
  if (!appended) return send_error(id, appended.error());
  if (acks == 0) return;
  network::ProduceAck ack;
  ack.incarnation = incarnation;
  ack.base_offset = appended->base_offset;
  ack.next_offset = appended->next_offset;
  ack.replicas_synced = appended->replicas_synced;
  send(FrameType::kAck, id, network::encode(ack));
}

void ClientSession::on_ack(const Frame& frame) {
  const auto ack = network::decode<network::DeliveryAck>(frame.payload.bytes);
  if (!ack) return break_off(ack.error());
  const auto found = subscriptions_.find(frame.id);
  if (found == subscriptions_.end()) return;  // ended while the acknowledgement was under way
  auto& subscription = found->second;
  if (auto taken = subscription.on_ack(*ack); !taken) return send_error(frame.id, taken.error());
  const auto& request = subscription.request();
  const bool is_position = subscription.is_counted() && ack->credit_bytes == 0;
  if (request.auto_commit && !request.group.empty() && !is_position && ack->refresh_id == 0) {
    // The client takes these two for a commit that was refused, all else for the end.
    commit({request.group, request.member, request.instance}, {ack->topic, ack->partition},
           {ack->next_offset, ack->incarnation}, [this, id = frame.id](const Status& committed) {
             if (committed) return;
             const auto code = committed.error().code();
             if (code == Errc::kInvalidRequest || code == Errc::kQuotaExceeded)
               return send_error(id, committed.error());
             drop_subscription(id, committed.error());
           });
  }
  push(frame.id);
}

void ClientSession::on_subscribe(const Frame& frame) {
  auto request = network::decode<network::Subscribe>(frame.payload.bytes);
  if (!request) return break_off(request.error());
  if (subscriptions_.contains(frame.id)) {
    return break_off(Error(Errc::kInvalidRequest, "a subscription with this id is open"));
  }
  if (subscriptions_.size() >= kSubscriptionsMax) {
    return send_error(frame.id,
                      Error(Errc::kQuotaExceeded, "too many subscriptions on one connection"));
  }
  std::erase_if(subscriptions_, [&](const auto& open) {
    const auto& older = open.second.request();
    return !older.member.empty() && older.member == request->member &&
           older.topic == request->topic;
  });
  auto opened = Subscription::open(context_, *connection_, frame.id, std::move(*request));
  if (!opened) return send_error(frame.id, opened.error());
  send(FrameType::kSubscribe, frame.id, network::encode(opened->answer()));
  if (opened->is_empty()) return;
  auto& subscription = subscriptions_.emplace(frame.id, std::move(*opened)).first->second;
  hooks_.subscribed(this, subscription);
  subscription.sit_down(client_id_, [this, id = frame.id] { push_next_turn(id); });
  push(frame.id);
}

// What it had in hand did not fail: it comes again to the newer one. That sits down after this, so
// that a refresh which the older one leaves goes on with it.
void ClientSession::yield_to(const Subscription& newer) {
  for (auto next = subscriptions_.begin(); next != subscriptions_.end();) {
    const auto& [id, older] = *next++;  // dropping takes it out
    if (const auto why = taken_over(context_, older, newer)) drop_subscription(id, *why);
  }
}

void ClientSession::on_refresh_answer(const Frame& frame) {
  const auto answer = network::decode<network::Refresh>(frame.payload.bytes);
  if (!answer) return break_off(answer.error());
  const auto found = subscriptions_.find(frame.id);
  if (found == subscriptions_.end()) return;  // ended while the answer was under way
  found->second.seat().answered(frame.type, *answer);
  push(frame.id);
}

void ClientSession::on_commit(const Frame& frame) {
  const auto request = network::decode<network::CommitOffset>(frame.payload.bytes);
  if (!request) return break_off(request.error());
  commit({request->group, request->member, request->instance}, {request->topic, request->partition},
         {request->next_offset, request->incarnation},
         [this, id = frame.id](const Status& committed) {
           if (!committed) return send_error(id, committed.error());
           send(FrameType::kCommitOffset, id, {});
         });
}

void ClientSession::commit(const GroupReader& reader,
                           const TopicPartition& where,
                           const CommittedOffset& offset,
                           std::function<void(const Status&)> done) {
  commit_for(context_, reader, where, offset,
             [self = self_, done = std::move(done)](const Status& committed) {
               if (*self != nullptr) done(committed);
             });
}

void ClientSession::on_fetch(const Frame& frame) {
  const auto request = network::decode<network::Fetch>(frame.payload.bytes);
  if (!request) return break_off(request.error());
  const auto* topic = context_.topics.find(request->topic);
  if (topic == nullptr) {
    return send_error(frame.id,
                      Error(Errc::kUnknownTopicOrPartition, "no topic \"" + request->topic + "\""));
  }
  if (!request->incarnation.topic.is_nil() && request->incarnation != topic->incarnation) {
    return send_error(frame.id,
                      Error(Errc::kStaleGeneration, "the cursor is of another incarnation"));
  }
  const LogId log{topic->incarnation, request->partition};
  const auto answered = try_fetch(frame.id, *request, log);
  if (!answered) return send_error(frame.id, answered.error());
  if (*answered) return;
  if (fetches_.size() >= kWaitingFetchesMax) {
    return send_error(frame.id, Error(Errc::kQuotaExceeded, "too many fetches wait"));
  }
  fetches_.push_back({frame.id, *request, log, std::make_unique<Timer>(context_.loop)});
  const auto waiting = std::prev(fetches_.end());
  waiting->timer->start(std::min(request->wait_ms, kFetchWaitMsMax), 0, [this, waiting] {
    auto ended = std::move(*waiting);
    fetches_.erase(waiting);
    ended.request.wait_ms = 0;
    const auto last = try_fetch(ended.id, ended.request, ended.log);
    if (!last) send_error(ended.id, last.error());
  });
}

Result<bool> ClientSession::try_fetch(std::uint64_t id,
                                      const network::Fetch& request,
                                      const LogId& log) {
  const auto* partition = context_.partitions.find(log);
  if (partition == nullptr) return std::unexpected(gone_from_here(context_, log));
  const auto below = partition->high_watermark();
  if (request.cursor >= below && request.wait_ms > 0) return false;
  network::DataHeader header;
  header.topic = request.topic;
  header.partition = log.partition;
  header.incarnation = log.incarnation;
  header.first_offset = request.cursor;
  header.epoch = partition->epoch();
  header.high_watermark = below;
  std::vector<Slice> pieces(1);
  if (request.cursor < below) {
    const auto budget = std::min<std::size_t>(request.bytes_max, kBatchBytesMax);
    auto warm = partition->log()->warm_up(request.cursor, budget);
    if (!warm) return pass(warm);
    if (!*warm && request.wait_ms > 0) return false;
    if (*warm) {  // else there is nothing yet: the disk brings it for the next question
      auto read = partition->log()->read(request.cursor, budget, below);
      if (!read) return pass(read);
      header.batch_count = count_batches(read->slices);
      for (auto& slice : read->slices) pieces.push_back(std::move(slice));
    }
  }
  pieces.front() = Slice::own(network::encode_data_header(header));
  connection_->send(FrameType::kFetch, id, pieces);
  return true;
}

void ClientSession::on_beat(const Frame& frame) {
  const auto beat = network::decode<network::GroupBeat>(frame.payload.bytes);
  if (!beat) return break_off(beat.error());
  if (beat->leaves) {
    context_.memberships.leave(beat->group, beat->member);
    return send(FrameType::kAssignment, frame.id,
                network::encode(network::GroupAssignment{.group = beat->group}));
  }
  auto read = beat_of(*beat, client_id_);
  if (!read) return send_error(frame.id, read.error());
  const auto session_ms = context_.memberships.session_ms();
  const auto push = [self = self_, group = beat->group, session_ms](const Group::Answer& answer) {
    if (*self == nullptr) return false;
    (*self)->send(FrameType::kAssignment, 0, encode_assignment(group, answer, session_ms));
    return true;
  };
  const auto answer = context_.memberships.beat(beat->group, *read, push);
  if (!answer) return send_error(frame.id, answer.error());
  send(FrameType::kAssignment, frame.id, encode_assignment(beat->group, *answer, session_ms));
}

void ClientSession::on_metadata(const Frame& frame) {
  const auto request = network::decode<network::MetadataRequest>(frame.payload.bytes);
  if (!request) return break_off(request.error());
  if (auto current = context_.topics.is_current(); !current)
    return send_error(frame.id, current.error());
  auto open = std::make_shared<std::size_t>(1);
  auto settle = [self = self_, id = frame.id, request = *request, open] {
    if (--*open == 0 && *self != nullptr) (*self)->answer_metadata(id, request);
  };
  for (const auto& name : request->topics) {
    if (context_.topics.find(name) != nullptr || !request->group.empty()) continue;
    if (*open > kFirstUsesMax) break;
    ++*open;
    find_at_first_use(context_, name, [settle](const auto&) { settle(); });
  }
  settle();
}

void ClientSession::answer_metadata(std::uint64_t id, const network::MetadataRequest& request) {
  network::MetadataAnswer answer;
  const bool is_about_group = !request.group.empty() || request.with_offsets;
  if (request.with_offsets) {
    if (auto here = context_.offsets.keeps(request.group); !here)
      return send_error(id, here.error());
  }
  if (is_about_group) answer.coordinator_address = context_.offsets.coordinator(request.group);
  if (request.topics.empty() && !is_about_group) {
    for (const auto* topic : context_.topics.all()) answer.topics.push_back(describe(*topic));
  }
  for (const auto& name : request.topics) {
    if (name == network::kDelayedTopic && context_.delayed != nullptr) {
      answer.topics.push_back(describe(context_.delayed->home()));  // for who sends delayed ones
    } else if (const auto* topic = context_.topics.find(name)) {
      answer.topics.push_back(describe(*topic));
      const GroupReader reader{request.group, request.member, request.instance};
      if (request.with_offsets) add_committed(reader, *topic, answer.topics.back());
    } else {
      answer.unknown.push_back(name);
    }
  }
  send(FrameType::kMetadata, id, network::encode(answer));
}

network::TopicMetadata ClientSession::describe(const TopicDefinition& topic) const {
  network::TopicMetadata metadata{topic.name, topic.incarnation, {}};
  metadata.is_local = topic.is_local;
  if (topic.is_broadcast()) metadata.delivery = network::Delivery::kBroadcast;
  for (std::int32_t p = 0; p < topic.partitions; ++p) {
    const auto leader = context_.leader_of(topic.log(p));
    network::PartitionMetadata described;
    described.partition = PartitionId(p);
    described.leader = leader.node;
    described.leader_address = leader.tcp;
    described.epoch = leader.epoch;
    if (const auto* partition = context_.partitions.find(topic.log(p))) {
      described.epoch = std::max(leader.epoch, partition->epoch());
      described.log_start = partition->log()->start_offset();
      described.high_watermark = partition->high_watermark();
    }
    metadata.partitions.push_back(std::move(described));
  }
  return metadata;
}

void ClientSession::add_committed(const GroupReader& reader,
                                  const TopicDefinition& topic,
                                  network::TopicMetadata& metadata) const {
  for (auto& partition : metadata.partitions) {
    const auto committed = committed_by(context_, reader, topic, partition.partition);
    if (committed && committed->incarnation == topic.incarnation)
      partition.committed = committed->next;
  }
}

void ClientSession::on_admin(const Frame& frame) {
  const auto request = network::decode<network::Admin>(frame.payload.bytes);
  if (!request) return break_off(request.error());
  const auto answer = [self = self_, id = frame.id, command = request->command](auto json) {
    if (*self == nullptr) return;
    if (!json) return (*self)->send_error(id, json.error());
    (*self)->send(FrameType::kAdmin, id, network::encode(network::Admin{command, *json}));
  };
  if (GroupAdmin::is_command(request->command))
    return context_.group_admin.run(request->command, request->json, answer);
  const bool is_ours = context_.topics.is_owner() || is_about_local(context_.topics, request->json);
  if (!is_ours) return send_error(frame.id, not_owner("__topics"));
  run_topic_command(context_.topics, request->command, request->json, answer);
}

void ClientSession::on_partition_moved(const Partition& partition) {
  const bool is_here = context_.partitions.find(partition.id()) != nullptr;
  for (auto next = subscriptions_.begin(); next != subscriptions_.end();) {
    const auto current = next++;  // both may drop it
    if (!current->second.follows(partition.id())) continue;
    if (is_here) {
      push(current->first);
    } else {
      drop_subscription(current->first, gone_from_here(context_, partition.id()));
    }
  }
  for (auto next = fetches_.begin(); next != fetches_.end();) {
    const auto current = next++;
    if (current->log != partition.id()) continue;
    const auto answered = try_fetch(current->id, current->request, current->log);
    if (answered && !*answered) continue;
    if (!answered) send_error(current->id, answered.error());
    fetches_.erase(current);
  }
}

void ClientSession::on_topic_changed(const TopicDefinition& topic, bool removed) {
  for (auto next = subscriptions_.begin(); next != subscriptions_.end();) {
    auto& [id, subscription] = *next++;  // dropping takes it out
    if (subscription.request().topic != topic.name) continue;
    if (removed) {
      drop_subscription(
          id, Error(Errc::kUnknownTopicOrPartition, "\"" + topic.name + "\" was deleted"));
    } else if (!subscription.extend(topic)) {
      drop_subscription(id, Error(Errc::kNotLeader, "\"" + topic.name + "\" has changed"));
    }
  }
}

void ClientSession::on_failure(const Frame& frame) {
  const auto failure = network::decode<network::DeliveryFailure>(frame.payload.bytes);
  if (!failure) return break_off(failure.error());
  count_failure(
      context_, subscriptions_, *failure, [self = self_, id = frame.id](const auto& outcome) {
        if (*self == nullptr) return;
        if (!outcome) return (*self)->send_error(id, outcome.error());
        const network::DeliveryFailureAnswer answer{.deliveries = outcome->deliveries,
                                                    .is_dead_lettered = outcome->is_dead_lettered};
        (*self)->send(FrameType::kDeliveryFailure, id, network::encode(answer));
      });
}

void ClientSession::push_topic(const std::string& topic) {
  for (auto next = subscriptions_.begin(); next != subscriptions_.end();) {
    const auto& [id, subscription] = *next++;  // pushing may drop it
    if (subscription.request().topic == topic) push(id);
  }
}

void ClientSession::push_all() {
  for (auto next = subscriptions_.begin(); next != subscriptions_.end();) push((next++)->first);
}

void ClientSession::push(std::uint64_t subscription) {
  const auto found = subscriptions_.find(subscription);
  if (found == subscriptions_.end()) return;
  const auto has_more = found->second.push();
  if (!has_more) return drop_subscription(subscription, has_more.error());
  if (*has_more) push_next_turn(subscription);
}

void ClientSession::push_next_turn(std::uint64_t subscription) {
  unfinished_.insert(subscription);
  if (next_turn_.is_active()) return;
  next_turn_.start(0, 0, [this] {
    for (const auto id : std::exchange(unfinished_, {})) push(id);
  });
}

void ClientSession::drop_subscription(std::uint64_t id, const Error& why) {
  subscriptions_.erase(id);
  send_error(id, why);
}

void ClientSession::send(FrameType type, std::uint64_t id, Buffer payload) {
  const std::array pieces = {Slice::own(std::move(payload))};
  connection_->send(type, id, pieces);
}

void ClientSession::send_error(std::uint64_t id, const Error& error) {
  send(FrameType::kError, id, network::encode(network::to_message(error)));
}

Error ClientSession::not_owner(const std::string& topic) const {
  const auto leader = context_.leader();
  return {Errc::kNotLeader, "this broker does not own \"" + topic + "\"", leader.tcp};
}

void ClientSession::break_off(const Error& why) {
  context_.logger.warn(
      "client.refused",
      {{"peer", connection_->peer()}, {"client", client_id_}, {"error", why.what()}});
  broken_off_ = why;
  send_error(0, why);
  connection_->close();
}

}  // namespace xylem::broker
