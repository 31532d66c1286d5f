// A running daemon that is asked over a real socket.
#pragma once

#include "common/http_client.h"
#include "consumer-app/change_streams.h"
#include "consumer-app/query_api.h"
#include "tests/support/delivered_batches.h"
#include "tests/unit/consumer-app/daemon.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace xylem::consumer_app {

using Json = nlohmann::json;

struct Served : Daemon {
  explicit Served(std::vector<std::string> kept = {"t"}) : Daemon(std::move(kept)) {}

  ~Served() { stop_serving(); }

  void stop_serving() {
    api.reset();
    snapshots.reset();
    changes.reset();
    server.reset();
    stop();
  }

  void serve() {
    start();
    server = std::make_unique<network::HttpServer>(world.loop, network::HttpServer::Limits());
    changes = std::make_unique<ChangeStreams>(
        ChangeStreams::Context{world.loop, metrics, *applier, *log, stream->topics()},
        *ViewReader::open(view_path()), *server, change_limits);
    snapshots = std::make_unique<Snapshots>(
        Snapshots::Context{world.loop, Logger::none(), metrics, stream->topics(), view_path()},
        *server, snapshot_limits);
    api = std::make_unique<QueryApi>(QueryApi::Context{world.loop, world.clock, metrics, *stream,
                                                       *applier, *log, *changes, *snapshots},
                                     *ViewReader::open(view_path()), *server);
    port = *server->listen({"127.0.0.1", 0});
  }

  using Headers = std::vector<std::pair<std::string, std::string>>;

  HttpAnswer get(const std::string& target, const Headers& headers = {}) {
    HttpAnswer got;
    std::atomic<bool> done = false;
    std::thread asker([&] {
      auto client = HttpClient::create({.base_url = "http://127.0.0.1:" + std::to_string(port)});
      auto answer = (*client)->exchange(
          {.target = target, .headers = headers, .timeout_ms = testing::kGiveUpMs});
      if (answer) got = std::move(*answer);
      done = true;
    });
    CHECK(world.until([&] { return done.load(); }));
    asker.join();
    return got;
  }

  Json json(const std::string& target, int status = 200) {
    const auto answer = get(target);
    CHECK_MESSAGE(answer.status == status, target, ": ", text_of(answer.body));
    return Json::parse(text_of(answer.body), nullptr, false);
  }

  std::unique_ptr<network::HttpServer> server;
  ChangeStreams::Limits change_limits;
  std::unique_ptr<ChangeStreams> changes;
  Snapshots::Limits snapshot_limits;
  std::unique_ptr<Snapshots> snapshots;
  std::unique_ptr<QueryApi> api;
  std::uint16_t port = 0;
};

inline Buffer log_batch(xylem::testing::FakePartition& log, const std::vector<KeyValue>& records) {
  auto batch = make_batch(log.end.value(), records);
  log.end = log.end + static_cast<std::int64_t>(records.size());
  return batch;
}

inline void publish(Served& daemon,
                    const std::string& topic,
                    const std::vector<KeyValue>& records) {
  auto& log = daemon.world.first.topics.at(topic).partitions[0];
  log.batches.push_back(log_batch(log, records));
  daemon.world.first.push_all();
}

}  // namespace xylem::consumer_app
