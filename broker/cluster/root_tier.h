// This broker's part in a root tier of several: the front of the folder.
//
// Start order: its logs are opened (what they cannot prove is noted), the quorum is joined, the
// broker registers, and from then on leads and follows what the records say. A broker that was
// fenced by mistake (it was paused) registers again by itself; one whose disk failed does not.
//
// Owns: all of it. Threads: the loop's; one for the quorum's disk, one for each leader followed.
#pragma once

#include "broker/catalog/topic_catalog.h"
#include "broker/cluster/cluster_metadata.h"
#include "broker/cluster/cluster_offer.h"
#include "broker/cluster/cluster_topics.h"
#include "broker/cluster/followers.h"
#include "broker/cluster/known_logs.h"
#include "broker/cluster/peer_network.h"
#include "broker/cluster/replicas.h"
#include "broker/groups/coordinated_offsets.h"
#include "broker/partitions/partition_table.h"
#include "common/result.h"
#include "common/timer.h"
#include "network/transport/transport.h"
#include "pipe/pipe_client.h"
#include "pipe/pipe_connector.h"
#include "storage/disk.h"
#include "storage/storage_engine.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::broker {

class RootTier {
 public:
  struct Context {
    pipe::PipeClient::Context pipe;
    pipe::PipeConnector& connector;
    network::NetworkClient& client;  // to and from peers; the server is this tier's alone
    network::NetworkServer& server;
    storage::Disk& disk;
    storage::StorageEngine& storage;
    PartitionTable& partitions;
    TopicCatalog& topics;
    KnownLogs& known_logs;
  };

  struct Options {
    std::vector<RootPeer> peers;
    ReplicaId self;
    ClusterId cluster;
    std::string directory;  // of the quorum
    bool founds = false;    // this disk may begin a quorum
    Uuid instance;          // of this process
    Uuid disk;
    bool is_clean = false;  // the last process on this disk left everything synced
    std::uint32_t pipe_bytes_max = 0;
    std::uint32_t pipe_wait_ms = 0;
    std::int64_t move_bytes_per_s = 0;  // of what moves to this broker
  };

  static Result<std::unique_ptr<RootTier>> open(const Context& context, const Options& options);

  // After close() only.
  ~RootTier();
  RootTier(const RootTier&) = delete;
  RootTier& operator=(const RootTier&) = delete;

  // Listens to its peers and joins the quorum.
  Status start(const network::Address& address);

  // Where clients and followers find this broker, "host:port" and "http://host:port".
  void register_at(const std::string& clients, const std::string& pipe);

  // What the pipe serves in place of `own`, which outlives it.
  pipe::PipeSource& offer(const Offer& own);

  // Who leads; nullopt: nobody does now, or there is no such partition.
  [[nodiscard]] std::optional<RootBroker> leader_of(const LogId& log) const;

  // Where else consumers read it: at its leader; where that is gone and no quorum is there to elect
  // another one, at a replica in sync.
  [[nodiscard]] std::optional<RootBroker> reader_of(const LogId& log) const;

  // The epoch that was decided last, which METADATA tells.
  [[nodiscard]] Epoch epoch_of(const LogId& log) const;

  // One of the brokers' own topics as it was decided; as it will be, where it is not yet.
  [[nodiscard]] TopicDefinition decided(const TopicDefinition& topic) const;

  [[nodiscard]] ReplicaId self() const { return options_.self; }

  [[nodiscard]] const ClusterMetadata& metadata() const { return *metadata_; }

  [[nodiscard]] GroupOffsets& offsets() { return *offsets_; }

  // Decides `command`, here or at the controller. Errors: as ClusterMetadata::propose.
  void propose(const ClusterCommand& command, std::function<void(Status)> done) {
    metadata_->propose(command, std::move(done));
  }

  // kUnavailable: not registered (yet). Else why it takes no part.
  [[nodiscard]] Status ready() const;

  // Called when whom this broker's partitions belong to, or what it serves of them, has changed.
  void on_changed(std::function<void(const LogId&)> hook) { changed_ = std::move(hook); }

  // Others lead in this broker's place, if the quorum hears of it in time; then it leaves.
  void close(std::function<void()> done);

  // It leaves without a word, as if it had died.
  void close_at_once(std::function<void()> done);

 private:
  RootTier(const Context& context, const Options& options);

  Status open_metadata();
  void open_offsets();
  void note_unproven();
  void note_unproven(const LogId& log, const std::string& why);
  void on_damage(const LogId& log);
  void complain();
  void on_changes(const ClusterState::Changes& changes);
  [[nodiscard]] bool is_registered() const;
  void look();

  Context context_;
  Options options_;
  std::string clients_;
  std::string pipe_;
  std::vector<LogId> unproven_;  // of what stood here before this life
  std::vector<LogId> damaged_;   // found in this life; the others do not know yet
  std::int64_t complained_ms_ = 0;
  bool is_asking_ = false;
  std::function<void(const LogId&)> changed_;
  std::unique_ptr<ClusterMetadata> metadata_;
  std::optional<PeerNetwork> peers_;
  std::optional<Replicas> replicas_;
  std::optional<Followers> followers_;
  std::optional<ClusterTopics> topics_;
  std::optional<CoordinatedOffsets> offsets_;
  std::optional<ClusterOffer> offer_;
  Timer looker_;
  Timer leaver_;
};

}  // namespace xylem::broker
