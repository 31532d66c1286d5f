// Where replicas go: a consistent-hash ring with virtual nodes, and even loads.
//
// A broker stands at kRingPoints places of a ring of 64-bit numbers. A partition's replicas are the
// first distinct brokers from the partition's own place on that are not full; full is the even
// share, rounded up (consistent hashing with bounded loads, Mirrokni, Thorup and Zadimoghaddam,
// 2016). So a broker that comes takes about its share, one that goes leaves only its own, and
// nothing else moves. Of a partition's replicas the one that leads fewest is preferred.
//
// The same input gives the same result on every broker and in every version: the hash is fixed
// (the finalizer of MurmurHash3), and tests hold it to numbers.
// Threads: any; everything is pure.
#pragma once

#include "broker/cluster/partition_record.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstdint>
#include <span>
#include <vector>

namespace xylem::broker {

struct Placed {
  LogId log;
  std::vector<ReplicaId> replicas;  // each once; the preferred leader first

  bool operator==(const Placed&) const = default;
};

class Ring {
 public:
  static constexpr std::uint32_t kRingPoints = 64;  // of each broker

  explicit Ring(std::span<const ReplicaId> brokers);

  // All brokers, in the order in which they are met from the partition's place on.
  [[nodiscard]] std::vector<ReplicaId> from(const LogId& log) const;

 private:
  struct Point {
    std::uint64_t place = 0;
    ReplicaId broker;
    auto operator<=>(const Point&) const = default;
  };

  std::vector<Point> points_;  // sorted
  std::size_t brokers_ = 0;
};

// Places for `logs`, beside what is `there`. kNotEnoughReplicas: more replicas than brokers.
Result<std::vector<Placed>> place(std::span<const ReplicaId> brokers,
                                  std::span<const Placed> there,
                                  std::span<const LogId> logs,
                                  std::size_t replicas);

// What of `there` has to change so that all replicas are on `brokers`, and replicas and preferred
// leaders even: no two brokers differ by more than one where the rest can stay. Where there are
// fewer brokers than replicas, a partition keeps those that are gone.
std::vector<Placed> rebalance(std::span<const ReplicaId> brokers, std::span<const Placed> there);

}  // namespace xylem::broker
