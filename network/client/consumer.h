// Receives records by push, and keeps its place.
//
// Modes: at-least-once with automatic commit (a batch is acknowledged when its handler returned
// success), at-most-once (committed, durably, before the handler is given it), manual (commit()
// when the caller says so), own cursors (`start` returns them; nothing is committed at the broker:
// exactly-once when the caller stores cursor and data together).
//
// A topic that is not there yet is waited for. A DATA with a bad checksum or with offsets that go
// back is never delivered: the connection is given up for the next one. At-most-once never retries
// a handler: what it refused is reported and skipped.
//
// Where brokers share the groups, what a group has committed is read from its coordinator before
// the first SUBSCRIBE, and committed there: automatically ten times a second at most, and at the
// end.
//
// When the connection is lost it goes to the next broker in its list and subscribes at its own
// cursors: the numbering is the same everywhere. Partitions that are not there are consumed from
// the broker that it names, on a connection of their own, as long as that serves them.
//
// On a topic with `deadLetterAfter` records are handed over one by one, and failures told to the
// broker, which stores one that failed too often elsewhere (DELIVERY_FAILURE). So it does with
// handlers for records, in a group, and neither at-most-once nor with own cursors.
//
// Members of a group share its topics' partitions: each is consumed by one of them. What moves is
// given up after what was handled of it is committed; what stays goes on. Of a broadcast topic each
// member has all, and its own committed offsets: by its instance, or without one only as long as it
// is a member.
//
// Of two consumers of a group with one `instance` the newest has it: the older one gets
// Handlers::error with kUnknownMember and stops, for good. What it has not acknowledged goes to the
// newest.
//
// Where retention was faster, that is a gap (Handlers::gap), and the cursor moves on; but an offset
// that was asked for, with StartAt::kOffset, is an error.
//
// Threads: the loop's; every callback runs there.
#pragma once

#include "common/batch/record.h"
#include "common/ids.h"
#include "common/result.h"
#include "network/client/context.h"
#include "network/client/retry_policy.h"
#include "network/protocol/messages.h"
#include "network/transport/transport.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::network {

struct DeliveredBatch {
  std::string_view topic;
  PartitionId partition;
  Incarnation incarnation;
  Offset first_offset;  // the cursor before it: records below are not for the handler
  Offset next_offset;   // the cursor after it
  Epoch epoch;
  std::uint64_t refresh_id = 0;
  Offset high_watermark;
  Slice batches;  // raw, CRC checked; the first may begin below first_offset
};

struct Cursor {
  Offset offset;
  Incarnation incarnation;

  bool operator==(const Cursor&) const = default;
};

class Consumer {
 public:
  enum class Commit : std::uint8_t { kAutomatic, kBeforeHandler, kManual, kOwnCursors };

  struct Options {
    std::vector<Address> brokers;  // tried in turn
    std::string client_id = "consumer";
    std::string group;  // empty: none, nothing is committed
    // With a group: it has a part of the partitions, as its coordinator says. Without, and with a
    // partition or own cursors, it has all that is asked for, whoever else is in the group.
    bool shares = true;
    std::string instance;             // keeps its part over restarts; empty: a new member each time
    std::string assignor = "sticky";  // or range, round-robin
    std::vector<std::string> topics;
    std::optional<PartitionId> partition;  // only this one
    std::string filter;                    // which records (broker/delivery/record_filter.h)
    StartAt start = StartAt::kCommitted;
    StartAt reset = StartAt::kEarliest;
    Offset start_offset;  // with StartAt::kOffset
    Commit commit = Commit::kAutomatic;
    RetryPolicy retry = RetryPolicy::kExponentialThenFixed;
    RetrySchedule::Options retry_schedule;
    std::uint32_t credit_bytes = 4 * 1024 * 1024;  // per topic and broker
    std::uint64_t connect_timeout_ms = 5'000;
    std::uint64_t request_timeout_ms = 10'000;
    std::uint64_t backoff_ms = 100;  // reconnecting, subscribing again
    std::uint64_t backoff_max_ms = 5'000;
  };

  // One of batch and message must be set, all else may be left out. None of them may throw.
  struct Handlers {
    // A failure is retried as the policy says; nothing after it is delivered for that partition
    // meanwhile.
    std::function<Status(const DeliveredBatch&)> batch;
    // Instead of `batch`: record by record.
    std::function<Status(const DeliveredBatch&, const RecordView&)> message;
    // Records that were never delivered are gone: what comes next begins at `to`. In order, between
    // two batches, and once. Not set: logged as a warning. Without a group, or with own cursors, a
    // compacted topic is begun anew instead (Options::reset), which `subscribed` shows.
    std::function<void(const Gap&)> gap;
    // Something a person should know: connection lost, record skipped, offset out of range, a
    // handler's failure with topic, partition and offset, each time. To resume() after
    // kPauseOnError, post it to the loop: from in here it is too early.
    std::function<void(const Error&)> error;
    // RESET: prepare an empty copy beside the old one, then call Consumer::acknowledge. What comes
    // with its refresh_id is for that copy. Once per refresh id. Not set: acknowledged at once;
    // with `ready` not set either there is no copy, and nothing is replayed.
    std::function<void(const Refresh&)> reset;
    // READY: the copy is whole up to the barrier and every batch of it was handled: swap, then
    // acknowledge. Not set: acknowledged at once.
    std::function<void(const Refresh&)> ready;
    // With kOwnCursors: where to go on; nullopt: `Options::reset`.
    std::function<std::optional<Cursor>(std::string_view topic, PartitionId partition)> cursor;
    // All that is served now, by any broker, whenever a broker has answered; `elsewhere` are the
    // partitions that nobody serves yet.
    std::function<void(const SubscribeAnswer&)> subscribed;
  };

  using Context = ClientContext;

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

  // Sends kResetAck or kReadyAck for a refresh that a handler was given.
  void acknowledge(FrameType type, const Refresh& refresh);

  void pause();   // no more deliveries; credit is withheld
  void resume();  // also what kPauseOnError paused, which is tried again

  [[nodiscard]] bool is_connected() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem::network
