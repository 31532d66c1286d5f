#include "tests/sim/cluster/troubles.h"

#include <algorithm>

namespace xylem::sim {
namespace {

constexpr std::int64_t kTurnUs = 100'000;
constexpr std::uint64_t kRestartIn = 12;  // turns, about
constexpr std::uint64_t kRoomIn = 20;
constexpr std::int64_t kFastSyncUs = 5'000;
constexpr std::int64_t kSecondUs = 1'000'000;

}  // namespace

const std::array<Troubles::Trouble, Troubles::kKinds> Troubles::kTroubles{
    &Troubles::change_weather,
    &Troubles::cut_link,
    &Troubles::cut_off,
    &Troubles::pause,
    &Troubles::crash,
    &Troubles::cut_power,
    &Troubles::cut_power_of_all,
    &Troubles::fill_disk,
    &Troubles::slow_disk,
    &Troubles::fail_disk,
    &Troubles::lose_disk,
    &Troubles::jump_clock,
    &Troubles::move_replicas,
    &Troubles::take_for_dead,
    &Troubles::change_parents};

Troubles::Troubles(Setting& setting,
                   const std::vector<RootBroker*>& roots,
                   const std::vector<Edge*>& edges)
    : setting_(setting), roots_(roots), edges_(edges) {
  const auto calm = setting_.random.below(4);
  for (auto& one_in : one_in_) one_in = 15U << (calm + setting_.random.below(6));
}

bool Troubles::by_chance(std::uint64_t one_in) { return setting_.random.below(one_in) == 0; }

std::int64_t Troubles::up_to_us(std::int64_t us) {
  return static_cast<std::int64_t>(setting_.random.below(static_cast<std::uint64_t>(us)));
}

std::size_t Troubles::any_node() { return setting_.random.below(kFirstProducer); }

RootBroker& Troubles::any_root() { return *roots_[setting_.random.below(kRoots)]; }

Edge& Troubles::any_edge() { return *edges_[setting_.random.below(edges_.size())]; }

void Troubles::begin() {
  setting_.hosts.happen(kTurnUs, [this] {
    if (is_over_)
      restore();
    else
      turn();
    begin();
  });
}

void Troubles::turn() {
  repair();
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    if (!by_chance(one_in_[kind])) continue;
    ++count_;
    (this->*kTroubles[kind])();
  }
}

// What is down starts by and by, disks get room, who is sick is started anew.
void Troubles::repair() {
  for (auto* root : roots_) {
    const bool is_sick = root->has_fenced_log();
    if (is_sick && by_chance(kRestartIn)) root->stop(Node::End::kProcess);
    if (!root->is_up() && by_chance(kRestartIn)) root->start();
    if (root->disk().is_full && by_chance(kRoomIn)) root->set_full(false);
    if (root->is_rebuilding() && root->is_registered() && is_in_sync(root->host()))
      root->is_rebuilt();
  }
  for (auto* edge : edges_) {
    if (edge->has_fenced_log() && by_chance(kRestartIn)) edge->stop(Node::End::kProcess);
    if (by_chance(kRestartIn)) edge->start();
    if (by_chance(kRoomIn)) edge->disk().is_full = false;
  }
  for (auto* node : setting_.nodes) {
    if (by_chance(kRoomIn)) node->disk().sync_us = std::min(node->disk().sync_us, kFastSyncUs);
  }
}

void Troubles::end() {
  is_over_ = true;
  setting_.network.heal();
  setting_.hosts.resume_all();
  for (auto* root : roots_) root->set_full(false);
  for (auto* node : setting_.nodes) node->disk() = {.sync_us = kFastSyncUs};
  restore();
}

// Who is sick starts anew, who is down starts.
void Troubles::restore() {
  for (auto* root : roots_) {
    if (root->has_fenced_log()) root->stop(Node::End::kProcess);
    root->start();
  }
  for (auto* edge : edges_) {
    if (edge->has_fenced_log()) edge->stop(Node::End::kProcess);
    edge->start();
  }
}

void Troubles::change_weather() {
  Network::Weather weather;
  weather.lost_percent = by_chance(2) ? setting_.random.below(25) : 0;
  weather.doubled_percent = by_chance(2) ? setting_.random.below(20) : 0;
  weather.late_percent = by_chance(2) ? setting_.random.below(30) : 0;
  weather.delay_us = 1'000 + up_to_us(30'000);
  weather.late_us = 50'000 + up_to_us(2 * kSecondUs);
  setting_.network.set_weather(weather);
}

