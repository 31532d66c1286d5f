// Five root brokers on one loop: logs and quorums in files, peers and pipes in memory.
#pragma once

#include "broker/cluster/root_tier.h"
#include "pipe/memory_connector.h"
#include "tests/support/fake_log.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/try_until.h"
#include "tests/unit/storage/support/log_fixture.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::broker::testing {

using xylem::testing::run_until;

class RootTierWorld {
 public:
  static constexpr int kBrokers = 5;

  // One life of a broker.
  class Broker {
   public:
    Broker(RootTierWorld& world, int number)
        : world_(world), number_(number), data_(world.data_dir(number)) {
      auto opened = storage::open_storage(
          "mmap", data_, {world.loop, world.disk, world.clock, Logger::none(), metrics_});
      REQUIRE(opened);
      storage_ = std::move(*opened);
      partitions.emplace(
          PartitionTable::Context{world.loop, world.clock, Logger::none(), *storage_},
          PartitionTable::Options{});
      topics.emplace(
          TopicCatalog::Context{world.loop, world.clock, random_, Logger::none(), *partitions},
          kNoEpoch);
      auto state = storage::StateStore::open(data_ + "/state.db", world.loop);
      REQUIRE(state);
      state_ = std::move(*state);
      known_logs_.emplace(world.loop, *state_, Logger::none());
      std::optional<Status> loaded;
      known_logs_->load([&](Status done) { loaded = std::move(done); });
      REQUIRE(run_until(world.loop, [&] { return loaded.has_value(); }));
      client_ = world.hub.make_client();
      server_ = world.hub.make_server();
      open_tier();
    }

    // As a process that is killed: nothing is said to anybody.
    ~Broker() {
      bool is_closed = false;
      world_.connector.withdraw(url());
      tier->close_at_once([&] { is_closed = true; });
      run_until(world_.loop, [&] { return is_closed; });
      pipe_.reset();
      partitions.reset();
      tier.reset();
    }

    Broker(const Broker&) = delete;
    Broker& operator=(const Broker&) = delete;

    [[nodiscard]] std::string url() const { return "http://root-" + std::to_string(number_); }

    std::optional<PartitionTable> partitions;
    std::optional<TopicCatalog> topics;
    std::unique_ptr<RootTier> tier;

   private:
    void open_tier() {
      auto opened =
          RootTier::open({.pipe = {world_.loop, world_.clock, random_, Logger::none(), metrics_},
                          .connector = world_.connector,
                          .client = *client_,
                          .server = *server_,
                          .disk = world_.disk,
                          .storage = *storage_,
                          .partitions = *partitions,
                          .topics = *topics,
                          .known_logs = *known_logs_},
                         {.peers = world_.peers,
                          .self = ReplicaId(number_),
                          .cluster = world_.cluster,
                          .directory = data_ + "/quorum",
                          .founds = true,
                          .instance = Uuid::random(random_),
                          .disk = Uuid::from_words(1, static_cast<std::uint64_t>(number_)),
                          .is_clean = false,
                          .pipe_bytes_max = 1 << 20,
                          .pipe_wait_ms = 500});
      REQUIRE(opened);
      tier = std::move(*opened);
      offer_.emplace(*partitions, Offer::Identity{.node = "root-" + std::to_string(number_),
                                                  .cluster = [this] { return world_.cluster; },
                                                  .topology_version = [] { return 0; }});
      pipe_.emplace(pipe::PipeServer::Context{world_.loop, world_.clock, random_, metrics_},
                    tier->offer(*offer_), pipe::PipeServer::Limits{});
      partitions->observe([this](const Partition& moved) { pipe_->notify(moved.id()); });
      tier->on_changed([this](const LogId& log) { pipe_->notify(log); });
      world_.connector.serve(url(), *pipe_);
      REQUIRE(tier->start(world_.peers[static_cast<std::size_t>(number_)].address));
      tier->register_at("clients-" + std::to_string(number_) + ":1", url());
    }

    RootTierWorld& world_;
    int number_;
    std::string data_;
    Random random_{static_cast<std::uint64_t>(world_.lives_++)};
    Metrics metrics_;
    std::unique_ptr<storage::StorageEngine> storage_;
    std::unique_ptr<storage::StateStore> state_;
    std::optional<KnownLogs> known_logs_;
    std::unique_ptr<network::NetworkClient> client_;
    std::unique_ptr<network::NetworkServer> server_;
    std::optional<Offer> offer_;
    std::optional<pipe::PipeServer> pipe_;
  };

