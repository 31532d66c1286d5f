// The follower's end of the pipe: to each broker that leads partitions of ours, one pipe client.
//
// A follower's next fetch says what it has on stable storage; so after batches were stored it waits
// for the disk, which one sync does for all of an answer. Only where the topic is synced at
// intervals it does not wait, and speaks up when the sync is done.
//
// A replica that moves here and is not in sync yet is pulled in a session of its own, which waits
// between its requests so that all of these together stay within so many bytes a second: what is in
// sync already is not starved.
//
// Threads: the loop's, and one for each leader that is asked.
#pragma once

#include "broker/cluster/byte_budget.h"
#include "broker/cluster/cluster_metadata.h"
#include "broker/cluster/replicas.h"
#include "pipe/pipe_client.h"
#include "pipe/pipe_connector.h"

#include <cstdint>
#include <map>
#include <memory>

namespace xylem::broker {

class Followers {
 public:
  // A leader takes whoever asks as caught up with what he has; so often at least.
  static constexpr std::uint32_t kWaitMsMax = 500;

  // Of one fetch for moving replicas: the pauses stay short.
  static constexpr std::uint32_t kMovingBytesMax = 1024 * 1024;

  struct Context {
    pipe::PipeClient::Context pipe;
    pipe::PipeConnector& connector;
    Replicas& replicas;
    ClusterMetadata& metadata;
  };

  // `options`: node, cluster, replica and bytes are taken over. `move_bytes_per_s`: where the
  // quorum has not said another.
  Followers(const Context& context,
            pipe::PipeClient::Options options,
            std::int64_t move_bytes_per_s);
  ~Followers();
  Followers(const Followers&) = delete;
  Followers& operator=(const Followers&) = delete;

  void follow(const LogId& log, ReplicaId leader);
  void rest(const LogId& log);

  // More of a follower's log is written or synced.
  void moved(const Partition& partition);

  // Addresses of brokers may have changed, and what is moving.
  void on_changes(const ClusterState::Changes& changes);

 private:
  class Session;

  struct Source {
    ReplicaId leader;
    bool is_moving = false;
    auto operator<=>(const Source&) const = default;
  };

  [[nodiscard]] bool is_moving(const LogId& log) const;
  [[nodiscard]] std::unique_ptr<Session> begin(const Source& source);

  Context context_;
  pipe::PipeClient::Options options_;
  std::int64_t move_bytes_per_s_;
  ByteBudget budget_;  // of all that moves here
  std::map<Source, std::unique_ptr<Session>> sessions_;
  std::map<LogId, Source> followed_;
};

}  // namespace xylem::broker
