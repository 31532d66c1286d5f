#include "broker/cluster/placement.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace xylem::broker {
namespace {

using Load = std::map<ReplicaId, std::size_t>;

std::uint64_t mix(std::uint64_t number) {
  number = (number ^ number >> 33U) * 0xff51afd7ed558ccdULL;
  number = (number ^ number >> 33U) * 0xc4ceb9fe1a85ec53ULL;
  return number ^ number >> 33U;
}

// A topic that was deleted and made again, or forced into a new generation, stays where it was.
std::uint64_t place_of(const LogId& log) {
  const auto topic = mix(log.incarnation.topic.high() ^ mix(log.incarnation.topic.low()));
  return mix(topic + static_cast<std::uint64_t>(log.partition.value()));
}

bool contains(const std::vector<ReplicaId>& all, ReplicaId one) {
  return std::ranges::find(all, one) != all.end();
}

Load none_at(std::span<const ReplicaId> brokers) {
  Load load;
  for (const auto broker : brokers) load[broker] = 0;
  return load;
}

void count(const Placed& placed, Load& replicas, Load& leaders) {
  for (const auto replica : placed.replicas) {
    if (const auto found = replicas.find(replica); found != replicas.end()) ++found->second;
  }
  if (placed.replicas.empty()) return;
  if (const auto first = leaders.find(placed.replicas.front()); first != leaders.end())
    ++first->second;
}

std::size_t share_of(std::size_t all, std::size_t brokers) { return (all + brokers - 1) / brokers; }

// The first of `order` that is not taken and not full; where all are full, the one with least.
std::optional<ReplicaId> next_of(const std::vector<ReplicaId>& order,
                                 const std::vector<ReplicaId>& taken,
                                 const Load& load,
                                 std::size_t share) {
  std::optional<ReplicaId> least;
  for (const auto broker : order) {
    if (contains(taken, broker)) continue;
    if (load.at(broker) < share) return broker;
    if (!least || load.at(broker) < load.at(*least)) least = broker;
  }
  return least;
}

// Changes placements until nothing is gained by another change.
class Evening {
 public:
  // Only placements from `first_movable` on change.
  Evening(std::span<const ReplicaId> brokers, std::vector<Placed> placed, std::size_t first_movable)
      : ring_(brokers),
        placed_(std::move(placed)),
        first_movable_(first_movable),
        replicas_(none_at(brokers)),
        leaders_(none_at(brokers)) {
    for (const auto& each : placed_) count(each, replicas_, leaders_);
  }

  std::vector<Placed> run() {
    // What is there to stay, and what is to be placed.
    std::size_t all = 0;
    for (const auto& [broker, number] : replicas_) all += number;
    for (const auto& placed : movable()) {
      all += static_cast<std::size_t>(std::ranges::count_if(
          placed.replicas, [&](ReplicaId replica) { return !replicas_.contains(replica); }));
    }
    for (auto& placed : movable()) replace_gone(placed, share_of(all, replicas_.size()));
    while (move_one()) {
    }
    while (prefer_another()) {
    }
    return std::move(placed_);
  }

 private:
  std::span<Placed> movable() { return std::span(placed_).subspan(first_movable_); }

  void replace_gone(Placed& placed, std::size_t share) {
    for (auto& replica : placed.replicas) {
      if (replicas_.contains(replica)) continue;
      const auto next = next_of(ring_.from(placed.log), placed.replicas, replicas_, share);
      if (!next) return;
      ++replicas_[*next];
      if (&replica == &placed.replicas.front()) ++leaders_[*next];
      replica = *next;
    }
  }

  // One replica from a broker with most to one with least, where that makes them more even.
  bool move_one() {
    for (const auto from : most_first(replicas_)) {
      for (const auto to : least_first(replicas_)) {
        if (replicas_[from] < replicas_[to] + 2) break;
        const auto placed = std::ranges::find_if(movable(), [&](const Placed& one) {
          return contains(one.replicas, from) && !contains(one.replicas, to);
        });
        if (placed == movable().end()) continue;
        auto& replica = *std::ranges::find(placed->replicas, from);
        if (&replica == &placed->replicas.front()) {
          --leaders_[from];
          ++leaders_[to];
        }
        replica = to;
        --replicas_[from];
        ++replicas_[to];
        return true;
      }
    }
    return false;
  }

  bool prefer_another() {
    for (auto& placed : movable()) {
      if (placed.replicas.empty() || !leaders_.contains(placed.replicas.front())) continue;
      const auto least = std::ranges::min_element(placed.replicas, {}, [&](ReplicaId replica) {
        return leaders_.contains(replica) ? leaders_[replica] : SIZE_MAX;
      });
      if (leaders_[placed.replicas.front()] < leaders_[*least] + 2) continue;
      --leaders_[placed.replicas.front()];
      ++leaders_[*least];
      std::rotate(placed.replicas.begin(), least, least + 1);
      return true;
    }
    return false;
  }

  static std::vector<ReplicaId> least_first(const Load& load) {
    std::vector<ReplicaId> order;
    for (const auto& [broker, number] : load) order.push_back(broker);
    std::ranges::sort(order, {},
                      [&](ReplicaId broker) { return std::pair(load.at(broker), broker); });
    return order;
  }

  static std::vector<ReplicaId> most_first(const Load& load) {
    auto order = least_first(load);
    std::ranges::reverse(order);
    return order;
  }

  Ring ring_;
  std::vector<Placed> placed_;
  std::size_t first_movable_;
  Load replicas_;
  Load leaders_;
};

}  // namespace

Ring::Ring(std::span<const ReplicaId> brokers) : brokers_(brokers.size()) {
  for (const auto broker : brokers) {
    const auto base = mix(static_cast<std::uint64_t>(broker.value()) + 1);
    for (std::uint32_t i = 0; i < kRingPoints; ++i) points_.push_back({mix(base + i), broker});
  }
  std::ranges::sort(points_);
}

std::vector<ReplicaId> Ring::from(const LogId& log) const {
  std::vector<ReplicaId> order;
  auto point = std::ranges::lower_bound(points_, place_of(log), {}, &Point::place);
  for (std::size_t i = 0; i < points_.size() && order.size() < brokers_; ++i, ++point) {
    if (point == points_.end()) point = points_.begin();
    if (!contains(order, point->broker)) order.push_back(point->broker);
  }
  return order;
}

Result<std::vector<Placed>> place(std::span<const ReplicaId> brokers,
                                  std::span<const Placed> there,
                                  std::span<const LogId> logs,
                                  std::size_t replicas) {
  if (replicas > brokers.size()) {
    return fail(Errc::kNotEnoughReplicas, std::to_string(replicas) +
                                              " replicas need as many brokers; " +
                                              std::to_string(brokers.size()) + " are there");
  }
  std::vector<Placed> placed(there.begin(), there.end());
  for (const auto& log : logs) placed.push_back({log, std::vector(replicas, kNoReplica)});
  placed = Evening(brokers, std::move(placed), there.size()).run();
  placed.erase(placed.begin(), placed.begin() + static_cast<std::ptrdiff_t>(there.size()));
  return placed;
}

std::vector<Placed> rebalance(std::span<const ReplicaId> brokers, std::span<const Placed> there) {
  if (brokers.empty()) return {};
  auto placed = Evening(brokers, {there.begin(), there.end()}, 0).run();
  std::vector<Placed> changed;
  for (std::size_t i = 0; i < there.size(); ++i) {
    if (placed[i] != there[i]) changed.push_back(std::move(placed[i]));
  }
  return changed;
}

}  // namespace xylem::broker
