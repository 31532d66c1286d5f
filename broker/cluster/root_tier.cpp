#include "broker/cluster/root_tier.h"

#include <set>
#include <utility>

namespace xylem::broker {
namespace {

constexpr std::uint64_t kLookMs = 100;
constexpr std::uint64_t kLeaveMsMax = 1'000;
constexpr std::int64_t kComplainMs = 5'000;

}  // namespace

RootTier::RootTier(const Context& context, const Options& options)
    : context_(context),
      options_(options),
      looker_(context.pipe.loop),
      leaver_(context.pipe.loop) {}

RootTier::~RootTier() = default;

Result<std::unique_ptr<RootTier>> RootTier::open(const Context& context, const Options& options) {
  std::unique_ptr<RootTier> made(new RootTier(context, options));
  if (auto opened = made->open_metadata(); !opened) return pass(opened);
  made->note_unproven();
  auto* it = made.get();
  const auto& pipe = context.pipe;
  it->replicas_.emplace(
      Replicas::Context{pipe.loop, pipe.clock, pipe.logger, context.partitions, *it->metadata_,
                        context.storage},
      options.self,
      Replicas::Hooks{
          .follow = [it](const LogId& log,
                         ReplicaId leader) { it->followers_->follow(log, leader); },
          .rest = [it](const LogId& log) { it->followers_->rest(log); },
          .moved = [it](const Partition& partition) { it->followers_->moved(partition); },
          .changed =
              [it](const LogId& log) {
                if (it->changed_) it->changed_(log);
              },
          .filled = [it](const LogId& log) { it->context_.known_logs.add(log); },
          .left = [it](const LogId& log) { it->context_.known_logs.remove(log); },
          .damaged = [it](const LogId& log) { it->on_damage(log); }});
  it->followers_.emplace(
      Followers::Context{pipe, context.connector, *it->replicas_, *it->metadata_},
      pipe::PipeClient::Options{
          .node = options.peers[static_cast<std::size_t>(options.self.value())].node,
          .cluster = options.cluster,
          .replica = options.self.value(),
          .bytes_max = options.pipe_bytes_max,
          .wait_ms = options.pipe_wait_ms},
      options.move_bytes_per_s);
  it->topics_.emplace(
      ClusterTopics::Context{pipe.loop, pipe.clock, pipe.logger, *it->metadata_, context.partitions,
                             context.topics, [it] { return it->replicas_->is_active(); }},
      options.peers.size());
  context.topics.start(*it->topics_);
  it->open_offsets();
  it->metadata_->observe([it](const ClusterState::Changes& changes) { it->on_changes(changes); });
  it->metadata_->on_control([it] { it->topics_->control(); });
  return made;
}

Status RootTier::open_metadata() {
  const auto& pipe = context_.pipe;
  auto metadata =
      ClusterMetadata::open({pipe.loop, pipe.clock, pipe.random, pipe.logger, context_.disk},
                            {.self = options_.self,
                             .members = options_.peers.size(),
                             .directory = options_.directory,
                             .founds = options_.founds,
                             .controller = {}});
  if (!metadata) return pass(metadata);
  metadata_ = std::move(*metadata);
  peers_.emplace(
      PeerNetwork::Context{pipe.loop, pipe.clock, pipe.random, pipe.logger, context_.client,
                           context_.server},
      PeerNetwork::Options{options_.self, options_.peers, options_.cluster},
      PeerNetwork::Hooks{
          .message = [this](ReplicaId from, Bytes bytes) { metadata_->on_message(from, bytes); },
          .command =
              [this](const std::string& json, std::function<void(Status)> done) {
                metadata_->on_command(json, std::move(done));
              },
          .reached = [this](ReplicaId peer) { metadata_->on_reached(peer); },
          .refused = [this](ReplicaId peer) { metadata_->on_refused(peer); }});
  return {};
}

void RootTier::open_offsets() {
  const auto& pipe = context_.pipe;
  offsets_.emplace(OffsetsLog::Context{pipe.loop, pipe.clock, pipe.logger, context_.partitions},
                   CoordinatedOffsets::Hooks{.leader_address =
                                                 [this](const LogId& log) {
                                                   const auto leader = leader_of(log);
                                                   return leader ? leader->clients : std::string();
                                                 },
                                             .exists =
                                                 [this](const Incarnation& topic) {
                                                   return metadata_->state().find(topic) != nullptr;
                                                 }});
  context_.partitions.observe([this](const Partition& moved) { offsets_->on_moved(moved); });
}

// Opening recovers them. What has lost something, cannot be opened or is not there any more proves
// nothing.
void RootTier::note_unproven() {
  std::set<LogId> there;
  for (const auto& name : context_.storage.logs()) {
    there.insert(name.id);
    const auto log = context_.storage.open(name, {});
    const bool is_proven = log && (*log)->lost().empty() && (*log)->writable();
    if (!is_proven) note_unproven(name.id, log ? "damaged" : log.error().what());
  }
  for (const auto& log : context_.known_logs.all()) {
    if (!there.contains(log)) note_unproven(log, "it is not there any more");
  }
}

// More than one command holds is as good as another disk.
void RootTier::note_unproven(const LogId& log, const std::string& why) {
  context_.pipe.logger.error("replica.unproven", {{"topic", log.incarnation.topic.text()},
                                                  {"partition", log.partition.value()},
                                                  {"error", why}});
  if (unproven_.size() < kChangesMax)
    unproven_.push_back(log);
  else
    options_.disk = options_.instance;
}

// Registers anew, as who has lost it: the others take it out of the set, and over from it.
void RootTier::on_damage(const LogId& log) {
  context_.pipe.logger.error("replica.damaged",
                             {{"topic", log.incarnation.topic.text()},
                              {"partition", log.partition.value()},
                              {"hint", "it leaves the in-sync set and is pulled anew"}});
  options_.instance = Uuid::random(context_.pipe.random);
  if (damaged_.size() < kChangesMax) damaged_.push_back(log);
}

Status RootTier::start(const network::Address& address) {
  if (auto port = peers_->start(address); !port) return pass(port);
  if (auto started = metadata_->start(*peers_); !started) return started;
  looker_.start(kLookMs, kLookMs, [this] { look(); });
  return {};
}

void RootTier::register_at(const std::string& clients, const std::string& pipe) {
  clients_ = clients;
  pipe_ = pipe;
}

bool RootTier::is_registered() const {
  const auto& brokers = metadata_->state().brokers();
  const auto self = brokers.find(options_.self);
  return self != brokers.end() && self->second.is_alive &&
         self->second.instance == options_.instance;
}

// Registers where that is due.
void RootTier::look() {
  if (is_registered() || clients_.empty() || replicas_->is_out()) return;
  complain();
  if (std::exchange(is_asking_, true)) return;
  const bool is_here = replicas_->is_active();
  metadata_->propose(
      RegisterBroker{.broker = options_.self,
                     .node = options_.peers[static_cast<std::size_t>(options_.self.value())].node,
                     .instance = options_.instance,
                     .disk = options_.disk,
                     .clients = clients_,
                     .pipe = pipe_,
                     .is_clean = is_here || options_.is_clean,
                     .unproven = is_here ? damaged_ : unproven_},
      [this](const Status& done) {
        is_asking_ = false;
        if (done) return;
        const bool is_wrong =
            done.error().code() != Errc::kUnavailable && done.error().code() != Errc::kNotLeader;
        if (is_wrong)
          context_.pipe.logger.error("broker.not_registered", {{"error", done.error().what()}});
      });
}

// Says now and then whom this broker waits for.
void RootTier::complain() {
  const auto now_ms = context_.pipe.clock.monotonic_ms();
  if (complained_ms_ == 0) complained_ms_ = now_ms;
  if (now_ms - complained_ms_ < kComplainMs) return;
  complained_ms_ = now_ms;
  std::string silent;
  for (const auto& peer : options_.peers) {
    const ReplicaId number(static_cast<std::int32_t>(&peer - options_.peers.data()));
    if (number == options_.self || metadata_->hears(number)) continue;
    silent += (silent.empty() ? "" : ", ") + peer.node + " at " + peer.address.text();
  }
  context_.pipe.logger.warn(
      "broker.not_registered",
      {{"silent", silent},
       {"hint", "more than half of ROOT_PEERS must be up, and reach each other's RAFT_PORT"}});
}

void RootTier::on_changes(const ClusterState::Changes& changes) {
  if (is_registered()) {
    damaged_.clear();
    complained_ms_ = 0;
  }
  for (const auto& forced : changes.forced) {
    context_.pipe.logger.warn("cluster.forced", {{"what", forced.what},
                                                 {"who", forced.order.who},
                                                 {"at_ms", forced.order.at_ms},
                                                 {"result", forced.result}});
  }
  if (!replicas_->is_active() && is_registered()) {
    context_.pipe.logger.info("broker.registered", {{"number", options_.self.value()}});
    metadata_->registered();
    replicas_->activate();
  } else {
    replicas_->on_changes(changes);
  }
  followers_->on_changes(changes);
  topics_->on_changes(changes);
  offsets_->on_leaders_changed();
  if (!changes.topics.empty()) offsets_->on_topics_changed();
}

pipe::PipeSource& RootTier::offer(const Offer& own) {
  return offer_.emplace(own, *metadata_, *replicas_, options_.self);
}

std::optional<RootBroker> RootTier::leader_of(const LogId& log) const {
  const auto* record = metadata_->state().find(log);
  if (record == nullptr) return std::nullopt;
  const auto& brokers = metadata_->state().brokers();
  const auto leader = brokers.find(record->leader);
  if (leader == brokers.end()) return std::nullopt;
  return leader->second;
}

std::optional<RootBroker> RootTier::reader_of(const LogId& log) const {
  const auto* record = metadata_->state().find(log);
  if (metadata_->has_quorum() || record == nullptr || metadata_->hears(record->leader))
    return leader_of(log);
  const auto& brokers = metadata_->state().brokers();
  for (const auto replica : record->in_sync) {
    const auto known = brokers.find(replica);
    if (replica != options_.self && known != brokers.end() && metadata_->hears(replica))
      return known->second;
  }
  return leader_of(log);
}

Epoch RootTier::epoch_of(const LogId& log) const {
  const auto* record = metadata_->state().find(log);
  return record == nullptr ? kNoEpoch : record->epoch;
}

TopicDefinition RootTier::decided(const TopicDefinition& topic) const {
  const auto& topics = metadata_->state().topics();
  const auto found = topics.find(topic.name);
  return found == topics.end() ? topic : found->second.topic;
}

Status RootTier::ready() const {
  if (auto good = metadata_->health(); !good) return good;
  if (replicas_->is_out()) return fail(Errc::kIo, "a log failed; this broker leads nothing");
  if (replicas_->is_active() && is_registered()) return {};
  return fail(Errc::kUnavailable, "not registered with the root tier yet");
}

void RootTier::close_at_once(std::function<void()> done) {
  looker_.stop();
  metadata_->close(std::move(done));
}

void RootTier::close(std::function<void()> done) {
  looker_.stop();
  auto leave = [this, done = std::move(done), is_left = false]() mutable {
    leaver_.stop();
    if (!std::exchange(is_left, true)) metadata_->close(std::move(done));
  };
  auto once = std::make_shared<decltype(leave)>(std::move(leave));
  if (!is_registered()) return (*once)();
  leaver_.start(kLeaveMsMax, 0, [once] { (*once)(); });
  metadata_->propose(FenceBroker{options_.self}, [this, once](const Status&) {
    context_.pipe.loop.answer([once] { (*once)(); });  // not inside the quorum's callback
  });
}

}  // namespace xylem::broker
