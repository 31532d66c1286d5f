// The partitions that delayed records go to, wherever they are led: here, or at another broker of
// the root, to which a session is kept as any client's.
//
// Threads: the loop's. Callbacks may run inside the call; once this is gone they do not run.
// Errors: kUnavailable: nobody is known to lead it, or it was not reached; else what its leader
// says. After kUnavailable, kTimeout, kNotLeader and the like the batch may be stored.
#pragma once

#include "broker/partitions/partition_table.h"
#include "broker/topics/topic_definition.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "network/client/client_session.h"
#include "network/client/context.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace xylem::broker {

class TargetPartitions {
 public:
  static constexpr std::uint64_t kTimeoutMs = 10'000;
  static constexpr std::uint64_t kConnectTimeoutMs = 2'000;
  static constexpr std::uint64_t kBackoffMs = 20;
  static constexpr std::uint64_t kBackoffMsMax = 1'000;
  static constexpr std::int64_t kIdleMs = 60'000;  // then the session is closed

  struct Context {
    network::ClientContext client;
    PartitionTable& partitions;
    // "host:port"; empty: nobody, or this broker.
    std::function<std::string(const LogId&)> leader_address;
  };

  explicit TargetPartitions(Context context);
  ~TargetPartitions();
  TargetPartitions(const TargetPartitions&) = delete;
  TargetPartitions& operator=(const TargetPartitions&) = delete;

  // Up to where it is committed, at least.
  void high_watermark(const TopicDefinition& topic,
                      PartitionId partition,
                      std::function<void(Result<Offset>)> done);

  // `batch` with acks=all. If it was sent before, it is not below `since`.
  void append(const TopicDefinition& topic,
              PartitionId partition,
              Slice batch,
              Offset since,
              std::function<void(Status)> done);

  // Now and then, not inside a callback.
  void close_idle();

 private:
  using Reached = std::function<void(Result<network::ClientSession*>)>;

  struct Peer {
    std::unique_ptr<network::ClientSession> session;
    std::vector<Reached> waiting;
    std::int64_t used_ms = 0;
  };

  void reach(const LogId& log, Reached reached);
  Peer& open(const std::string& address);
  void settle(const std::string& address, const Result<network::ClientSession*>& result);

  Context context_;
  std::map<std::string, Peer> peers_;
};

}  // namespace xylem::broker
