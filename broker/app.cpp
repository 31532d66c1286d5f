#include "broker/app.h"

#include "broker/cluster/cluster_orders.h"
#include "broker/cluster/cluster_routes.h"
#include "broker/leadership.h"
#include "broker/partitions/storage_health.h"
#include "broker/upstream/pipe_routes.h"
#include "broker/version.h"
#include "common/process.h"
#include "storage/identity/cluster_file.h"
#include "storage/identity/disk_identity.h"
#include "storage/identity/root_disk.h"

#include <algorithm>
#include <utility>

namespace xylem::broker {
namespace {

constexpr std::size_t kRootSegmentBytes = 1024ULL * 1024 * 1024;
constexpr std::size_t kSegmentBytes = 64ULL * 1024 * 1024;

std::vector<pipe::Parent> pipe_parents(const std::vector<Peer>& peers) {
  std::vector<pipe::Parent> parents;
  parents.reserve(peers.size());
  for (const auto& peer : peers) parents.push_back({peer.node, peer.pipe});
  return parents;
}

std::string advertised_host(const BrokerOptions& options) {
  if (!options.advertised_host.empty()) return options.advertised_host;
  const bool anywhere = options.listen_host == "0.0.0.0" || options.listen_host == "::";
  return anywhere ? host_name() : options.listen_host;
}

}  // namespace

App::App(BrokerOptions options)
    : options_(std::move(options)),
      random_(system_seed()),
      logger_(options_.log),
      signals_(loop_, [this] { stop(); }),
      started_at_ms_(clock_.monotonic_ms()) {
  raise_descriptor_limit();
  metrics_.add_process_metrics();
  for (const auto& [name, value] : options_.effective)
    logger_.info("broker.setting", {{"name", name}, {"value", value}});
}

App::~App() = default;

Status App::run() {
  if (auto opened = open(); !opened) {
    logger_.error("broker.failed",
                  {{"error", opened.error().what()}, {"hint", opened.error().hint()}});
    return opened;
  }
  loop_.run();
  logger_.info("broker.stopped");
  return std::move(outcome_);
}

Status App::open() {
  if (auto made = disk_.make_directories(options_.data_dir); !made) return made;
  auto storage = storage::open_storage(options_.storage_type, options_.data_dir,
                                       {.loop = loop_,
                                        .disk = disk_,
                                        .clock = clock_,
                                        .logger = logger_,
                                        .metrics = metrics_,
                                        .scrub_bytes_per_s = options_.scrub_bytes_per_s});
  if (!storage) return pass(storage);
  storage_ = std::move(*storage);
  auto node = Node::open({logger_, random_, disk_}, options_);
  if (!node) return pass(node);
  node_.emplace(std::move(*node));
  if (auto known = note_lost_state(); !known) return known;
  auto state = storage::StateStore::open(options_.data_dir + "/state.db", loop_);
  if (!state) return pass(state);
  state_ = std::move(*state);
  offsets_.emplace(*state_);
  // What follows needs answers from state.db, which has a thread of its own.
  load_local_state([this] {
    if (!options_.root_peers.empty()) return begin_as_member();
    if (!node_->is_owner()) return begin(kNoEpoch);
    const auto newest = newest_epoch(*storage_, logger_);
    next_leadership(*state_, newest, [this](const Result<Epoch>& epoch) {
      if (!epoch) return fail_start(epoch.error());
      begin(*epoch);
    });
  });
  return {};
}

void App::load_local_state(std::function<void()> loaded) {
  delivery_counts_.emplace(*state_);
  local_topics_.emplace(LocalTopics::Context{random_, logger_, *state_, *storage_});
  auto next = [this](auto go_on) {
    return [this, go_on = std::move(go_on)](const Status& done) {
      if (!done) return fail_start(done.error());
      go_on();
    };
  };
  offsets_->load(next([this, next, loaded = std::move(loaded)] {
    delivery_counts_->load(next([this, next, loaded] { local_topics_->load(next(loaded)); }));
  }));
}

// Where there are logs there has been a state.db; without it groups begin anew, which somebody
// ought to know.
Status App::note_lost_state() {
  const auto path = options_.data_dir + "/state.db";
  if (node_->cluster().is_nil() || storage_->logs().empty()) return {};
  auto there = disk_.exists(path);
  if (!there) return pass(there);
  std::int64_t bytes = 0;
  if (*there) {
    auto file = disk_.open(path, storage::Disk::Open::kRead);
    if (!file) return pass(file);
    auto size = (*file)->size();
    if (!size) return pass(size);
    bytes = *size;
  }
  if (bytes > 0) return {};
  logger_.error("state.lost",
                {{"file", path},
                 {"hint",
                  "group offsets cannot be rebuilt: put a copy in its place, or groups "
                  "begin by their reset policy"}});
  return {};
}

void App::begin_as_member() {
  known_logs_.emplace(loop_, *state_, logger_);
  known_logs_->load([this](const Status& loaded) {
    if (!loaded) return fail_start(loaded.error());
    begin(kNoEpoch);
  });
}

void App::begin(Epoch leadership) {
  if (auto serving = serve(leadership); !serving) fail_start(serving.error());
}

void App::fail_start(const Error& error) {
  logger_.error("broker.failed", {{"error", error.what()}, {"hint", error.hint()}});
  outcome_ = std::unexpected(error);
  stop();
}

Status App::serve(Epoch leadership) {
  const auto segment_bytes = node_->is_owner() ? kRootSegmentBytes : kSegmentBytes;
  partitions_.emplace(
      PartitionTable::Context{loop_, clock_, logger_, *storage_},
      PartitionTable::Options{.segment_bytes_max = options_.segment_bytes.value_or(segment_bytes),
                              .pulled_flush = options_.pulled_flush});
  topics_.emplace(TopicCatalog::Context{loop_, clock_, random_, logger_, *partitions_}, leadership);
  connector_ = pipe::make_http_connector(loop_);
  if (auto opened = open_root_tier(); !opened) return opened;
  open_pipe();
  open_delayed(leadership);
  open_refreshes();
  open_clients();
  if (!root_tier_) {
    if (auto started = topics_->start(); !started) return started;
    if (auto opened = open_delayed_home(leadership, true); !opened) return opened;
  }
  refreshes_->watch();
  local_topics_->start(*partitions_, *topics_);
  if (auto listening = listen(); !listening) return listening;
  if (auto watching = watch_registry(); !watching) return watching;
  logger_.info("broker.ready", {{"role", to_string(node_->role())},
                                {"tcp", node_->endpoints().tcp},
                                {"http", node_->endpoints().http},
                                {"pipe", node_->endpoints().pipe},
                                {"ms", clock_.monotonic_ms() - started_at_ms_}});
  return {};
}

Status App::open_root_tier() {
  const auto& data_dir = options_.data_dir;
  const bool is_alone = options_.root_peers.empty();
  if (node_->is_owner()) {
    if (auto right = storage::check_root_disk(disk_, data_dir, is_alone); !right) return right;
  }
  if (is_alone) return {};
  const auto directory = data_dir + "/quorum";  // before the identity: see check_root_disk()
  if (auto made = disk_.make_directories(directory); !made) return made;
  auto identity = storage::open_disk_identity(disk_, random_, data_dir);
  if (!identity) return pass(identity);
  disk_id_ = identity->disk;
  auto founds = storage::is_founder(disk_, data_dir);
  if (!founds) return pass(founds);
  peer_client_ = network::make_tcp_client(loop_, {});
  peer_server_ = network::make_tcp_server(loop_, {});
  auto opened = RootTier::open({.pipe = {loop_, clock_, random_, logger_, metrics_},
                                .connector = *connector_,
                                .client = *peer_client_,
                                .server = *peer_server_,
                                .disk = disk_,
                                .storage = *storage_,
                                .partitions = *partitions_,
                                .topics = *topics_,
                                .known_logs = *known_logs_},
                               {.peers = options_.root_peers,
                                .self = *number_of(options_.root_peers, node_->id()),
                                .cluster = node_->cluster(),
                                .directory = directory,
                                .founds = *founds,
                                .instance = Uuid::random(random_),
                                .disk = identity->disk,
                                .is_clean = identity->was_clean,
                                .pipe_bytes_max = options_.pipe_bytes_max,
                                .pipe_wait_ms = options_.pipe_wait_ms,
                                .move_bytes_per_s = options_.move_bytes_per_s});
  if (!opened) return pass(opened);
  root_tier_ = std::move(*opened);
  if (*founds) {
    if (auto noted = storage::founded(disk_, data_dir); !noted) return noted;
  }
  root_tier_->on_changed([this](const LogId& log) { pipe_server_->notify(log); });
  return {};
}

void App::open_pipe() {
  offer_.emplace(
      *partitions_,
      Offer::Identity{
          .node = node_->id(),
          .cluster = [this] { return node_->cluster(); },
          .topology_version = [this] { return topology_version(); },
          .keeps = [this](const LogId& log) { return local_topics_->has(log.incarnation); }});
  auto& source = root_tier_ ? root_tier_->offer(*offer_) : *offer_;
  pipe_server_.emplace(pipe::PipeServer::Context{loop_, clock_, random_, metrics_}, source,
                       pipe::PipeServer::Limits{});
  partitions_->observe([this](const Partition& moved) { pipe_server_->notify(moved.id()); });
  if (node_->is_owner()) return;
  feed_.emplace(Feed::Context{logger_, metrics_, *partitions_, *topics_}, node_->cluster(),
                Feed::Hooks{.adopt = [this](const ClusterId& id) { return node_->adopt(id); },
                            .topology_seen =
                                [this](std::uint64_t version) {
                                  if (registry_ && version > registry_->version())
                                    registry_->hurry();
                                },
                            .may_rebuild =
                                [this](const Partition& partition, const auto& why) {
                                  return refreshes_->may_rebuild(partition, why);
                                }});
  const pipe::PipeClient::Context context{loop_, clock_, random_, logger_, metrics_};
  const pipe::PipeClient::Options options{.node = node_->id(),
                                          .cluster = node_->cluster(),
                                          .bytes_max = options_.pipe_bytes_max,
                                          .wait_ms = options_.pipe_wait_ms};
  pipe_client_.emplace(context, *connector_, *feed_, options);
  const auto accepts = [this](const NodeId& parent, const ClusterId& cluster) {
    return feed_->accepts(parent, cluster);
  };
  refill_.emplace(Refill::Context{context, *connector_, *partitions_, accepts}, options);
  partitions_->observe([this](const Partition& moved) { refill_->look_at(moved); });
  partitions_->on_opened([this](const Partition& opened) {
    if (!local_topics_->has(opened.id().incarnation)) pipe_client_->add(opened.id());
  });
  partitions_->on_cut_back([this](const Partition& cut) { pipe_client_->touch(cut.id()); });
  partitions_->on_removed([this](const LogId& removed) {
    pipe_client_->remove(removed);
    refill_->remove(removed);
  });
}

void App::open_delayed(Epoch leadership) {
  if (!peer_client_) peer_client_ = network::make_tcp_client(loop_, {});
  delayed_.emplace(
      DelayedRecords::Context{
          {loop_, *peer_client_, clock_, random_, logger_}, metrics_, *partitions_, *topics_},
      DelayedRecords::Hooks{
          .home =
              [this] {
                return root_tier_ ? root_tier_->decided(delayed_topic()) : delayed_topic();
              },
          .leader_address =
              [this](const LogId& log) {
                const auto leader = leader_of(log);
                return leader.node == node_->id() ? std::string() : leader.tcp;
              },
          .open = [this, leadership] { return open_delayed_home(leadership, false); }});
}

// Of a root alone. `if_used`: only where something was ever parked.
Status App::open_delayed_home(Epoch leadership, bool if_used) {
  const auto topic = delayed_topic();
  const bool is_open = partitions_->find(topic.log(topic.partitions - 1)) != nullptr;
  if (root_tier_ || leadership == kNoEpoch || is_open) return {};
  const auto logs = storage_->logs();
  const bool is_used = std::ranges::any_of(
      logs, [&](const auto& log) { return log.id.incarnation == topic.incarnation; });
  if (if_used && !is_used) return {};
  for (std::int32_t p = 0; p < topic.partitions; ++p) {
    if (auto opened = partitions_->open(topic, PartitionId(p), leadership); !opened)
      return pass(opened);
  }
  return {};
}

void App::open_refreshes() {
  refreshes_.emplace(Refreshes::Context{loop_, clock_, random_, logger_, metrics_, *partitions_,
                                        *topics_, *state_},
                     Refreshes::Options());
  refreshes_->load([this](const Status& loaded) {
    if (!loaded) return fail_start(loaded.error());
    are_refreshes_loaded_ = true;
  });
}

void App::open_clients() {
  GroupOffsets* offsets = &*offsets_;
  if (root_tier_) offsets = &root_tier_->offsets();
  memberships_.emplace(Memberships::Context{loop_, clock_, *topics_, *offsets}, Group::Options());
  group_admin_.emplace(GroupAdmin::Context{clock_, *topics_, *partitions_, *offsets, *memberships_,
                                           &*delivery_counts_});
  dead_letters_.emplace(DeadLetters::Context{.loop = loop_,
                                             .clock = clock_,
                                             .logger = logger_,
                                             .metrics = metrics_,
                                             .partitions = *partitions_,
                                             .topics = *topics_,
                                             .local = *local_topics_,
                                             .counts = *delivery_counts_,
                                             .offsets = *offsets});
  client_context_.emplace(ClientContext{
      .loop = loop_,
      .clock = clock_,
      .logger = logger_,
      .metrics = metrics_,
      .partitions = *partitions_,
      .topics = *topics_,
      .offsets = *offsets,
      .memberships = *memberships_,
      .group_admin = *group_admin_,
      .node = node_->id(),
      .role = [this] { return std::string(to_string(node_->role())); },
      .cluster = [this] { return node_->cluster(); },
      .leader = [this] { return node_->leader(); },
      .leader_of = [this](const LogId& log) { return leader_of(log); },
      .reader_of = [this](const LogId& log) { return reader_of(log); },
      .auto_create_topics = options_.auto_create_topics,
      .delayed = &*delayed_,
      .refreshes = &*refreshes_,
      .dead_letters = &*dead_letters_,
      .delivery_counts = &*delivery_counts_,
  });
  clients_.emplace(*client_context_, network::make_tcp_server(loop_, {}));
  forwarded_.emplace(network::ClientContext{loop_, *peer_client_, clock_, random_, logger_},
                     [this] { return own_client_port(); });
  admin_context_.emplace(AdminContext{.client = *client_context_,
                                      .status = [this] { return status(); },
                                      .ready = [this] { return ready(); },
                                      .forwarded = &*forwarded_});
  admin_http_.emplace(loop_, network::HttpServer::Limits{});
  add_topic_routes(*admin_http_, *admin_context_);
  add_message_routes(*admin_http_, *admin_context_);
  add_record_routes(*admin_http_, *admin_context_);
  add_stream_routes(*admin_http_, *admin_context_);
  add_group_routes(*admin_http_, *admin_context_);
  add_refresh_routes(*admin_http_, *refreshes_);
  add_node_routes(*admin_http_, *admin_context_);
  add_delayed_routes(*admin_http_, *admin_context_);
  add_document_routes(*admin_http_);
  if (root_tier_) {
    add_cluster_routes(*admin_http_, *root_tier_);
    add_order_routes(*admin_http_, *root_tier_, clock_);
  }
  pipe_http_.emplace(loop_, network::HttpServer::Limits{});
  add_pipe_routes(*pipe_http_, *pipe_server_, [this] { return to_json(report()); });
}

Status App::listen() {
  const auto& host = options_.listen_host;
  auto tcp = clients_->listen({host, options_.broker_port});
  if (!tcp) return pass(tcp, "BROKER_PORT");
  auto http = admin_http_->listen({host, options_.http_port});
  if (!http) return pass(http, "HTTP_PORT");
  auto pipe = pipe_http_->listen({host, options_.pipe_port});
  if (!pipe) return pass(pipe, "PIPE_PORT");
  const auto name = advertised_host(options_);
  node_->set_endpoints({.tcp = network::Address{name, *tcp}.text(),
                        .http = network::Address{name, *http}.text(),
                        .pipe = "http://" + network::Address{name, *pipe}.text()});
  if (!root_tier_) return {};
  if (auto started = root_tier_->start({host, options_.raft_port}); !started)
    return pass(started, "RAFT_PORT");
  root_tier_->register_at(node_->endpoints().tcp, node_->endpoints().pipe);
  return {};
}

Status App::watch_registry() {
  if (options_.registry_url.empty()) return {};
  take_refresh_orders();
  auto registry = RegistryClient::create(
      {loop_, random_, logger_}, options_.registry_url,
      {.report = [this] { return report(); },
       .changed =
           [this](const Topology& topology) {
             node_->move_to(topology);
             follow(topology);
           },
       .answered = [this](std::string_view answer) { obey(answer); },
       .refused =
           [this](const Error& error) {
             logger_.error("registry.refused", {{"error", error.what()}, {"hint", error.hint()}});
           }});
  if (!registry) return pass(registry);
  registry_ = std::move(*registry);
  if (node_->topology()) follow(*node_->topology());
  registry_->start(node_->topology());
  return {};
}

void App::take_refresh_orders() {
  refresh_orders_.emplace(
      logger_, clock_,
      RefreshOrders::Hooks{
          .start = [this](const RefreshOrder& order) -> Status {
            auto started = refreshes_->start(order.topic, order.reason, order.id, "the registry");
            if (!started) return pass(started);
            return {};
          },
          .abort =
              [this](std::uint64_t id) { return refreshes_->abort(id, "told by the registry"); },
          .list = [this] { return refreshes_->list(); },
          .find = [this](std::uint64_t id) { return refreshes_->find(id); },
          .hurry = [this] { registry_->hurry(); }});
  refreshes_->on_change([this](const RefreshStatus& status) {
    if (registry_) refresh_orders_->on_change(status);
  });
}

// What is not obeyed yet, the next answer says again.
void App::obey(std::string_view answer) {
  if (!are_refreshes_loaded_) return;
  auto orders = refresh_orders_from_json(answer);
  if (!orders) return logger_.warn("refresh.orders_refused", {{"error", orders.error().what()}});
  refresh_orders_->take(*orders);
}

void App::follow(const Topology& topology) {
  if (node_->is_owner()) return;
  topics_->set_filter(
      [topology](const TopicDefinition& topic) { return topology.carries(topic.name); });
  pipe_client_->set_cluster(node_->cluster());
  pipe_client_->set_parents(pipe_parents(topology.parents));
  refill_->set_cluster(node_->cluster());
  refill_->set_parents(pipe_parents(topology.parents));
}

void App::stop() {
  if (std::exchange(is_stopping_, true)) return;
  if (!root_tier_) return end();
  root_tier_->close([this] { loop_.answer([this] { end(); }); });
}

void App::end() {
  if (registry_) registry_->say_goodbye(node_->id(), node_->instance());
  registry_.reset();
  refill_.reset();
  pipe_client_.reset();
  clients_.reset();
  dead_letters_.reset();
  memberships_.reset();
  forwarded_.reset();
  admin_http_.reset();
  refreshes_.reset();
  pipe_http_.reset();
  pipe_server_.reset();
  delayed_.reset();
  partitions_.reset();
  root_tier_.reset();
  if (storage_) {
    auto closed = storage_->close();
    if (closed && !disk_id_.is_nil())
      closed = storage::close_disk_identity(disk_, options_.data_dir, disk_id_);
    if (!closed) logger_.error("storage.close_failed", {{"error", closed.error().what()}});
  }
  known_logs_.reset();
  state_.reset();
  loop_.stop();
}

// As it is seen from here: others may need another name for it.
network::Address App::own_client_port() const {
  auto self = network::Address::parse(node_->endpoints().tcp).value_or(network::Address());
  const bool anywhere = options_.listen_host == "0.0.0.0" || options_.listen_host == "::";
  self.host = anywhere ? "127.0.0.1" : options_.listen_host;
  return self;
}

Leader App::leader_of(const LogId& log) const {
  if (local_topics_->has(log.incarnation)) return here();
  if (!root_tier_) return node_->leader();
  const auto leader = root_tier_->leader_of(log);
  if (!leader) return {};
  return {leader->node, leader->clients, node_->http_of(leader->node), root_tier_->epoch_of(log)};
}

Leader App::here() const {
  return {node_->id(), node_->endpoints().tcp, node_->endpoints().http, kNoEpoch};
}

Leader App::reader_of(const LogId& log) const {
  if (local_topics_->has(log.incarnation)) return here();
  if (!root_tier_) return node_->leader();
  const auto reader = root_tier_->reader_of(log);
  if (!reader) return {};
  return {reader->node, reader->clients, node_->http_of(reader->node), kNoEpoch};
}

std::uint64_t App::topology_version() const {
  return node_->topology() ? node_->topology()->version : 0;
}

NodeReport App::report() const {
  NodeReport report;
  report.node = node_->id();
  report.location = options_.location;
  if (options_.role_wish) report.role_wish = to_string(*options_.role_wish);
  report.cluster = node_->cluster();
  report.version = kVersion;
  report.instance = node_->instance();
  report.tcp = node_->endpoints().tcp;
  report.http = node_->endpoints().http;
  report.pipe = node_->endpoints().pipe;
  report.topology_version = topology_version();
  report.memory_bytes = resident_bytes();
  report.uptime_ms = clock_.monotonic_ms() - started_at_ms_;
  const auto storage = storage_health(partitions_->all());
  auto health = storage.health;
  if (pipe_client_) {
    const auto view = pipe_client_->view();
    health = std::max(health, view.health);
    report.parent = view.parent;
    report.last_error = view.last_error;
  }
  if (!storage.status) report.last_error = storage.status.error().what();
  report.health = to_string(health);
  for (const auto* partition : partitions_->all()) {
    if (local_topics_->has(partition->id().incarnation)) continue;  // nobody else's business
    const auto age = partition->age_ms();
    report.partitions.push_back({partition->topic(), partition->id(),
                                 partition->log()->start_offset(), partition->log()->end_offset(),
                                 partition->high_watermark(), age, partition->log()->bytes()});
    report.age_ms = std::max(report.age_ms, age);
  }
  if (refresh_orders_) report.refreshes = refresh_orders_->report();
  return report;
}

NodeStatus App::status() const {
  NodeStatus status;
  status.report = report();
  status.role = to_string(node_->role());
  status.registry = !registry_ ? "none" : registry_->is_reachable() ? "reached" : "away";
  if (node_->topology()) {
    for (const auto& parent : node_->topology()->parents) status.parents.push_back(parent.node);
  }
  status.children = pipe_server_->children();
  status.connections = clients_->connections();
  return status;
}

// A follower is able to serve once it has ever been level with a parent, in this life or before.
Status App::ready() const {
  if (root_tier_) {
    if (auto good = root_tier_->ready(); !good) return good;
  }
  if (node_->is_owner()) return owner_ready(storage_health(partitions_->all()));
  const auto* topics = partitions_->find(topics_topic().log(0));
  const bool has_been_level = topics != nullptr && (topics->high_watermark() > Offset(0) ||
                                                    topics->age_ms() != Partition::kAgeUnknown);
  if (has_been_level) return {};
  return fail(Errc::kUnavailable, "no parent has been reached yet, and nothing is stored");
}

}  // namespace xylem::broker
