#include "network/client/consumed_topic.h"

#include "network/client/group_coordinator.h"
#include "network/client/subscription.h"

#include <algorithm>
#include <utility>

namespace xylem::network {

namespace {

constexpr std::uint64_t kRetryMaxMs = 1'000;  // how late a new topic, or leader, is noticed

}  // namespace

ConsumedTopic::ConsumedTopic(const ClientContext& context,
                             const Consumer::Options& options,
                             const Consumer::Handlers& handlers,
                             GroupCoordinator& coordinator,
                             std::string name,
                             std::string member)
    : context_(context),
      options_(options),
      handlers_(handlers),
      coordinator_(coordinator),
      name_(std::move(name)),
      member_(std::move(member)),
      backoff_(options.backoff_ms, std::min(options.backoff_max_ms, kRetryMaxMs)) {}

std::optional<Cursor> ConsumedTopic::cursor(PartitionId partition) const {
  const auto known = deliveries_.find(partition);
  if (known == deliveries_.end()) return std::nullopt;
  return known->second->cursor();
}

Incarnation ConsumedTopic::incarnation_of(PartitionId partition, const Subscription& asked) const {
  const auto known = cursor(partition);
  return known ? known->incarnation : asked.incarnation();
}

void ConsumedTopic::know_committed(const TopicMetadata& topic) {
  committed_.clear();
  for (const auto& one : topic.partitions) {
    if (!options_.partition && !assigned_) note(one.partition);
    if (one.committed) committed_[one.partition] = {*one.committed, topic.incarnation};
  }
}

std::optional<Cursor> ConsumedTopic::committed(PartitionId partition) const {
  const auto known = committed_.find(partition);
  return known == committed_.end() ? std::nullopt : std::optional(known->second);
}

void ConsumedTopic::assign(std::set<PartitionId> partitions) {
  std::erase_if(servers_, [&](const auto& one) { return !partitions.contains(one.first); });
  std::erase_if(deliveries_, [&](const auto& one) { return !partitions.contains(one.first); });
  for (const auto partition : partitions) note(partition);
  assigned_ = std::move(partitions);
}

std::vector<PartitionId> ConsumedTopic::partitions() const {
  std::vector<PartitionId> known;
  known.reserve(servers_.size());
  for (const auto& [partition, server] : servers_) known.push_back(partition);
  return known;
}

void ConsumedTopic::serve(Subscription& server, const SubscribedPartition& told, const Cursor& at) {
  servers_[told.partition] = {&server, told};
  auto& delivery = delivery_of(told.partition);
  delivery.set_counted(server.is_counted());
  delivery.restart(at);
}

void ConsumedTopic::release(const Subscription& server) {
  if (refreshed_by_ == &server) refreshed_by_ = nullptr;
  if (std::exchange(ready_, std::nullopt)) refresh_.dropped_ready();  // its data comes again
  for (auto& [partition, served] : servers_) {
    if (served.subscription != &server) continue;
    served.subscription = nullptr;
    deliveries_.at(partition)->disconnect();
  }
}

Subscription* ConsumedTopic::server_of(PartitionId partition) const {
  const auto known = servers_.find(partition);
  return known == servers_.end() ? nullptr : known->second.subscription;
}

bool ConsumedTopic::is_served() const {
  return std::ranges::all_of(servers_,
                             [](const auto& one) { return one.second.subscription != nullptr; });
}

void ConsumedTopic::tell_subscribed(const Incarnation& incarnation) {
  refresh_.on_subscribed();
  if (is_served()) reported_.reset();
  if (!handlers_.subscribed) return;
  SubscribeAnswer answer{
      .topic = name_, .incarnation = incarnation, .partitions = {}, .elsewhere = {}};
  for (const auto& [partition, server] : servers_) {
    if (server.subscription == nullptr) {
      answer.elsewhere.push_back({partition, {}});
    } else {
      answer.partitions.push_back(server.told);
    }
  }
  handlers_.subscribed(answer);
}

PartitionDelivery& ConsumedTopic::delivery_of(PartitionId partition) {
  auto& delivery = deliveries_[partition];
  if (delivery == nullptr) {
    const PartitionDelivery::Settings settings{
        .loop = context_.loop,
        .options = options_,
        .handlers = handlers_,
        .acknowledge =
            [this](PartitionId which, Offset next, const Incarnation& incarnation, auto credit,
                   auto refresh_id) {
              if (refresh_id == 0) coordinator_.acknowledged(name_, which, {next, incarnation});
              if (auto* server = server_of(which))
                server->give_credit(which, {next, incarnation}, credit, refresh_id);
            },
        .gap = [this](const Gap& gap) { tell_gap(gap); },
        .drained = [this] { tell_ready_once_drained(); },
        .commit = [this](PartitionId which, const Cursor& next,
                         auto done) { commit_before(which, next, std::move(done)); },
        .is_sent =
            [this](PartitionId which) {
              const auto* server = server_of(which);
              return server == nullptr || server->is_sent();
            },
        .failed =
            [this](PartitionId which, const Cursor& at, const Error& why, auto judged) {
              if (auto* server = server_of(which))
                server->tell_failure(which, at, why, std::move(judged));
            }};
    delivery = std::make_unique<PartitionDelivery>(settings, name_, partition);
    if (is_paused_) delivery->pause();
    if (refresh_.id() != 0) delivery->begin_replay(refresh_.id());
  }
  return *delivery;
}

void ConsumedTopic::commit_before(PartitionId partition,
                                  const Cursor& next,
                                  std::function<void(const Status&)> done) {
  if (options_.group.empty()) return done({});
  if (!coordinator_.is_needed()) {
    if (auto* server = server_of(partition))
      server->commit(partition, next.offset, std::move(done));
    return;
  }
  if (auto kept = coordinator_.commit(name_, partition, next, done); !kept) done(kept);
}

Status ConsumedTopic::on_data(Subscription& from, const Data& data) {
  const auto& header = data.header;
  const bool is_replay = header.refresh_id != 0;
  if (is_replay && header.refresh_id != refresh_.id()) {  // of a cancelled refresh
    from.give_credit(header.partition, {{}, header.incarnation}, data.batches.bytes.size(),
                     header.refresh_id);
    return {};
  }
  if (assigned_ && !assigned_->contains(header.partition)) return {};  // it went elsewhere
  const auto* server = server_of(header.partition);
  const auto known = cursor(header.partition);
  const auto& expected = is_replay           ? refresh_.running()->incarnation
                         : server == nullptr ? from.incarnation()
                                             : known->incarnation;
  if (header.topic != name_ || header.incarnation != expected ||
      (server != nullptr && server != &from))
    return fail(Errc::kCorrupt, "DATA of something that was not subscribed to");
  if (server == nullptr) {  // the topic has grown
    const bool goes_on = known && known->incarnation == from.incarnation();
    serve(from, {.partition = header.partition, .cursor = header.first_offset},
          goes_on ? *known : Cursor{header.first_offset, from.incarnation()});
  }
  if (is_served()) backoff_.reset();
  return delivery_of(header.partition).receive(data);
}

Status ConsumedTopic::on_gap(Subscription& from, const Gap& gap) {
  if (assigned_ && !assigned_->contains(gap.partition)) return {};  // it went elsewhere
  const auto* server = server_of(gap.partition);
  const auto known = cursor(gap.partition);
  const auto& expected = server == nullptr ? from.incarnation() : known->incarnation;
  if (gap.topic != name_ || gap.incarnation != expected || (server != nullptr && server != &from))
    return fail(Errc::kCorrupt, "GAP of something that was not subscribed to");
  if (server == nullptr) {  // the topic has grown
    const bool goes_on = known && known->incarnation == from.incarnation();
    serve(from, {.partition = gap.partition, .cursor = gap.from},
          goes_on ? *known : Cursor{gap.from, from.incarnation()});
  }
  return delivery_of(gap.partition).receive(gap);
}

void ConsumedTopic::tell_gap(const Gap& gap) const {
  if (handlers_.gap) return handlers_.gap(gap);
  context_.logger.warn("consumer.gap", {{"topic", gap.topic},
                                        {"partition", gap.partition.value()},
                                        {"from", gap.from.value()},
                                        {"to", gap.to.value()},
                                        {"reason", to_string(gap.reason)}});
}

void ConsumedTopic::on_reset(Subscription& from, const Refresh& reset) {
  refreshed_by_ = &from;
  switch (refresh_.on_reset(reset)) {
    case RefreshState::Act::kIgnore:
      return;
    case RefreshState::Act::kAcknowledge:
      return from.send_acknowledgement(FrameType::kResetAck, reset);
    case RefreshState::Act::kFinished:
      return from.send_acknowledgement(FrameType::kReadyAck, reset);
    case RefreshState::Act::kTell:
      break;
  }
  ready_.reset();                            // of the one that this cancels
  if (!handlers_.reset && !handlers_.ready)  // it keeps no copy
    return acknowledged(FrameType::kReadyAck, reset);
  for (auto& [partition, delivery] : deliveries_) delivery->begin_replay(reset.refresh_id);
  if (handlers_.reset) return handlers_.reset(reset);
  acknowledged(FrameType::kResetAck, reset);
}

void ConsumedTopic::on_ready(Subscription& from, const Refresh& ready) {
  refreshed_by_ = &from;
  switch (refresh_.on_ready(ready)) {
    case RefreshState::Act::kIgnore:
      return;
    case RefreshState::Act::kAcknowledge:
    case RefreshState::Act::kFinished:
      return from.send_acknowledgement(FrameType::kReadyAck, ready);
    case RefreshState::Act::kTell:
      break;
  }
  ready_ = ready;
  tell_ready_once_drained();
}

void ConsumedTopic::tell_ready_once_drained() {
  if (!ready_) return;
  for (const auto& [partition, delivery] : deliveries_)
    if (!delivery->is_idle()) return;
  const auto ready = *std::exchange(ready_, std::nullopt);
  const auto* running = refresh_.running();
  for (const auto& [partition, delivery] : deliveries_) {
    const auto index = static_cast<std::size_t>(partition.value());
    const auto barrier = index < ready.barrier.size() ? ready.barrier[index] : Offset();
    if (running != nullptr) {
      delivery->end_replay({barrier, running->incarnation});
    } else {
      delivery->drop_replay();
    }
  }
  if (handlers_.ready) return handlers_.ready(ready);
  acknowledged(FrameType::kReadyAck, ready);
}

void ConsumedTopic::acknowledged(FrameType type, const Refresh& refresh) {
  if (type == FrameType::kResetAck) refresh_.acknowledged_reset(refresh.refresh_id);
  if (type == FrameType::kReadyAck) refresh_.acknowledged_ready(refresh.refresh_id);
  if (refreshed_by_ != nullptr) refreshed_by_->send_acknowledgement(type, refresh);
}

void ConsumedTopic::pause() {
  is_paused_ = true;
  for (auto& [partition, delivery] : deliveries_) delivery->pause();
}

void ConsumedTopic::resume() {
  is_paused_ = false;
  for (auto& [partition, delivery] : deliveries_) delivery->resume();
}

void ConsumedTopic::report_once(const Error& why) {
  if (reported_ != why.code()) report(Error(why).within("subscription to " + name_));
  reported_ = why.code();
}

void ConsumedTopic::report(const Error& why) {
  context_.logger.warn("consumer.trouble", {{"topic", name_}, {"error", why.what()}});
  if (handlers_.error) handlers_.error(why);
}

}  // namespace xylem::network