void Troubles::cut_link() {
  const auto from = setting_.random.below(kHosts);
  const auto to = setting_.random.below(kHosts);
  const auto for_us = up_to_us(6 * kSecondUs);
  setting_.trace.note(
      [&] { return "link " + std::to_string(from) + " -> " + std::to_string(to) + " is cut"; });
  setting_.network.cut(from, to, for_us);
  if (by_chance(2)) setting_.network.cut(to, from, for_us);
}

// From the other brokers, or from all; in one direction or in both.
void Troubles::cut_off() {
  const auto host = any_node();
  const auto others = by_chance(2) ? kRoots : kHosts;
  const bool is_deaf = by_chance(2);
  const bool is_dumb = !is_deaf || by_chance(2);
  const auto for_us = up_to_us(6 * kSecondUs);
  setting_.trace.note([&] { return "host " + std::to_string(host) + " is cut off"; });
  for (std::size_t other = 0; other < others; ++other) {
    if (is_deaf) setting_.network.cut(other, host, for_us);
    if (is_dumb) setting_.network.cut(host, other, for_us);
  }
}

void Troubles::pause() {
  const auto host = any_node();
  setting_.trace.note([&] { return "host " + std::to_string(host) + " stands still"; });
  setting_.hosts.pause(host, kSecondUs / 10 + up_to_us(5 * kSecondUs));
}

void Troubles::crash() { setting_.nodes[any_node()]->stop(Node::End::kProcess); }

void Troubles::cut_power() {
  auto& root = any_root();
  if (by_chance(3))
    any_edge().stop(Node::End::kPower);
  else if (by_chance(2))
    root.cut_power_soon();
  else
    root.stop(Node::End::kPower);
}

void Troubles::cut_power_of_all() {
  for (auto* root : roots_) root->stop(Node::End::kPower);
  if (!by_chance(3)) return;
  for (auto* edge : edges_) edge->stop(Node::End::kPower);
}

void Troubles::fill_disk() {
  if (by_chance(3))
    any_edge().disk().is_full = true;
  else
    any_root().set_full(true);
}

void Troubles::slow_disk() {
  setting_.nodes[any_node()]->disk().sync_us = 50'000 + up_to_us(kSecondUs);
}

void Troubles::fail_disk() {
  if (by_chance(3))
    any_edge().disk().fails_sync = true;
  else
    any_root().fail_soon();
}

bool Troubles::is_in_sync(std::size_t root) const {
  for (std::size_t partition = 0; partition < kPartitions; ++partition) {
    const auto& record = *setting_.record(partition);
    if (broker::is_member(replica_of(root), record.replicas) &&
        !broker::is_member(replica_of(root), record.in_sync))
      return false;
  }
  return true;
}

bool Troubles::may_lose(std::size_t root) const {
  for (const auto* other : roots_) {
    if (other->is_rebuilding()) return false;
  }
  for (std::size_t partition = 0; partition < kPartitions; ++partition) {
    const auto& in_sync = setting_.record(partition)->in_sync;
    if (in_sync.empty() || in_sync == broker::ReplicaSet{replica_of(root)}) return false;
  }
  return true;
}

void Troubles::lose_disk() {
  auto& root = any_root();
  if (!may_lose(root.host())) return;
  root.stop(Node::End::kPower);
  ++disks_lost_;
  setting_.trace.note([&] { return "root " + std::to_string(root.host()) + " loses its disk"; });
  if (by_chance(3))
    root.rot(setting_.random.below(kPartitions));
  else
    root.lose_disk();
}

void Troubles::jump_clock() {
  setting_.hosts.clock().jump_wall_ms(up_to_us(20'000'000) - 10'000'000);
}

void Troubles::move_replicas() {
  std::vector<broker::ReplicaId> to;
  while (to.size() < kReplicas) {
    const auto one = replica_of(setting_.random.below(kRoots));
    if (std::ranges::find(to, one) == to.end()) to.push_back(one);
  }
  any_root().propose(broker::MoveReplicas{
      {{setting_.log(setting_.random.below(kPartitions)), to}}, 0, {"sim", 0}});
}

void Troubles::take_for_dead() {
  any_root().propose(broker::FenceBroker{replica_of(setting_.random.below(kRoots))});
}

void Troubles::change_parents() { any_edge().change_parents(); }

}  // namespace xylem::sim
