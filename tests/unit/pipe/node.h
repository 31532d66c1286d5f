// One broker of a test's tree: logs, a pipe server over them and a pipe client that fills them.
#pragma once

#include "common/loop.h"
#include "pipe/child_position.h"
#include "pipe/memory_connector.h"
#include "pipe/pipe_client.h"
#include "pipe/pipe_server.h"
#include "tests/support/fake_log.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace xylem::pipe {

inline LogId log_id(std::uint64_t topic, std::int32_t partition = 0) {
  return {{Uuid::from_words(0, topic), 0}, PartitionId(partition)};
}

// What all nodes of one test share.
struct World {
  explicit World(std::uint64_t seed = 1) : random(seed), connector(loop) {}

  Loop loop;
  SystemClock clock;
  Random random;
  Metrics metrics;
  MemoryConnector connector;
  Logger* logger = &Logger::none();
};

class Node final : public PipeSource, public PipeTarget {
 public:
  // Makes the log of an id on a node.
  using Make = std::function<std::shared_ptr<storage::PartitionLog>(const LogId&)>;

  struct Copy {
    std::shared_ptr<storage::PartitionLog> log;
    Offset high_watermark;
    std::uint64_t age_ms = 0;
  };

  explicit Node(World& world, const std::string& id)
      : world_(world),
        id_(id),
        server_(std::make_unique<PipeServer>(
            PipeServer::Context{world.loop, world.clock, world.random, world.metrics},
            *this,
            PipeServer::Limits{})) {
    world.connector.serve(url(), *server_);
  }

  ~Node() override { world_.connector.withdraw(url()); }

  [[nodiscard]] std::string url() const { return "http://" + id_; }

  [[nodiscard]] Parent as_parent() const { return {id_, url()}; }

  [[nodiscard]] PipeServer& server() { return *server_; }

  [[nodiscard]] PipeClient& client() { return *client_; }

  [[nodiscard]] Copy& copy(const LogId& id) { return copies_.at(id); }

  [[nodiscard]] std::map<LogId, Copy>& copies() { return copies_; }

  [[nodiscard]] const std::map<LogId, Copy>& copies() const { return copies_; }

  // `connector`: null: the world's.
  void start_client(PipeClient::Options options = {}, PipeConnector* connector = nullptr) {
    options.node = id_;
    client_ = std::make_unique<PipeClient>(
        PipeClient::Context{world_.loop, world_.clock, world_.random, *world_.logger,
                            world_.metrics},
        connector == nullptr ? world_.connector : *connector, *this, options);
    for (const auto& [log, copy] : copies_) client_->add(log);
  }

  void open(const LogId& id) {
    copies_[id] = {.log = fresh(id)};
    if (client_) client_->add(id);
    server_->notify(id);
  }

  // As a root: appends, and commits at once.
  void publish(const LogId& id, std::string_view value, Epoch epoch = Epoch(0)) {
    auto& copy = copies_.at(id);
    XYLEM_CHECK(copy.log->append(testing::batch_of(value), epoch).has_value());
    copy.high_watermark = copy.log->end_offset();
    server_->notify(id);
  }

  // As a root: `id` is led by `leader` since `epoch`, as far as this node knows.
  void leave_to(const LogId& id, const Node& leader, Epoch epoch = Epoch(0)) {
    elsewhere_[id] = {.epoch = epoch, .leader = leader.id_, .leader_address = leader.url()};
    server_->notify(id);
  }

  // From now on it serves `id` itself.
  void take_back(const LogId& id) {
    elsewhere_.erase(id);
    server_->notify(id);
  }

  // Loses everything it has, as with a new disk.
  void wipe() {
    for (auto& [id, copy] : copies_) {
      copy = {.log = fresh(id)};
      if (client_) client_->touch(id);
      server_->notify(id);
    }
  }

  [[nodiscard]] Buffer content(const LogId& id) const {
    const auto& log = *copies_.at(id).log;
    Buffer all;
    Offset at = log.start_offset();
    while (at < log.end_offset()) {
      const auto read = log.read(at, 1 << 20, log.end_offset());
      if (!read || read->slices.empty()) break;
      for (const auto& slice : read->slices) append(slice.bytes, all);
      at = read->next;
    }
    return all;
  }

