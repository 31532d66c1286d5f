// A broker's administration API on the loop of a BrokerWorld, and a client that asks it.
#pragma once

#include "broker/admin/admin_api.h"
#include "common/http_client.h"
#include "common/worker.h"
#include "tests/support/broker_world.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace xylem::testing {

class HttpWorld {
 public:
  explicit HttpWorld(bool auto_create_topics = false, storage::Disk* mapped_disk = nullptr)
      : broker(Epoch(3), {}, auto_create_topics, mapped_disk) {
    serve();
  }

  // A broker that owns nothing.
  explicit HttpWorld(const broker::Leader& leader) : broker(kNoEpoch, leader) { serve(); }

  void serve() {
    server.emplace(broker.loop, network::HttpServer::Limits{});
    add_topic_routes(*server, admin);
    add_message_routes(*server, admin);
    add_record_routes(*server, admin);
    add_stream_routes(*server, admin);
    add_group_routes(*server, admin);
    add_refresh_routes(*server, *broker.refreshes);
    add_node_routes(*server, admin);
    add_delayed_routes(*server, admin);
    broker::add_document_routes(*server);
    const auto got = server->listen({"127.0.0.1", 0});
    REQUIRE(got);
    port = *got;
    auto made = HttpClient::create({.base_url = "http://127.0.0.1:" + std::to_string(port)});
    REQUIRE(made);
    client = std::move(*made);
  }

  using Answer = std::optional<Result<HttpAnswer>>;

  // `answer` holds it once the loop was turned for long enough.
  void begin_to_ask(const std::string& method,
                    const std::string& target,
                    const std::string& body,
                    Answer& answer) {
    REQUIRE(worker.submit([this, method, target, body, &answer] {
      auto got = client->exchange({.method = method,
                                   .target = target,
                                   .headers = {},
                                   .body = bytes_of(body),
                                   .timeout_ms = kGiveUpMs,
                                   .on_body = nullptr});
      REQUIRE(broker.loop.post([&answer, got] { answer = got; }));
    }));
  }

  HttpAnswer ask(const std::string& method,
                 const std::string& target,
                 const std::string& body = {}) {
    Answer answer;
    begin_to_ask(method, target, body, answer);
    REQUIRE(run_until(broker.loop, [&] { return answer.has_value(); }));
    REQUIRE(*answer);
    return **answer;
  }

  HttpAnswer produce(const std::string& message) {
    return ask("POST", "/api/v1/messages", message);
  }

  BrokerWorld broker;
  broker::AdminContext admin{.client = *broker.context,
                             .status = [] { return broker::NodeStatus(); },
                             .ready = [] { return Status(); }};
  std::optional<network::HttpServer> server;
  std::uint16_t port = 0;
  std::unique_ptr<HttpClient> client;
  Worker worker{"asks"};
};

}  // namespace xylem::testing
