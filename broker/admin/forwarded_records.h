// Records that came over HTTP for partitions that others lead: passed on to their leaders as any
// producer's are, from this broker's own client port on. So a client without a library may publish
// at whatever broker is near.
//
// The producer is made at the first record. Order is kept per partition; a record is stored once,
// however often it had to be sent.
//
// Threads: the loop's. Callbacks run there, never inside send(); when this goes, what has no answer
// yet gets kCancelled.
// Errors: kQuotaExceeded: too much is on its way already; kTimeout: not acknowledged within
// kTimeoutMs, so it may be stored, or nobody who leads was reached; else what the leader said.
#pragma once

#include "common/batch/record.h"
#include "common/ids.h"
#include "common/result.h"
#include "network/client/context.h"
#include "network/client/producer.h"
#include "network/transport/transport.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace xylem::broker {

class ForwardedRecords {
 public:
  static constexpr std::size_t kBytesMax = 16ULL * 1024 * 1024;  // on their way
  static constexpr std::uint64_t kTimeoutMs = 10'000;
  static constexpr std::uint64_t kConnectTimeoutMs = 2'000;

  using Done = std::function<void(Result<network::Producer::Delivered>)>;

  // `self`: where this broker takes clients; asked at the first record.
  ForwardedRecords(const network::ClientContext& context, std::function<network::Address()> self);

  void send(const std::string& topic, PartitionId partition, Record record, Done done);

 private:
  network::ClientContext context_;
  std::function<network::Address()> self_;
  std::optional<network::Producer> producer_;
};

}  // namespace xylem::broker
