// Receives records by push, and keeps its place.
//
// Modes: at-least-once with automatic commit (a batch is acknowledged when its handler returned
// success), at-most-once (acknowledged before the handler), manual (commit() when the caller says
// so), own cursors (`start` returns them; nothing is committed at the broker: exactly-once when the
// caller stores cursor and data together).
//
// When the connection is lost it goes to the next broker in its list and subscribes at its own
// cursors: the numbering is the same everywhere.
//
// Threads: the loop's; every callback runs there.
#pragma once

#include "common/batch/record.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/random.h"
#include "common/result.h"
#include "network/protocol/messages.h"
#include "network/transport/transport.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::network {

enum class RetryPolicy : std::uint8_t {
  kExponentialThenFixed,  // 1 s doubling to 30 s, ten tries, then every 30 s
  kSkipOnError,
  kPauseOnError,  // until resume()
};

Result<RetryPolicy> retry_policy_of(std::string_view name);  // EXPONENTIAL_THEN_FIXED | ...

struct DeliveredBatch {
  std::string_view topic;
  PartitionId partition;
  Incarnation incarnation;
  Offset first_offset;
  Offset next_offset;  // the cursor after it
  Epoch epoch;
  std::uint64_t refresh_id = 0;
  Offset high_watermark;
  Slice batches;  // raw, CRC checked
};

struct Cursor {
  Offset offset;
  Incarnation incarnation;
};

class Consumer {
 public:
  enum class Commit : std::uint8_t { kAutomatic, kBeforeHandler, kManual, kOwnCursors };

  struct Options {
    std::vector<Address> brokers;  // tried in turn
    std::string client_id = "consumer";
    std::string group;  // empty: none, nothing is committed
    std::vector<std::string> topics;
    std::optional<PartitionId> partition;  // only this one
    StartAt start = StartAt::kCommitted;
    StartAt reset = StartAt::kEarliest;
    Offset start_offset;  // with StartAt::kOffset
    Commit commit = Commit::kAutomatic;
    RetryPolicy retry = RetryPolicy::kExponentialThenFixed;
    std::uint32_t credit_bytes = 4 * 1024 * 1024;
  };

  struct Handlers {
    // A failure is retried as the policy says; nothing after it is delivered for that partition
    // meanwhile.
    std::function<Status(const DeliveredBatch&)> batch;
    // Instead of `batch`: record by record.
    std::function<Status(const DeliveredBatch&, const RecordView&)> message;
    // Something a person should know: connection lost, record skipped, offset out of range.
    std::function<void(const Error&)> error;
    // RESET: prepare an empty copy beside the old one, then call Consumer::acknowledge.
    std::function<void(const Refresh&)> reset;
    // READY: the copy is whole up to the barrier: swap, then acknowledge.
    std::function<void(const Refresh&)> ready;
    // With kOwnCursors: where to go on; nullopt: `Options::reset`.
    std::function<std::optional<Cursor>(std::string_view topic, PartitionId partition)> cursor;
    std::function<void(const SubscribeAnswer&)> subscribed;
  };

  struct Context {
    Loop& loop;
    NetworkClient& network;
    const Clock& clock;
    Random& random;
    Logger& logger;
  };

  Consumer(const Context& context, Options options, Handlers handlers);
  ~Consumer();
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  void start();

  // With Commit::kManual: everything below `next` of that partition is done.
  void commit(std::string_view topic,
              PartitionId partition,
              Offset next,
              std::function<void(Status)> done);

  // Sends RESET_ACK or READY_ACK for a refresh that a handler was given.
  void acknowledge(FrameType type, const Refresh& refresh);

  void pause();  // no more deliveries; credit is withheld
  void resume();

  [[nodiscard]] bool is_connected() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem::network
