#include "tests/sim/cluster/replica_world.h"

#include "pipe/planted_bug.h"

#include <algorithm>
#include <utility>

namespace xylem::sim {

using broker::Replica;
using broker::ReplicaId;

namespace {

constexpr std::size_t kBrokers = 4;
constexpr std::size_t kReplicas = 3;
constexpr std::size_t kAnswerEntries = 3;
constexpr std::size_t kOnTheirWay = 20;  // messages of a kind; older ones are lost
constexpr int kHealingRounds = 1'000;

Offset offset_of(std::size_t index) { return Offset(static_cast<std::int64_t>(index)); }

std::size_t index_of(Offset offset) { return static_cast<std::size_t>(offset.value()); }

template <class T>
T take(std::vector<T>& from, std::size_t at) {
  auto taken = std::move(from[at]);
  from.erase(from.begin() + static_cast<std::ptrdiff_t>(at));
  return taken;
}

template <class T>
void send(std::vector<T>& to, T message) {
  if (to.size() == kOnTheirWay) to.erase(to.begin());
  to.push_back(std::move(message));
}

}  // namespace

ReplicaWorld::ReplicaWorld(std::uint64_t seed) : random_(seed), nodes_(kBrokers) {
  broker::CreateTopic create;
  create.topic.name = "prices";
  create.topic.incarnation.topic = TopicId::from_words(7, 7);
  create.topic.replicas = kReplicas;
  create.topic.min_insync = 2;
  log_ = create.topic.log(0);
  for (auto& node : nodes_) {
    node.disk = Uuid::random(random_);
    node.machine.emplace(id_of(node), Replica::Options());
    enter(node);
    if (create.replicas.empty()) create.replicas.emplace_back();
    if (create.replicas[0].size() < kReplicas) create.replicas[0].push_back(id_of(node));
  }
  decide(create);
}

ReplicaId ReplicaWorld::id_of(const Node& node) const {
  return ReplicaId(static_cast<std::int32_t>(&node - nodes_.data()));
}

Replica::Log ReplicaWorld::facts(const Node& node) const {
  return {Offset(0), offset_of(node.log.size()), offset_of(node.synced),
          node.log.empty() ? kNoEpoch : node.log.back().epoch};
}

// Behind the last entry of `epoch` or an older one.
std::size_t ReplicaWorld::end_of(const std::vector<Entry>& log, Epoch epoch) {
  const auto beyond =
      std::ranges::find_if(log, [&](const Entry& entry) { return entry.epoch > epoch; });
  return static_cast<std::size_t>(beyond - log.begin());
}

std::string ReplicaWorld::run(int events) {
  for (int i = 0; i < events && fault_.empty(); ++i) event();
  return fault_;
}

void ReplicaWorld::event() {
  now_ms_ += static_cast<std::int64_t>(random_.below(40));
  auto& node = nodes_[random_.below(nodes_.size())];
  const auto what = random_.below(100);
  if (what < 20 && !questions_.empty())
    return answer(take(questions_, random_.below(questions_.size())));
  if (what < 40 && !answers_.empty()) return hear(take(answers_, random_.below(answers_.size())));
  if (what == 40) return change_brokers();
  if (what == 41 && !questions_.empty()) return (void)take(questions_, 0);
  if (what == 42 && !answers_.empty()) return (void)take(answers_, 0);
  if (!node.machine) return random_.below(4) == 0 ? start(node) : void();
  if (what == 43) return random_.below(8) == 0 ? lose_disk(node) : crash(node);
  if (what < 55) return append(node);
  if (what < 70) return sync(node);
  if (what < 85) return ask(node);
  if (what < 95) return tell(node);
  act(node, node.machine->tick(now_ms_));
}

void ReplicaWorld::append(Node& leader) {
  const bool may_promise = leader.machine->role() == Replica::Role::kLeader &&
                           leader.machine->keeping_up(now_ms_) >= decided().min_insync;
  if (!may_promise) return;
  leader.log.push_back({leader.machine->epoch(), ++values_});
}

void ReplicaWorld::sync(Node& node) {
  node.synced += random_.below(node.log.size() - node.synced + 1);
  act(node, node.machine->log_moved(facts(node), now_ms_));
}

void ReplicaWorld::ask(Node& follower) {
  if (follower.machine->role() != Replica::Role::kFollower) return;
  const auto log = facts(follower);
  const auto& record = follower.machine->record();
  send(questions_,
       Question{record.leader,
                {follower.machine->id(), record.epoch, log.end, log.synced, record.version},
                log.last_epoch});
}

void ReplicaWorld::answer(const Question& question) {
  auto& leader = node(question.to);
  if (!leader.machine || leader.machine->role() != Replica::Role::kLeader ||
      leader.machine->epoch() != question.fetch.epoch)
    return;
  Answer answer;
  answer.from = question.to;
  answer.to = question.fetch.replica;
  answer.epoch = question.fetch.epoch;
  answer.cursor = index_of(question.fetch.end);
  answer.asked_last_epoch = question.last_epoch;
  const bool is_ours =
      answer.cursor == 0 || (answer.cursor <= leader.log.size() &&
                             leader.log[answer.cursor - 1].epoch == question.last_epoch);
  if (is_ours) {
    const auto end = std::min(leader.log.size(), answer.cursor + kAnswerEntries);
    for (auto i = answer.cursor; i < end; ++i) answer.entries.push_back(leader.log[i]);
    act(leader, leader.machine->fetched(question.fetch, facts(leader), now_ms_));
  } else {  // where the asker's last epoch, or the newest before it, ends here
    const auto end = end_of(leader.log, question.last_epoch);
    answer.cut_back = Ending{end == 0 ? kNoEpoch : leader.log[end - 1].epoch, end};
  }
  answer.high_watermark = leader.machine->high_watermark();
  send(answers_, std::move(answer));
}

void ReplicaWorld::hear(const Answer& answer) {
  auto& follower = node(answer.to);
  if (!follower.machine || follower.machine->role() != Replica::Role::kFollower) return;
  if (answer.cut_back) {
    const auto offset =
        std::min(answer.cut_back->offset, end_of(follower.log, answer.cut_back->epoch));
    const Replica::CutBack cut{answer.from, answer.epoch, offset_of(answer.cursor),
                               answer.asked_last_epoch, offset_of(offset)};
    return act(follower, follower.machine->leader_said(cut, facts(follower)));
  }
  const auto log = facts(follower);
  const bool is_about_us = follower.machine->epoch() == answer.epoch &&
                           index_of(log.end) == answer.cursor &&
                           log.last_epoch == answer.asked_last_epoch;
  if (!is_about_us) return;
  follower.log.insert(follower.log.end(), answer.entries.begin(), answer.entries.end());
  act(follower,
      follower.machine->leader_said(answer.epoch, answer.high_watermark, facts(follower)));
}

void ReplicaWorld::act(Node& node, const Replica::Actions& actions) {
  for (const auto& action : actions) {
    if (const auto* lead = std::get_if<Replica::Lead>(&action)) {
      const bool has_all = node.log.size() >= committed_.size() &&
                           std::equal(committed_.begin(), committed_.end(), node.log.begin());
      // Of an epoch that is over already it does not matter: it commits nothing.
      if (lead->epoch == decided().epoch && !has_all) fail("a leader lacks what was committed");
    } else if (const auto* proposal = std::get_if<Replica::Propose>(&action)) {
      decide(node, *proposal);
    } else if (const auto* commit = std::get_if<Replica::Commit>(&action)) {
      committed(node, commit->high_watermark);
    } else if (const auto* cut = std::get_if<Replica::Truncate>(&action)) {
      ++truncations_;
      node.log.resize(index_of(cut->offset));
      node.synced = std::min(node.synced, node.log.size());
    }
  }
}

void ReplicaWorld::committed(const Node& node, Offset high_watermark) {
  const auto end = index_of(high_watermark);
  if (end > node.synced && node.machine->role() == Replica::Role::kLeader)
    return fail("a leader commits what it has not synced");
  for (std::size_t i = 0; i < end; ++i) {
    if (i >= node.log.size()) return fail("committed beyond the end of a log");
    if (i == committed_.size()) committed_.push_back(node.log[i]);
    if (node.log[i] != committed_[i]) return fail("two records committed at one offset");
  }
}

// The quorum never hears of it, or others were decided first.
void ReplicaWorld::decide(const Node& leader, const Replica::Propose& proposal) {
  if (random_.below(10) == 0) return;
  if (decide(broker::ChangeInSync{{{log_, id_of(leader), proposal.version, proposal.in_sync}}}))
    ++set_changes_;
}

bool ReplicaWorld::decide(const broker::ClusterCommand& command) {
  const auto* before = state_.find(log_);
  const auto epoch = before == nullptr ? kNoEpoch : before->epoch;
  const auto changes = state_.apply(command);
  if (!changes || !changes->partitions.contains(log_)) return false;
  if (decided().epoch != epoch) ++elections_;
  for (auto& node : nodes_) {
    if (node.machine) node.to_hear.push_back(decided());
  }
  return true;
}

// What the controller does: it takes a broker for dead, rightly or not, hears that it is there
// after all, moves replicas, gives leaderships back.
void ReplicaWorld::change_brokers() {
  auto& node = nodes_[random_.below(nodes_.size())];
  const bool is_alive = state_.brokers().at(id_of(node)).is_alive;
  switch (random_.below(8)) {
    case 0:
      if (decide(broker::ReturnLeaders{{log_}})) return;
      break;
    case 1: {
      std::vector<ReplicaId> replicas;
      for (const auto& each : nodes_) replicas.push_back(id_of(each));
      replicas.erase(replicas.begin() + static_cast<std::ptrdiff_t>(random_.below(kBrokers)));
      if (decide(broker::MoveReplicas{{{log_, replicas}}, 0, {"sim", 0}})) ++moves_;
      return;
    }
    default:
      break;
  }
  if (is_alive)
    decide(broker::FenceBroker{id_of(node)});
  else if (node.machine)
    enter(node);
}

void ReplicaWorld::enter(Node& node) {
  decide(broker::RegisterBroker{.broker = id_of(node),
                                .node = "root-" + std::to_string(id_of(node).value()),
                                .instance = {},
                                .disk = node.disk,
                                .clients = "",
                                .pipe = "",
                                .is_clean = false,
                                .unproven = {}});
}

void ReplicaWorld::tell(Node& node) {
  if (node.to_hear.empty()) return;
  const auto record = node.to_hear.front();
  node.to_hear.pop_front();
  act(node, node.machine->decided(record, facts(node), now_ms_));
  if (std::ranges::binary_search(record.replicas, id_of(node))) return;
  node.log.clear();  // it is no replica any more
  node.synced = 0;
}

void ReplicaWorld::crash(Node& node) {
  node.machine.reset();
  node.to_hear.clear();
  node.log.resize(node.synced + random_.below(node.log.size() - node.synced + 1));
  node.synced = node.log.size();  // what a start finds it makes safe
}

// Only while another member of the set still has its own: against the loss of all there is no help.
void ReplicaWorld::lose_disk(Node& lost) {
  const bool is_kept = std::ranges::any_of(decided().in_sync, [&](ReplicaId member) {
    return member != id_of(lost) && node(member).disk == state_.brokers().at(member).disk;
  });
  if (!is_kept) return;
  crash(lost);
  lost.log.clear();
  lost.synced = 0;
  lost.disk = Uuid::random(random_);
  ++disks_lost_;
}

// Whoever led before it died leads no more: another epoch begins, be it with the same one. What was
// decided before it is registered, it does not hear.
void ReplicaWorld::start(Node& node) {
  node.machine.emplace(id_of(node), Replica::Options());
  if (!is_planted(PlantedBug::kLeadAgain)) enter(node);
  node.to_hear.assign(1, decided());
}

std::string ReplicaWorld::heal() {
  for (auto& node : nodes_) {
    if (!node.machine) start(node);
    if (!state_.brokers().at(id_of(node)).is_alive) enter(node);
  }
  for (int round = 0; round < kHealingRounds && fault_.empty(); ++round) {
    now_ms_ += 10;
    for (auto& node : nodes_) {
      while (!node.to_hear.empty()) tell(node);
      node.synced = node.log.size();
      act(node, node.machine->log_moved(facts(node), now_ms_));
      ask(node);
    }
    while (!questions_.empty()) answer(take(questions_, 0));
    while (!answers_.empty()) hear(take(answers_, 0));
    for (auto& node : nodes_) act(node, node.machine->tick(now_ms_));
    const auto& record = decided();
    const bool are_equal = std::ranges::all_of(
        record.replicas, [&](ReplicaId replica) { return node(replica).log == committed_; });
    if (are_equal && record.in_sync == record.replicas && record.moving_to.empty()) return fault_;
  }
  return fault_.empty() ? "the replicas do not become equal" : fault_;
}

void ReplicaWorld::fail(const std::string& what) {
  if (fault_.empty()) fault_ = what;
}

}  // namespace xylem::sim
