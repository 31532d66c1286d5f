// Publishes records: batching, partitioning, acknowledgements, retries.
//
// Records of one partition leave in the order given, also across retries: a failed batch is sent
// again before what follows. A broker that is not the leader names who is; the producer follows.
//
// Idempotent: batches carry the producer's id, which is random, and count its records, so that what
// is sent again is stored once. Without it, and with more than one batch in flight, a batch may
// overtake one that fails.
//
// A record with a due time ahead [common/batch/due_time.h] is acknowledged once it is stored where
// it waits; it has no offset then. It does not wait for others of its partition, nor they for it.
//
// Threads: the loop's. Callbacks run on the loop, in order per partition, never inside send().
// Errors in callbacks: kTimeout (delivery_timeout_ms passed: it may or may not have been stored),
// kUnknownTopicOrPartition (still not there after topic_wait_ms), kOutOfOrderSequence (an earlier
// attempt may have been stored, and the broker does not know any more), kCancelled (closed), or
// what the broker refused it for.
#pragma once

#include "common/batch/compression.h"
#include "common/batch/record.h"
#include "common/ids.h"
#include "common/result.h"
#include "network/client/context.h"
#include "network/client/partitioner.h"
#include "network/transport/transport.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::network {

class Producer {
 public:
  enum class Partitioner : std::uint8_t { kKeyHash, kRoundRobin, kCustom };

  // As many as a broker knows the sequences of: more are never in flight when idempotent.
  static constexpr std::size_t kIdempotentInFlightMax = 5;

  struct Options {
    std::vector<Address> brokers;  // where to begin; tried in turn
    std::string client_id = "producer";
    std::int8_t acks = -1;   // 0, 1, -1 (all)
    bool idempotent = true;  // only with acks=-1
    std::size_t batch_bytes = 64ULL * 1024;
    std::uint64_t linger_ms = 5;
    std::size_t buffer_bytes_max = 32ULL * 1024 * 1024;
    std::size_t in_flight_max = 1;  // batches per partition
    std::uint64_t retry_backoff_ms = 100;
    std::uint64_t retry_backoff_max_ms = 5'000;
    std::uint64_t request_timeout_ms = 10'000;
    std::uint64_t delivery_timeout_ms = 120'000;
    std::uint64_t topic_wait_ms = 10'000;  // for a topic that is not there (yet)
    std::uint64_t connect_timeout_ms = 5'000;
    Compression compression = Compression::kNone;
    Partitioner partitioner = Partitioner::kKeyHash;  // without a key: round-robin
    std::function<PartitionId(const Record&, std::int32_t)> custom;
  };

  struct Delivered {
    PartitionId partition;
    Offset offset;  // -1 with acks=0, and of a delayed record
    std::uint16_t replicas_synced = 0;
  };

  using Callback = std::function<void(Result<Delivered>)>;

  using Context = ClientContext;

  Producer(const Context& context, Options options);
  ~Producer();  // what is not acknowledged yet gets kCancelled
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // A record's timestamp of 0 becomes now.
  // kQuotaExceeded: the buffer is full: wait for on_room. kMessageTooLarge: never fits.
  // kInvalidRequest: what it says of its due time.
  Status send(std::string_view topic, Record record, Callback callback);
  Status send_to(std::string_view topic, PartitionId partition, Record record, Callback callback);

  // Sends partial batches at once, as long as it waits, and calls back when everything given so far
  // is settled.
  void flush(std::function<void()> done);

  // Called once half of the buffer is free again after a kQuotaExceeded.
  void on_room(std::function<void()> callback);
  [[nodiscard]] std::size_t buffered_bytes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem::network
