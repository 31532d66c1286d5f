#include "broker/cluster/cluster_metadata.h"

#include "common/check.h"

#include <utility>

namespace xylem::broker {

ClusterMetadata::ClusterMetadata(const Context& context, const Options& options)
    : context_(context),
      options_(options),
      controller_(options.controller),
      contact_ms_(context.clock.monotonic_ms()),
      ticker_(context.loop),
      turn_end_(context.loop),
      worker_("xylem-quorum") {}

ClusterMetadata::~ClusterMetadata() = default;

Result<std::unique_ptr<ClusterMetadata>> ClusterMetadata::open(const Context& context,
                                                               const Options& options) {
  auto store = QuorumStore::open(context.disk, options.directory);
  if (!store) return pass(store, "the metadata quorum's file");
  const bool is_new = (*store)->content() == QuorumContent{};
  std::unique_ptr<ClusterMetadata> made(new ClusterMetadata(context, options));
  auto* it = made.get();
  auto quorum = Quorum::open(
      {.self = options.self},
      {.apply = [it](Bytes command) { return it->apply(command); },
       .snapshot =
           [it] {
             const auto json = it->state_.to_json();
             const auto bytes = bytes_of(json);
             return Buffer(bytes.begin(), bytes.end());
           },
       .restore = [it](Bytes snapshot) { return it->restore(snapshot); }},
      {.clock = context.clock,
       .random = context.random,
       .work =
           [it](std::function<void()> work, std::function<void()> done) {
             auto& loop = it->context_.loop;
             auto task = [work = std::move(work), done = std::move(done), &loop] {
               work();
               loop.answer(done);
             };
             XYLEM_CHECK(it->worker_.submit(std::move(task)));  // a few for each message
           },
       .send =
           [it](ReplicaId to, Buffer message) {
             if (it->peers_ != nullptr) it->peers_->send(to, std::move(message));
           }},
      std::move(*store));
  if (!quorum) return pass(quorum);
  made->quorum_ = std::move(*quorum);
  if (!is_new) return made;
  if (!options.founds) {
    if (auto joins = made->quorum_->join(); !joins) return pass(joins);
    return made;
  }
  std::vector<ReplicaId> members;
  members.reserve(options.members);
  for (std::size_t i = 0; i < options.members; ++i)
    members.emplace_back(static_cast<std::int32_t>(i));
  if (auto founded = made->quorum_->bootstrap(members); !founded) return pass(founded);
  return made;
}

Status ClusterMetadata::start(PeerNetwork& peers) {
  peers_ = &peers;
  if (auto started = quorum_->start(); !started) return started;
  is_started_ = true;
  ticker_.start(kTickMs, kTickMs, [this] { tick(); });
  return {};
}

void ClusterMetadata::close(std::function<void()> done) {
  ticker_.stop();
  if (!is_started_) return done();
  quorum_->close([this, done = std::move(done)] {
    peers_ = nullptr;
    done();
  });
}

void ClusterMetadata::on_message(ReplicaId from, Bytes message) {
  const auto now_ms = context_.clock.monotonic_ms();
  controller_.heard(from, now_ms);
  if (quorum_->leader() == from) contact_ms_ = now_ms;
  if (const auto taken = quorum_->receive(from, message); !taken)
    context_.logger.warn("quorum.refused",
                         {{"from", from.value()}, {"error", taken.error().what()}});
}

void ClusterMetadata::on_reached(ReplicaId peer) {
  controller_.heard(peer, context_.clock.monotonic_ms());
}

void ClusterMetadata::on_refused(ReplicaId peer) {
  controller_.refused(peer, context_.clock.monotonic_ms());
}

void ClusterMetadata::on_command(const std::string& json, std::function<void(Status)> done) {
  // Read where it is applied as well; here so that nonsense does not get into the log.
  if (auto command = command_from_json(json); !command) return done(pass(command));
  if (!is_controller()) return done(fail(Errc::kUnavailable, "this is not the controller"));
  quorum_->propose(bytes_of(json), std::move(done));
}

void ClusterMetadata::propose(const ClusterCommand& command, std::function<void(Status)> done) {
  context_.loop.check_here();
  const auto json = to_json(command);
  if (json.size() > kCommandBytesMax)
    return done(fail(Errc::kMessageTooLarge, "a command of " + std::to_string(json.size()) +
                                                 " bytes; ask for fewer partitions at once"));
  if (is_controller()) return quorum_->propose(bytes_of(json), std::move(done));
  const auto controller = quorum_->leader();
  if (!controller || peers_ == nullptr)
    return done(fail(Errc::kUnavailable, "the root tier has no controller now", "retry"));
  peers_->ask(*controller, json, std::move(done));
}

Status ClusterMetadata::apply(Bytes command) {
  const auto read = command_from_json(text_of(command));
  if (!read) return std::unexpected(read.error());
  auto changes = state_.apply(*read);
  if (!changes) return pass(changes);
  note(*changes);
  return {};
}

Status ClusterMetadata::restore(Bytes snapshot) {
  auto state = ClusterState::from_json(text_of(snapshot));
  if (!state) return pass(state);
  ClusterState::Changes all;
  for (const auto* each : {&state_, &*state}) {
    for (const auto& [id, broker] : each->brokers()) all.brokers.insert(id);
    for (const auto& [name, topic] : each->topics()) all.topics.insert(name);
    for (const auto& placed : each->placed()) all.partitions.insert(placed.log);
  }
  state_ = std::move(*state);
  note(all);
  return {};
}

// Observers hear it when libraft is done with what it does.
void ClusterMetadata::note(const ClusterState::Changes& changes) {
  untold_.brokers.insert(changes.brokers.begin(), changes.brokers.end());
  untold_.topics.insert(changes.topics.begin(), changes.topics.end());
  untold_.partitions.insert(changes.partitions.begin(), changes.partitions.end());
  untold_.forced.insert(untold_.forced.end(), changes.forced.begin(), changes.forced.end());
  if (std::exchange(is_telling_, true)) return;
  turn_end_.add([this] { tell(); });
}

void ClusterMetadata::tell() {
  is_telling_ = false;
  const auto changes = std::exchange(untold_, {});
  for (const auto& observer : observers_) observer(changes);
}

void ClusterMetadata::tick() {
  quorum_->tick();
  if (is_controller()) {
    contact_ms_ = context_.clock.monotonic_ms();
    control();
  } else {
    was_controller_ = false;
  }
  const auto good = quorum_->health();
  if (good || std::exchange(is_sick_, true)) return;
  context_.logger.error("quorum.failed",
                        {{"error", good.error().what()},
                         {"hint", "this member takes no part any more; mend its disk, restart"}});
}

void ClusterMetadata::control() {
  const auto now_ms = context_.clock.monotonic_ms();
  const bool is_new = !std::exchange(was_controller_, true);
  if (is_new) context_.logger.info("controller.began");
  // A process that was stopped itself has not heard the others, who may be well.
  const bool has_stalled = now_ms - std::exchange(controlled_ms_, now_ms) >= kStallMs;
  if (is_new || has_stalled) controller_.begin(state_, now_ms);
  controller_.heard(options_.self, now_ms);
  for (const auto& command : controller_.tick(state_, now_ms)) {
    const auto json = to_json(command);
    context_.logger.info("controller.proposes", {{"command", json}});
    quorum_->propose(bytes_of(json), [](const Status&) {});  // due again if it was not decided
  }
  if (control_) control_();
}

bool ClusterMetadata::hears(ReplicaId peer) const {
  const auto heard_ms = controller_.heard_ms(peer);
  return heard_ms && context_.clock.monotonic_ms() - *heard_ms < kHeardMs;
}

std::uint64_t ClusterMetadata::contact_age_ms() const {
  return static_cast<std::uint64_t>(context_.clock.monotonic_ms() - contact_ms_);
}

}  // namespace xylem::broker
