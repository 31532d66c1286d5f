// The client-facing half of a broker on one loop: memory storage (or files), in-memory network,
// real state.db.
#pragma once

#include "broker/dead_letters/dead_letters.h"
#include "broker/delayed/delayed_records.h"
#include "broker/delivery/client_listener.h"
#include "broker/groups/local_offsets.h"
#include "broker/refresh/refreshes.h"
#include "network/client/admin_client.h"
#include "network/client/consumer.h"
#include "network/client/producer.h"
#include "storage/disk.h"
#include "storage/storage_engine.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace xylem::testing {

class BrokerWorld {
 public:
  static constexpr std::string_view kAddress = "broker:9092";

  // `leadership`: kNoEpoch: a broker that owns nothing and names `leader` as who does.
  // `mapped_disk`: where logs with files are; null: in memory. `groups`: in place of its own.
  explicit BrokerWorld(Epoch leadership = Epoch(3),
                       broker::Leader leader = {},
                       bool auto_create_topics = false,
                       storage::Disk* mapped_disk = nullptr,
                       broker::GroupOffsets* groups = nullptr)
      : hub(loop) {
    auto& used = mapped_disk == nullptr ? disk : *mapped_disk;
    auto engine =
        storage::open_storage(mapped_disk == nullptr ? "memory" : "mmap", directory.file("data"),
                              {loop, used, clock, Logger::none(), metrics});
    REQUIRE(engine);
    storage = std::move(*engine);
    auto store = storage::StateStore::open(directory.file("state.db"), loop);
    REQUIRE(store);
    state = std::move(*store);
    offsets.emplace(*state);
    partitions.emplace(broker::PartitionTable::Context{loop, clock, Logger::none(), *storage},
                       broker::PartitionTable::Options{});
    topics.emplace(broker::TopicCatalog::Context{loop, clock, random, Logger::none(), *partitions},
                   leadership);
    network = hub.make_client();
    open_delayed(leadership);
    broker::GroupOffsets& kept = groups == nullptr ? *offsets : *groups;
    memberships.emplace(broker::Memberships::Context{loop, clock, *topics, kept},
                        broker::Group::Options());
    counts.emplace(*state);
    group_admin.emplace(
        broker::GroupAdmin::Context{clock, *topics, *partitions, kept, *memberships, &*counts});
    local.emplace(broker::LocalTopics::Context{random, Logger::none(), *state, *storage});
    dead_letters.emplace(broker::DeadLetters::Context{.loop = loop,
                                                      .clock = clock,
                                                      .logger = Logger::none(),
                                                      .metrics = metrics,
                                                      .partitions = *partitions,
                                                      .topics = *topics,
                                                      .local = *local,
                                                      .counts = *counts,
                                                      .offsets = kept});
    context.emplace(broker::ClientContext{
        .loop = loop,
        .clock = clock,
        .logger = Logger::none(),
        .metrics = metrics,
        .partitions = *partitions,
        .topics = *topics,
        .offsets = kept,
        .memberships = *memberships,
        .group_admin = *group_admin,
        .node = "broker",
        .role = [] { return std::string("LOCAL"); },
        .cluster = [] { return ClusterId(); },
        .leader = [leader] { return leader; },
        .leader_of =
            [this, leader](const LogId& log) {
              const auto named = leaders.find(log.partition);
              return named == leaders.end() ? leader : named->second;
            },
        .reader_of = [this](const LogId& log) { return context->leader_of(log); },
        .auto_create_topics = auto_create_topics,
        .delayed = &*delayed,
        .dead_letters = &*dead_letters,
        .delivery_counts = &*counts});
    refreshes.emplace(broker::Refreshes::Context{loop, clock, random, Logger::none(), metrics,
                                                 *partitions, *topics, *state},
                      broker::Refreshes::Options());
    refreshes->load([](const Status& loaded) { CHECK(loaded); });
    context->refreshes = &*refreshes;
    clients.emplace(*context, hub.make_server());
    REQUIRE(topics->start());
    local->start(*partitions, *topics);
    refreshes->watch();
    REQUIRE(clients->listen(*network::Address::parse(kAddress)));
  }

  // Also anew, as after a restart.
  void open_delayed(Epoch leadership) {
    delayed.reset();
    const auto open = [this, leadership]() -> Status {
      const auto home = broker::delayed_topic();
      if (leadership == kNoEpoch) return {};
      for (std::int32_t p = 0; p < home.partitions; ++p) {
        if (auto opened = partitions->open(home, PartitionId(p), leadership); !opened)
          return pass(opened);
      }
      return {};
    };
    const auto leader_address = [this](const LogId& log) {
      const auto its_leader = context->leader_of(log);
      return its_leader.node == context->node ? std::string() : its_leader.tcp;
    };
    delayed.emplace(
        broker::DelayedRecords::Context{client_context(), metrics, *partitions, *topics},
        broker::DelayedRecords::Hooks{broker::delayed_topic, leader_address, open});
  }

  ~BrokerWorld() {
    clients.reset();
    refreshes.reset();
    dead_letters.reset();
    memberships.reset();
    delayed.reset();
    partitions.reset();
    state.reset();
  }

  BrokerWorld(const BrokerWorld&) = delete;
  BrokerWorld& operator=(const BrokerWorld&) = delete;

  network::ClientContext client_context() {
    return {loop, *network, clock, random, Logger::none()};
  }

  static std::vector<network::Address> addresses() { return {*network::Address::parse(kAddress)}; }

  broker::TopicDefinition create(const std::string& name,
                                 std::int32_t partition_count = 1,
                                 std::int32_t dead_letter_after = 0) {
    broker::TopicDefinition request;
    request.name = name;
    request.partitions = partition_count;
    request.dead_letter_after = dead_letter_after;
    std::optional<Result<broker::TopicDefinition>> answer;
    topics->create(request, [&](auto created) { answer = std::move(created); });
    REQUIRE(run_until(loop, [&] { return answer.has_value(); }));
    REQUIRE(*answer);
    return **answer;
  }

  std::map<PartitionId, broker::Leader> leaders;  // where it is not the one of all
  Loop loop;
  SystemClock clock;
  Random random{7};
  Metrics metrics;
  storage::PosixDisk disk;
  TemporaryDirectory directory;
  network::MemoryHub hub;
  std::unique_ptr<storage::StorageEngine> storage;
  std::unique_ptr<storage::StateStore> state;
  std::optional<broker::LocalOffsets> offsets;
  std::optional<broker::PartitionTable> partitions;
  std::optional<broker::TopicCatalog> topics;
  std::unique_ptr<network::NetworkClient> network;
  std::optional<broker::DelayedRecords> delayed;
  std::optional<broker::Memberships> memberships;
  std::optional<broker::DeliveryCounts> counts;
  std::optional<broker::LocalTopics> local;
  std::optional<broker::DeadLetters> dead_letters;
  std::optional<broker::GroupAdmin> group_admin;
  std::optional<broker::Refreshes> refreshes;
  std::optional<broker::ClientContext> context;
  std::optional<broker::ClientListener> clients;
};

}  // namespace xylem::testing