  RootTierWorld() {
    for (int i = 0; i < kBrokers; ++i) {
      const auto name = "root-" + std::to_string(i);
      peers.push_back({name, {name, 6'081}});
      REQUIRE(disk.make_directories(data_dir(i)));
    }
    for (int i = 0; i < kBrokers; ++i) start(i);
  }

  ~RootTierWorld() { brokers.clear(); }

  RootTierWorld(const RootTierWorld&) = delete;
  RootTierWorld& operator=(const RootTierWorld&) = delete;

  [[nodiscard]] std::string data_dir(int number) const {
    return directory.file("root-" + std::to_string(number));
  }

  void start(int number) {
    if (brokers.size() <= static_cast<std::size_t>(number))
      brokers.resize(static_cast<std::size_t>(number) + 1);
    brokers[static_cast<std::size_t>(number)] = std::make_unique<Broker>(*this, number);
  }

  void kill(int number) { brokers[static_cast<std::size_t>(number)].reset(); }

  [[nodiscard]] Broker& at(ReplicaId broker) {
    return *brokers[static_cast<std::size_t>(broker.value())];
  }

  // What the brokers that live agree on, if they do.
  [[nodiscard]] const PartitionRecord* record(const LogId& log) const {
    const PartitionRecord* found = nullptr;
    for (const auto& broker : brokers) {
      if (broker == nullptr) continue;
      const auto* its = broker->tier->metadata().state().find(log);
      if (its == nullptr || (found != nullptr && *found != *its)) return nullptr;
      found = its;
    }
    return found;
  }

  // Waits until they do.
  PartitionRecord agreed(const LogId& log) {
    REQUIRE(run_until(loop, [&] { return record(log) != nullptr; }));
    return *record(log);
  }

  // One that lives and knows that it leads; null: there is none at this moment.
  [[nodiscard]] Partition* leader_now(const LogId& log) const {
    const auto* decided = record(log);
    if (decided == nullptr || decided->leader == kNoReplica) return nullptr;
    const auto& broker = brokers[static_cast<std::size_t>(decided->leader.value())];
    auto* found = broker == nullptr ? nullptr : broker->partitions->find(log);
    const bool leads = found != nullptr && found->is_leader() && found->epoch() == decided->epoch;
    return leads ? found : nullptr;
  }

  // Waits for it.
  Partition* leader(const LogId& log) {
    Partition* found = nullptr;
    run_until(loop, [&] { return (found = leader_now(log)) != nullptr; });
    return found;
  }

  [[nodiscard]] bool is_whole(const LogId& log) const {
    const auto* decided = record(log);
    return decided != nullptr && decided->in_sync == decided->replicas;
  }

  TopicDefinition create(const std::string& name, std::int32_t partitions = 1) {
    std::optional<Result<TopicDefinition>> answer;
    TopicDefinition topic;
    topic.name = name;
    topic.partitions = partitions;
    topic.replicas = topic.min_insync = 0;
    run_until(loop, [&] { return brokers[0]->tier->ready().has_value(); });
    // The controller may still be on its way.
    REQUIRE(xylem::testing::try_until(loop, [&] {
      answer.reset();
      brokers[0]->topics->create(topic, [&](auto made) { answer = std::move(made); });
      if (!run_until(loop, [&] { return answer.has_value(); })) return false;
      return *answer || answer->error().code() == Errc::kAlreadyExists;  // by a try that came late
    }));
    return *answer ? **answer : *brokers[0]->topics->find(name);
  }

  // Appends one record to the leader; nullopt: no answer in time.
  std::optional<Result<Partition::Appended>> append(
      const LogId& log,
      std::string_view value,
      Acks acks = Acks::kAll,
      std::uint64_t limit_ms = xylem::testing::kGiveUpMs) {
    auto* partition = leader(log);
    REQUIRE(partition != nullptr);
    auto answer = std::make_shared<std::optional<Result<Partition::Appended>>>();
    partition->append(xylem::testing::batch_of(value), acks,
                      [answer](auto appended) { *answer = std::move(appended); });
    run_until(loop, [&] { return answer->has_value(); }, limit_ms);
    return *answer;
  }

  // Until it is taken: a leader that is about to change refuses it, and one whose followers were
  // not heard for a moment.
  Partition::Appended append_at_last(const LogId& log, std::string_view value) {
    std::optional<Result<Partition::Appended>> done;
    REQUIRE(xylem::testing::try_until(loop, [&] {
      done = append(log, value);
      return done && *done;
    }));
    return **done;
  }

  TemporaryDirectory directory{storage::testing::fast_directory()};
  Loop loop;
  SystemClock clock;
  storage::PosixDisk disk;
  network::MemoryHub hub{loop};
  pipe::MemoryConnector connector{loop};
  ClusterId cluster = Uuid::from_words(7, 7);
  std::vector<RootPeer> peers;
  std::vector<std::unique_ptr<Broker>> brokers;

 private:
  int lives_ = 1;
};

}  // namespace xylem::broker::testing
