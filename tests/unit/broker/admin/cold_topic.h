// A broker with a topic on a disk that makes its readers wait.
#pragma once

#include "storage/disk.h"
#include "tests/support/fake_log.h"
#include "tests/support/http_world.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <string>

namespace xylem::testing {

// A disk whose readers wait while it is held, and find bad pages when it is told so.
class HeldDisk final : public storage::PosixDisk {
 public:
  Status bring_in(Bytes mapped) override {
    ++asked;
    is_held.wait(true);
    if (is_bad) return fail(Errc::kIo, "a bad page");
    return PosixDisk::bring_in(mapped);
  }

  // What was just written is in memory, once somebody has mapped it.
  bool is_resident(Bytes mapped) override {
    return !is_held && !is_bad && PosixDisk::is_resident(mapped);
  }

  void hold(bool held) {
    is_held = held;
    is_held.notify_all();
  }

  std::atomic<bool> is_held{false};
  std::atomic<bool> is_bad{false};
  std::atomic<int> asked{0};
};

// A topic whose first records are on the disk only.
struct ColdTopic {
  ColdTopic() : partition(*world.broker.partitions->find(topic.log(0))) {
    std::size_t waiting = 0;
    for (int i = 0; i < 600; ++i) {
      ++waiting;
      partition.append(batch_of(std::string(1'000, 'v'), 10), broker::Acks::kAll,
                       [&](const auto& done) {
                         REQUIRE(done);
                         --waiting;
                       });
    }
    REQUIRE(run_until(world.broker.loop, [&] { return waiting == 0; }));
  }

  ~ColdTopic() { disk.hold(false); }

  ColdTopic(const ColdTopic&) = delete;
  ColdTopic& operator=(const ColdTopic&) = delete;

  HeldDisk disk;
  HttpWorld world{false, &disk};
  broker::TopicDefinition topic = world.broker.create("t");
  broker::Partition& partition;
};

}  // namespace xylem::testing
