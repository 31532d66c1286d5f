// A broker with refreshes, and a consumer that keeps a copy: what it has of each, by refresh.
#pragma once

#include "network/client/consumer.h"
#include "network/client/producer.h"
#include "tests/support/broker_world.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xylem::testing {

class CopyKeeper {
 public:
  CopyKeeper(BrokerWorld& world, const std::string& topic, std::string client_id = "keeper")
      : world_(world) {
    network::Consumer::Options options{.brokers = BrokerWorld::addresses(),
                                       .client_id = std::move(client_id)};
    options.topics = {topic};
    options.commit = network::Consumer::Commit::kOwnCursors;
    options.backoff_ms = 1;
    options.backoff_max_ms = 4;
    consumer.emplace(world.client_context(), options, handlers());
    consumer->start();
  }

  // Answers what the broker has told it, unless it is to be silent.
  bool answers = true;
  std::optional<network::Cursor> copy;  // how far it has one; set it before the loop runs
  std::vector<network::Refresh> resets;
  std::vector<network::Refresh> readies;
  std::map<std::uint64_t, std::vector<std::string>> values;  // by refresh; 0: live
  std::vector<network::SubscribeAnswer> subscribed;
  std::optional<network::Consumer> consumer;

  [[nodiscard]] bool is_ready(std::uint64_t refresh) const {
    return !readies.empty() && readies.back().refresh_id == refresh;
  }

  void answer(network::FrameType type, const network::Refresh& refresh) {
    consumer->acknowledge(type, refresh);
  }

 private:
  network::Consumer::Handlers handlers() {
    network::Consumer::Handlers made;
    made.message = [this](const auto& batch, const RecordView& record) -> Status {
      values[batch.refresh_id].emplace_back(text_of(*record.value));
      return {};
    };
    made.reset = [this](const network::Refresh& reset) {
      resets.push_back(reset);
      if (answers) answer(network::FrameType::kResetAck, reset);
    };
    made.ready = [this](const network::Refresh& ready) {
      readies.push_back(ready);
      if (answers) answer(network::FrameType::kReadyAck, ready);
    };
    made.cursor = [this](auto, auto) { return copy; };
    made.subscribed = [this](const auto& answer) { subscribed.push_back(answer); };
    return made;
  }

  BrokerWorld& world_;
};

struct RefreshWorld : BrokerWorld {
  using BrokerWorld::BrokerWorld;

  void produce(const std::string& topic, const std::vector<std::string>& texts) {
    network::Producer producer(client_context(), {.brokers = addresses()});
    std::size_t acknowledged = 0;
    for (const auto& text : texts) {
      Record record;
      record.key = record.value = text;
      REQUIRE(producer.send(topic, record, [&](const auto& delivered) {
        REQUIRE(delivered);
        ++acknowledged;
      }));
    }
    REQUIRE(run_until(loop, [&] { return acknowledged == texts.size(); }));
  }

  std::uint64_t start(const std::string& topic) {
    std::optional<Result<broker::RefreshStatus>> started;  // not before state.db was read
    REQUIRE(run_until(loop, [&] {
      started = refreshes->start(topic, "test", std::nullopt);
      return started->has_value() || started->error().code() != Errc::kUnavailable;
    }));
    REQUIRE(*started);
    return (*started)->id;
  }

  broker::RefreshState state(std::uint64_t id) const {
    const auto found = refreshes->find(id);
    REQUIRE(found);
    return found->state;
  }

  bool ends(std::uint64_t id, broker::RefreshState how) {
    return run_until(loop, [&] { return state(id) == how; });
  }

  // The broker's refreshes after a stop and a start; consumers' connections are lost.
  void restart_refreshes(const broker::Refreshes::Options& options = {}) {
    clients.reset();
    refreshes.reset();
    refreshes.emplace(broker::Refreshes::Context{loop, clock, random, Logger::none(), metrics,
                                                 *partitions, *topics, *state_store()},
                      options);
    refreshes->load([](const Status& loaded) { CHECK(loaded); });
    context->refreshes = &*refreshes;
    clients.emplace(*context, hub.make_server());
    REQUIRE(clients->listen(*network::Address::parse(kAddress)));
  }

  storage::StateStore* state_store() { return BrokerWorld::state.get(); }
};

}  // namespace xylem::testing
