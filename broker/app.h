// A broker: its members in dependency order are its architecture. Construction is start order,
// destruction stop order.
//
// One loop runs everything that may not block. Beside it: the committer of the storage, one thread
// for state.db, one for the registry, one per parent.
#pragma once

#include "broker/admin/admin_api.h"
#include "broker/admin/forwarded_records.h"
#include "broker/catalog/local_topics.h"
#include "broker/catalog/topic_catalog.h"
#include "broker/cluster/root_tier.h"
#include "broker/config.h"
#include "broker/dead_letters/dead_letters.h"
#include "broker/delayed/delayed_records.h"
#include "broker/delivery/client_listener.h"
#include "broker/groups/delivery_counts.h"
#include "broker/groups/local_offsets.h"
#include "broker/node.h"
#include "broker/partitions/partition_table.h"
#include "broker/refresh/refreshes.h"
#include "broker/topology/refresh_orders.h"
#include "broker/topology/registry_client.h"
#include "broker/upstream/feed.h"
#include "broker/upstream/offer.h"
#include "broker/upstream/refill.h"
#include "common/clock.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/random.h"
#include "common/result.h"
#include "common/signals.h"
#include "network/http/http_server.h"
#include "pipe/pipe_connector.h"
#include "pipe/pipe_server.h"
#include "pipe/routed_client.h"
#include "storage/disk.h"
#include "storage/state_store.h"
#include "storage/storage_engine.h"

#include <functional>
#include <memory>
#include <optional>

namespace xylem::broker {

class App {
 public:
  explicit App(BrokerOptions options);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  // Starts, runs until SIGTERM or SIGINT, stops. The error says why it could not start.
  Status run();

 private:
  Status open();
  Status note_lost_state();
  void load_local_state(std::function<void()> loaded);
  void begin_as_member();
  void begin(Epoch leadership);
  Status serve(Epoch leadership);
  void open_pipe();
  void open_delayed(Epoch leadership);
  Status open_delayed_home(Epoch leadership, bool if_used);
  void open_clients();
  void open_refreshes();
  [[nodiscard]] network::Address own_client_port() const;
  Status open_root_tier();
  Status listen();
  Status watch_registry();
  void take_refresh_orders();
  void obey(std::string_view answer);
  void follow(const Topology& topology);
  void stop();
  void end();
  void fail_start(const Error& error);

  [[nodiscard]] Leader here() const;
  [[nodiscard]] Leader leader_of(const LogId& log) const;
  [[nodiscard]] Leader reader_of(const LogId& log) const;
  [[nodiscard]] std::uint64_t topology_version() const;
  [[nodiscard]] NodeReport report() const;
  [[nodiscard]] NodeStatus status() const;
  [[nodiscard]] Status ready() const;

  BrokerOptions options_;
  SystemClock clock_;
  Random random_;
  Logger logger_;
  Metrics metrics_;
  storage::PosixDisk disk_;
  Loop loop_;
  StopSignals signals_;
  Status outcome_;
  bool is_stopping_ = false;
  Uuid disk_id_;  // nil: nobody asks
  std::int64_t started_at_ms_;

  std::optional<Node> node_;
  std::unique_ptr<storage::StorageEngine> storage_;
  std::unique_ptr<storage::StateStore> state_;
  std::optional<KnownLogs> known_logs_;
  std::optional<LocalOffsets> offsets_;  // where there is no root tier
  std::optional<DeliveryCounts> delivery_counts_;
  std::optional<LocalTopics> local_topics_;
  std::optional<PartitionTable> partitions_;
  std::optional<TopicCatalog> topics_;

  std::optional<Offer> offer_;
  std::optional<pipe::PipeServer> pipe_server_;
  std::unique_ptr<pipe::PipeConnector> connector_;
  std::unique_ptr<network::NetworkClient> peer_client_;
  std::unique_ptr<network::NetworkServer> peer_server_;
  std::unique_ptr<RootTier> root_tier_;  // null: this broker is alone, or no root
  std::optional<Feed> feed_;
  std::optional<pipe::RoutedClient> pipe_client_;
  std::optional<Refill> refill_;

  std::optional<DelayedRecords> delayed_;
  std::optional<Memberships> memberships_;
  std::optional<GroupAdmin> group_admin_;
  std::optional<Refreshes> refreshes_;
  bool are_refreshes_loaded_ = false;
  std::optional<DeadLetters> dead_letters_;
  std::optional<ClientListener> clients_;
  std::optional<ClientContext> client_context_;
  std::optional<ForwardedRecords> forwarded_;
  std::optional<AdminContext> admin_context_;
  std::optional<network::HttpServer> admin_http_;
  std::optional<network::HttpServer> pipe_http_;
  std::optional<RefreshOrders> refresh_orders_;  // where there is a registry
  std::unique_ptr<RegistryClient> registry_;
};

}  // namespace xylem::broker
