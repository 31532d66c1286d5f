// A client that numbers its batches, sends each until it is acknowledged, and goes to whoever is
// said to lead. What it hears nothing of in time is unknown: it is sent again, in order.
//
// Threads: one.
#pragma once

#include "tests/sim/cluster/root_broker.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace xylem::sim {

class Producer {
 public:
  Producer(Setting& setting, std::size_t host, const std::vector<RootBroker*>& roots);

  void start();

  // From now on nothing new but one batch for each partition.
  void finish();

  [[nodiscard]] bool is_done() const;

 private:
  struct Batch {
    std::size_t number = 0;
    std::int32_t sequence = 0;  // of its first record
    Buffer bytes;
  };

  struct Stream {
    std::deque<Batch> unacknowledged;
    std::size_t made = 0;
    std::int32_t next_sequence = 0;
    std::size_t leader = 0;  // as far as it knows
    std::int64_t sent_ms = 0;
    std::int64_t send_at_ms = 0;  // not before
    bool must_resend = false;
  };

  [[nodiscard]] std::size_t index() const { return host_ - kFirstProducer; }

  [[nodiscard]] static bool has_room(const Stream& stream);
  void turn_later(std::size_t partition);
  void turn(std::size_t partition);
  void make(std::size_t partition);
  void send(std::size_t partition, const Batch& batch);
  void hear(std::size_t partition, const Produced& answer);

  Setting& setting_;
  std::size_t host_;
  const std::vector<RootBroker*>& roots_;
  std::array<Stream, kPartitions> streams_;
  bool is_finishing_ = false;
};

}  // namespace xylem::sim
