#include "tests/sim/cluster/hosts.h"

#include <algorithm>
#include <utility>

namespace xylem::sim {

Hosts::Hosts(std::size_t count, Random& random) : random_(random), hosts_(count) {}

void Hosts::start(std::size_t host) {
  hosts_[host].is_up = true;
  ++hosts_[host].life;
}

void Hosts::stop(std::size_t host) {
  hosts_[host].is_up = false;
  hosts_[host].paused_until_us = 0;
}

void Hosts::pause(std::size_t host, std::int64_t for_us) {
  hosts_[host].paused_until_us = clock_.monotonic_us() + for_us;
}

void Hosts::resume_all() {
  for (auto& host : hosts_) host.paused_until_us = 0;
}

void Hosts::after(std::size_t host, std::int64_t delay_us, Task task) {
  push(
      {clock_.monotonic_us() + delay_us, random_.next(), host, hosts_[host].life, std::move(task)});
}

void Hosts::arrive(std::size_t host, std::int64_t delay_us, Task task) {
  push({clock_.monotonic_us() + delay_us, random_.next(), host, kAnyLife, std::move(task)});
}

void Hosts::happen(std::int64_t delay_us, Task task) {
  push({clock_.monotonic_us() + delay_us, random_.next(), kWorld, kAnyLife, std::move(task)});
}

bool Hosts::is_later(const Event& left, const Event& right) {
  return left.at_us != right.at_us ? left.at_us > right.at_us : left.chance > right.chance;
}

void Hosts::push(Event event) {
  events_.push_back(std::move(event));
  std::ranges::push_heap(events_, is_later);
}

Hosts::Event Hosts::pop() {
  std::ranges::pop_heap(events_, is_later);
  auto event = std::move(events_.back());
  events_.pop_back();
  return event;
}

void Hosts::run(Event event) {
  if (event.host != kWorld) {
    const auto& host = hosts_[event.host];
    if (!host.is_up || (event.life != kAnyLife && event.life != host.life)) return;
    if (host.paused_until_us > event.at_us) {
      event.at_us = host.paused_until_us;
      return push(std::move(event));
    }
  }
  event.task();
}

void Hosts::run_for(std::int64_t us, const std::function<bool()>& stops) {
  const auto until_us = clock_.monotonic_us() + us;
  while (!events_.empty() && events_.front().at_us <= until_us && !stops()) {
    auto event = pop();
    clock_.set_us(event.at_us);
    run(std::move(event));
  }
  if (!stops()) clock_.set_us(until_us);
}

}  // namespace xylem::sim
