// A network between hosts that loses, delays, reorders and duplicates messages, and whose links are
// cut in one direction or in both.
//
// What is under way when a link is cut still arrives. Threads: one.
#pragma once

#include "tests/sim/cluster/hosts.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace xylem::sim {

class Network {
 public:
  struct Weather {
    std::uint64_t lost_percent = 0;
    std::uint64_t doubled_percent = 0;
    std::uint64_t late_percent = 0;
    std::int64_t delay_us = 2'000;   // up to
    std::int64_t late_us = 300'000;  // up to, of those that are late
  };

  Network(Hosts& hosts, Random& random);

  void set_weather(const Weather& weather) { weather_ = weather; }

  // `deliver` runs at `to`: not at all, once, or twice.
  void send(std::size_t from, std::size_t to, const std::function<void()>& deliver);

  // Nothing that `from` sends reaches `to` for so long.
  void cut(std::size_t from, std::size_t to, std::int64_t for_us);

  // All links are whole and fast.
  void heal();

 private:
  [[nodiscard]] std::int64_t delay_us();
  [[nodiscard]] std::int64_t& cut_until_us(std::size_t from, std::size_t to);

  Hosts& hosts_;
  Random& random_;
  Weather weather_;
  std::vector<std::int64_t> cut_until_us_;  // from × to
};

}  // namespace xylem::sim
