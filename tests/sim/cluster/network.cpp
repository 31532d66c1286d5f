#include "tests/sim/cluster/network.h"

#include <algorithm>

namespace xylem::sim {

namespace {

constexpr std::int64_t kFastestUs = 200;

}  // namespace

Network::Network(Hosts& hosts, Random& random)
    : hosts_(hosts), random_(random), cut_until_us_(hosts.count() * hosts.count()) {}

std::int64_t& Network::cut_until_us(std::size_t from, std::size_t to) {
  return cut_until_us_[from * hosts_.count() + to];
}

std::int64_t Network::delay_us() {
  const bool is_late = random_.below(100) < weather_.late_percent;
  const auto longest_us = is_late ? weather_.late_us : weather_.delay_us;
  return kFastestUs +
         static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(longest_us)));
}

void Network::send(std::size_t from, std::size_t to, const std::function<void()>& deliver) {
  if (cut_until_us(from, to) > hosts_.clock().monotonic_us()) return;
  if (random_.below(100) < weather_.lost_percent) return;
  hosts_.arrive(to, delay_us(), deliver);
  if (random_.below(100) < weather_.doubled_percent) hosts_.arrive(to, delay_us(), deliver);
}

void Network::cut(std::size_t from, std::size_t to, std::int64_t for_us) {
  cut_until_us(from, to) = hosts_.clock().monotonic_us() + for_us;
}

void Network::heal() {
  weather_ = {};
  std::ranges::fill(cut_until_us_, 0);
}

}  // namespace xylem::sim