  // PipeSource
  [[nodiscard]] std::optional<SourcePartition> find(const LogId& log) const override {
    if (const auto led = elsewhere_.find(log); led != elsewhere_.end()) return led->second;
    const auto found = copies_.find(log);
    if (found == copies_.end()) return std::nullopt;
    SourcePartition source;
    source.log = found->second.log;
    source.high_watermark = found->second.high_watermark;
    source.age_ms = found->second.age_ms;
    source.compacted_below = source.log->compaction().compacted_below;
    source.tombstone_horizon = source.log->compaction().tombstone_horizon;
    return source;
  }

  [[nodiscard]] NodeId node() const override { return id_; }

  [[nodiscard]] ClusterId cluster() const override { return cluster_id; }

  [[nodiscard]] std::uint64_t topology_version() const override { return 7; }

  [[nodiscard]] bool is_replica(const NodeId&, std::int32_t) const override { return false; }

  void on_replica(std::int32_t, const FetchPartition&) override {}

  // PipeTarget
  Result<FetchPartition> position(const LogId& log) override {
    const auto found = copies_.find(log);
    if (found == copies_.end()) return fail(Errc::kNotFound, "no such log");
    return position_of(log, *found->second.log);
  }

  Status store(const FetchedPartition& fetched) override {
    auto& copy = copies_.at(fetched.log);
    ++stores;
    if (const auto bounds = inherited(*copy.log, fetched))
      XYLEM_CHECK(copy.log->inherit_compaction(*bounds).has_value());
    for (const auto& slice : fetched.batches) {
      auto stored = copy.log->append_as_is(slice.bytes);
      if (!stored) return stored;
    }
    copy.high_watermark = std::max(copy.high_watermark, fetched.high_watermark);
    copy.age_ms = fetched.age_ms;
    server_->notify(fetched.log);
    if (on_store) on_store(fetched);
    return {};
  }

  Status repair(const FetchedPartition& fetched) override {
    auto& copy = copies_.at(fetched.log);
    repairs.push_back(fetched.state);
    if (fetched.state == FetchState::kDiverged) {
      const auto cut = cut_point(*copy.log, fetched);
      if (!cut) return std::unexpected(cut.error());
      copy.high_watermark = std::min(copy.high_watermark, *cut);
      return copy.log->cut_back(*cut);
    }
    if (fetched.state == FetchState::kOutOfRange) {
      copy.high_watermark = fetched.offset;
      auto dropped = copy.log->cut_back(Offset(0));
      return dropped ? copy.log->drop_before(fetched.offset) : dropped;
    }
    return {};
  }

  void confirm(const LogId& log, std::uint64_t age_ms) override {
    ++confirms[log];
    copies_.at(log).age_ms = age_ms;
  }

  bool accepts(const NodeId& parent, const ClusterId& cluster) override {
    return cluster == cluster_id && parent != refused;
  }

  void on_topology_version(std::uint64_t version) override { seen_topology = version; }

  Make make;
  ClusterId cluster_id = Uuid::from_words(1, 1);
  NodeId refused;
  std::function<void(const FetchedPartition&)> on_store;
  std::vector<FetchState> repairs;
  std::uint64_t stores = 0;
  std::map<LogId, int> confirms;
  std::uint64_t seen_topology = 0;

 private:
  // An empty log that tells the server when more of it can be read.
  std::shared_ptr<storage::PartitionLog> fresh(const LogId& id) {
    auto log = make ? make(id) : std::make_shared<testing::FakeLog>(id);
    log->set_listener([this, id] { server_->notify(id); });
    return log;
  }

  World& world_;
  NodeId id_;
  std::map<LogId, Copy> copies_;
  std::map<LogId, SourcePartition> elsewhere_;
  std::unique_ptr<PipeServer> server_;
  std::unique_ptr<PipeClient> client_;
};

}  // namespace xylem::pipe
