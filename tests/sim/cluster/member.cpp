#include "tests/sim/cluster/member.h"

#include "common/check.h"
#include "pipe/planted_bug.h"

#include <utility>

namespace xylem::sim {
namespace {

constexpr std::int64_t kAskAgainMs = 400;
constexpr std::uint64_t kWorkUs = 3'000;
constexpr unsigned kSnapshotEntries = 40;
constexpr unsigned kTrailingEntries = 10;

std::vector<broker::ReplicaId> all_members() {
  std::vector<broker::ReplicaId> all;
  for (std::size_t root = 0; root < kRoots; ++root) all.push_back(replica_of(root));
  return all;
}

}  // namespace

Member::Member(Setting& setting, broker::RegisterBroker registration, SimDisk& disk, Hooks hooks)
    : setting_(setting),
      registration_(std::move(registration)),
      disk_(disk),
      hooks_(std::move(hooks)),
      asked_ms_(-kAskAgainMs) {}

bool Member::open(bool founds) {
  auto store = broker::QuorumStore::open(disk_, "/quorum");
  if (!store) {
    setting_.trace.note([&] {
      return "root " + std::to_string(host()) + " cannot start: " + store.error().what();
    });
    return false;
  }
  const bool is_new = (*store)->content() == broker::QuorumContent{};
  auto quorum = broker::Quorum::open({.self = registration_.broker,
                                      .heartbeat_ms = 200,
                                      .snapshot_entries = kSnapshotEntries,
                                      .trailing_entries = kTrailingEntries},
                                     machine(), seams(), std::move(*store));
  XYLEM_CHECK(quorum.has_value());
  quorum_ = std::move(*quorum);
  Status begun;
  if (is_new && founds) begun = quorum_->bootstrap(all_members());
  if (is_new && !founds) begun = quorum_->join();
  if (begun) begun = quorum_->start();
  if (!begun) quorum_.reset();
  return begun.has_value();
}

void Member::close() {
  if (!quorum_) return;
  bool is_closed = false;
  quorum_->close([&] { is_closed = true; });
  while (!is_closed) run_work(1);
  quorum_.reset();
  work_.clear();
}

broker::Quorum::Machine Member::machine() {
  return {.apply = [this](Bytes command) { return apply(command); },
          .snapshot = [this] { return snapshot(); },
          .restore = [this](Bytes snapshot) { return restore(snapshot); }};
}

broker::Quorum::Seams Member::seams() {
  return {
      .clock = setting_.hosts.clock(),
      .random = setting_.random,
      .work = [this](std::function<void()> work_one,
                     std::function<void()> done) { work({std::move(work_one), std::move(done)}); },
      .send = [this](broker::ReplicaId to,
                     Buffer message) { hooks_.send(host_of(to), std::move(message)); }};
}

Status Member::apply(Bytes command) {
  const auto* known = setting_.decisions.applied(applied_, command);
  if (known == nullptr) {
    setting_.history.fail("root " + std::to_string(host()) +
                          " applies what was not decided as number " + std::to_string(applied_) +
                          ": " + std::string(text_of(command)));
    return {};
  }
  setting_.trace.note([&] {
    return "root " + std::to_string(host()) + " applies " + std::to_string(applied_) + ": " +
           std::string(text_of(command));
  });
  ++applied_;
  const auto changes = state_.apply(*known);
  if (!changes) return std::unexpected(changes.error());
  decided(changes->partitions);
  return {};
}

Buffer Member::snapshot() const {
  Buffer all;
  append_be(static_cast<std::uint64_t>(applied_), all);
  append(bytes_of(state_.to_json()), all);
  return all;
}

Status Member::restore(Bytes snapshot) {
  auto state = broker::ClusterState::from_json(text_of(snapshot.subspan(sizeof(std::uint64_t))));
  XYLEM_CHECK(state.has_value());
  applied_ = load_be<std::uint64_t>(snapshot);
  setting_.trace.note([&] {
    return "root " + std::to_string(host()) + " has a snapshot of " + std::to_string(applied_);
  });
  state_ = *std::move(state);
  decided(all_logs());
  return {};
}

std::set<LogId> Member::all_logs() const {
  std::set<LogId> all;
  for (std::size_t partition = 0; partition < kPartitions; ++partition)
    all.insert(setting_.log(partition));
  return all;
}

// With its registration a broker hears of all that was decided before.
void Member::decided(const std::set<LogId>& logs) {
  const auto known = state_.brokers().find(registration_.broker);
  const bool is_ours =
      known != state_.brokers().end() && known->second.instance == registration_.instance;
  if (!is_ours && !is_registered_ && !is_planted(PlantedBug::kLeadAgain)) return;
  if (is_ours) quorum_->joined();
  hooks_.decided(std::exchange(is_registered_, true) ? logs : all_logs());
}

// In order; all that waits is done in one go, as far as it was there when the disk was asked.
void Member::work(Work one) {
  work_.push_back(std::move(one));
  if (std::exchange(is_working_, true)) return;
  setting_.hosts.after(host(), 100 + static_cast<std::int64_t>(setting_.random.below(kWorkUs)),
                       [this] {
                         is_working_ = false;
                         run_work(work_.size());
                       });
}

void Member::run_work(std::size_t count) {
  for (; count > 0; --count) {
    const auto one = std::move(work_.front());
    work_.pop_front();
    one.work();
    one.done();
  }
}

void Member::tick() {
  quorum_->tick();
  control();
  register_again();
}

void Member::control() {
  if (!leads()) return controller_.reset();
  const auto now_ms = setting_.hosts.now_ms();
  if (!controller_) {
    controller_.emplace(broker::Controller::Options());
    controller_->begin(state_, now_ms);
  }
  controller_->heard(registration_.broker, now_ms);
  for (const auto& command : controller_->tick(state_, now_ms)) propose(command);
}

void Member::register_again() {
  const auto now_ms = setting_.hosts.now_ms();
  if (now_ms - asked_ms_ < kAskAgainMs) return;
  const auto known = state_.brokers().find(registration_.broker);
  const bool is_alive = known != state_.brokers().end() && known->second.is_alive;
  const bool is_ours = is_alive && known->second.instance == registration_.instance;
  if (is_ours != has_given_up_) return;
  asked_ms_ = now_ms;
  if (has_given_up_)
    propose(broker::FenceBroker{registration_.broker});
  else
    propose(registration_);
}

void Member::receive(std::size_t from, Bytes message) {
  if (controller_) controller_->heard(replica_of(from), setting_.hosts.now_ms());
  XYLEM_CHECK(quorum_->receive(replica_of(from), message).has_value());
}

void Member::receive_command(Bytes command) {
  if (leads()) quorum_->propose(command, [](const Status&) {});
}

void Member::propose(const broker::ClusterCommand& command) {
  const auto leader = quorum_->leader();
  if (!leader) return;
  const auto text = broker::to_json(command);
  if (leads())
    receive_command(bytes_of(text));
  else
    hooks_.forward(host_of(*leader), Buffer(bytes_of(text).begin(), bytes_of(text).end()));
}

}  // namespace xylem::sim
