#include "broker/topology/registry_client.h"

#include "tests/support/run_until.h"
#include "tests/support/scripted_server.h"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace xylem::testing {
namespace {

using broker::NodeReport;
using broker::RegistryClient;
using broker::Topology;

// A registry that answers every heartbeat alike and counts them.
class FakeRegistry {
 public:
  FakeRegistry(std::string status, std::string body)
      : server_([this, status = std::move(status), body = std::move(body)](auto& connection) {
          while (!connection.read_until("\r\n\r\n").empty()) {
            ++requests_;
            connection.write("HTTP/1.1 " + status + "\r\nContent-Length: " +
                             std::to_string(body.size()) + "\r\n\r\n" + body);
          }
        }) {}

  [[nodiscard]] std::string url() const { return server_.url(); }

  [[nodiscard]] int requests() const { return requests_; }

 private:
  std::atomic<int> requests_{0};
  ScriptedServer server_;  // last: its thread uses the rest
};

struct Fixture {
  explicit Fixture(const std::string& url) {
    auto made = RegistryClient::create({loop, random, Logger::none()}, url,
                                       {.report =
                                            [] {
                                              NodeReport report;
                                              report.node = "pos-0";
                                              return report;
                                            },
                                        .changed = [](const Topology&) {},
                                        .refused = [](const Error&) {}});
    REQUIRE(made);
    client = std::move(*made);
  }

  Loop loop;
  Random random{7};
  std::unique_ptr<RegistryClient> client;
};

TEST_CASE("registry client: an answer that meets a full inbox does not end the heartbeats") {
  FakeRegistry registry("503 Service Unavailable", "{}");
  Fixture node(registry.url());
  while (node.loop.post([] {})) {
  }
  node.client->start(std::nullopt);
  while (registry.requests() < 1) std::this_thread::yield();
  node.client->say_goodbye("pos-0", "i1");  // runs behind the heartbeat
  while (registry.requests() < 2) std::this_thread::yield();
  CHECK(run_until(node.loop, [&] { return !node.client->last_error().empty(); }));
}

}  // namespace
}  // namespace xylem::testing
