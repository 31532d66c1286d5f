#include "tests/sim/cluster/cluster_world.h"

#include "broker/cluster/controller.h"

#include <algorithm>

namespace xylem::sim {
namespace {

constexpr std::int64_t kStartMs = 20'000;  // at most
constexpr std::int64_t kHealMs = 40'000;   // at most
constexpr std::int64_t kLookMs = 200;

}  // namespace

ClusterWorld::ClusterWorld(std::uint64_t seed, bool is_traced)
    : setting_(seed), troubles_(setting_, roots_, edges_) {
  if (is_traced) setting_.trace.turn_on();
  for (std::size_t host = 0; host < kRoots; ++host)
    roots_.push_back(&root_brokers_.emplace_back(setting_, host, roots_));
  for (std::size_t host = kFirstEdge; host < kFirstProducer; ++host)
    edges_.push_back(&edge_nodes_.emplace_back(setting_, host));
  for (std::size_t host = kFirstProducer; host < kHosts; ++host)
    producers_.emplace_back(setting_, host, roots_);
  std::ranges::copy(roots_, setting_.nodes.begin());
  std::ranges::copy(edges_, setting_.nodes.begin() + kFirstEdge);
}

std::string ClusterWorld::run(std::int64_t seconds) {
  begin();
  if (setting_.history.fault().empty()) {
    troubles_.begin();
    run_for(seconds * 1'000);
  }
  if (setting_.history.fault().empty()) heal();
  return setting_.history.fault();
}

void ClusterWorld::run_for(std::int64_t ms) {
  setting_.hosts.run_for(ms * 1'000, [this] { return !setting_.history.fault().empty(); });
}

bool ClusterWorld::run_until(std::int64_t ms, const std::function<bool()>& is_so) {
  for (std::int64_t past_ms = 0; past_ms < ms && setting_.history.fault().empty();
       past_ms += kLookMs) {
    if (is_so()) return true;
    run_for(kLookMs);
  }
  return is_so();
}

// Everybody is registered, and the topic is there.
void ClusterWorld::begin() {
  for (auto* root : roots_) root->start();
  for (auto* edge : edges_) edge->start();
  const bool is_made = run_until(kStartMs, [this] {
    const auto all = std::ranges::all_of(roots_, &RootBroker::is_registered);
    const auto leader = std::ranges::find_if(roots_, &RootBroker::leads_quorum);
    if (!all || leader == roots_.end()) return false;
    if (setting_.record(0) != nullptr) return true;
    if (const auto plan = broker::plan_creation(setting_.decisions.state(), setting_.topic))
      (*leader)->propose(*plan);
    return false;
  });
  if (!is_made) return setting_.history.fail("no topic could be made, though nothing was wrong");
  for (auto& producer : producers_) producer.start();
}

// With all in order again: everything catches up, and writes work.
void ClusterWorld::heal() {
  troubles_.end();
  for (auto& producer : producers_) producer.finish();
  if (run_until(kHealMs, [this] { return is_stranded() || unhealed().empty(); }))
    return check_stranded();
  setting_.history.fail("not healed after " + std::to_string(kHealMs / 1'000) +
                        " s: " + unhealed());
}

bool ClusterWorld::is_stranded() const {
  if (troubles_.disks_lost() == 0) return false;
  for (std::size_t partition = 0; partition < kPartitions; ++partition) {
    if (setting_.record(partition)->in_sync.empty()) return true;
  }
  return false;
}

// What an operator would choose from must be there.
void ClusterWorld::check_stranded() {
  for (std::size_t partition = 0; partition < kPartitions; ++partition) {
    const bool is_kept = std::ranges::any_of(roots_, [&](const RootBroker* root) {
      return setting_.history.has_all(partition, root->log(partition));
    });
    if (!is_kept)
      setting_.history.fail("lost: no disk has all of partition " + std::to_string(partition));
  }
}

std::string ClusterWorld::unhealed() const {
  for (const auto* root : roots_) {
    const auto name = "root " + std::to_string(root->host());
    if (!root->is_registered()) return name + " is not registered";
    if (root->applied() != setting_.decisions.size()) return name + " lacks decisions";
  }
  for (std::size_t partition = 0; partition < kPartitions; ++partition) {
    if (auto what = unhealed(partition); !what.empty())
      return "partition " + std::to_string(partition) + ": " + what;
  }
  if (!std::ranges::all_of(producers_, &Producer::is_done)) return "writes do not work";
  return {};
}

std::string ClusterWorld::unhealed(std::size_t partition) const {
  const auto& record = *setting_.record(partition);
  if (record.leader == broker::kNoReplica) return "nobody leads";
  if (!record.moving_to.empty()) return "it moves";
  if (record.in_sync != record.replicas) return "not all are in sync";
  for (const auto replica : record.replicas) {
    if (!setting_.history.is_whole(partition, roots_[host_of(replica)]->log(partition)))
      return "root " + std::to_string(replica.value()) + " differs from what was committed";
  }
  for (const auto* edge : edges_) {
    if (!setting_.history.is_whole(partition, edge->log(partition)))
      return "edge " + std::to_string(edge->host()) + " lacks what was committed";
  }
  return {};
}

ClusterWorld::Covered ClusterWorld::covered() const {
  Covered covered;
  covered.acknowledged = setting_.history.acknowledgements();
  covered.decisions = setting_.decisions.size();
  for (std::size_t partition = 0; partition < kPartitions; ++partition) {
    if (const auto* record = setting_.record(partition))
      covered.epochs += static_cast<std::uint64_t>(record->epoch.value());
  }
  covered.troubles = static_cast<std::uint64_t>(troubles_.count());
  covered.disks_lost = static_cast<std::uint64_t>(troubles_.disks_lost());
  covered.stranded = setting_.record(0) != nullptr && is_stranded() ? 1 : 0;
  return covered;
}

ClusterWorld::Covered& ClusterWorld::Covered::operator+=(const Covered& other) {
  acknowledged += other.acknowledged;
  decisions += other.decisions;
  epochs += other.epochs;
  troubles += other.troubles;
  disks_lost += other.disks_lost;
  stranded += other.stranded;
  return *this;
}

}  // namespace xylem::sim
