#include "broker/topology/registry_client.h"

#include "tests/support/run_until.h"
#include "tests/support/scripted_server.h"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace xylem::testing {
namespace {

using broker::NodeReport;
using broker::RegistryClient;
using broker::Topology;

// A registry that answers every heartbeat alike and counts them.
class FakeRegistry {
 public:
  explicit FakeRegistry(int status, std::string body = "{}")
      : status_(status), body_(std::move(body)) {}

  [[nodiscard]] std::string url() const { return server_.url(); }

  [[nodiscard]] int requests() const { return requests_; }

  void answer_with(int status) { status_ = status; }

 private:
  void serve(ScriptedConnection& connection) {
    while (!connection.read_until("\r\n\r\n").empty()) {
      ++requests_;
      connection.write("HTTP/1.1 " + std::to_string(status_) + " Status\r\nContent-Length: " +
                       std::to_string(body_.size()) + "\r\n\r\n" + body_);
    }
  }

  std::atomic<int> status_;
  const std::string body_;
  std::atomic<int> requests_{0};
  ScriptedServer server_{[this](auto& connection) { serve(connection); }};  // last: it has a thread
};

struct Node {
  Node(Loop& loop, const std::string& url, const RegistryClient::Pace& pace = {}) {
    auto made = RegistryClient::create(
        {loop, random, Logger::none(), pace}, url,
        {.report =
             [] {
               NodeReport report;
               report.node = "pos-0";
               return report;
             },
         .changed = [](const Topology&) {},
         .answered = [this](std::string_view json) { answers.emplace_back(json); },
         .refused = [this](const Error& e) { refusals.push_back(e); }});
    REQUIRE(made);
    client = std::move(*made);
  }

  std::vector<Error> refusals;
  std::vector<std::string> answers;
  Random random{7};
  std::unique_ptr<RegistryClient> client;
};

TEST_CASE("registry client: an answer that meets a full inbox does not end the heartbeats") {
  const FakeRegistry registry(503);
  Loop loop;
  const Node node(loop, registry.url());
  while (loop.post([] {})) {
  }
  node.client->start(std::nullopt);
  while (registry.requests() < 1) std::this_thread::yield();
  node.client->say_goodbye("pos-0", "i1");  // runs behind the heartbeat
  while (registry.requests() < 2) std::this_thread::yield();
  CHECK(run_until(loop, [&] { return !node.client->last_error().empty(); }));
}

TEST_CASE("registry client: a refusal is told once, and again when it is another one") {
  FakeRegistry registry(401);
  Loop loop;
  const Node node(loop, registry.url(), {.first_ms = 1, .refused_ms = 1, .refused_ms_max = 1});
  node.client->start(std::nullopt);
  REQUIRE(run_until(loop, [&] { return registry.requests() >= 5; }));
  REQUIRE(node.refusals.size() == 1);
  CHECK(node.refusals.front().code() == Errc::kUnauthorized);
  registry.answer_with(409);
  REQUIRE(run_until(loop, [&] { return node.refusals.size() == 2; }));
  CHECK(node.refusals.back().code() == Errc::kDuplicateNode);
  registry.answer_with(503);
  const auto seen = registry.requests();
  REQUIRE(run_until(loop, [&] { return registry.requests() >= seen + 5; }));
  CHECK(node.refusals.size() == 2);
}

TEST_CASE("registry client: who is refused asks more seldom than who finds nobody, hurry or not") {
  constexpr std::uint64_t kHourMs = 3'600'000;
  constexpr RegistryClient::Pace kPace{
      .first_ms = 1, .refused_ms = kHourMs, .refused_ms_max = kHourMs};
  const FakeRegistry away(503);
  const FakeRegistry refusing(401);
  Loop loop;
  const Node waits(loop, away.url(), kPace);
  const Node refused(loop, refusing.url(), kPace);
  waits.client->start(std::nullopt);
  refused.client->start(std::nullopt);
  REQUIRE(run_until(loop, [&] { return !refused.refusals.empty(); }));
  refused.client->hurry();
  const auto seen = away.requests();
  REQUIRE(run_until(loop, [&] { return away.requests() >= seen + 10; }));
  CHECK(refusing.requests() == 1);
}

TEST_CASE("registry client: what else an answer holds counts when its topology does") {
  constexpr RegistryClient::Pace kPace{.first_ms = 1};
  const std::string topology =
      R"({"nodeId":"pos-0","role":"POS","topologyVersion":7,"parents":[],"roots":[],"topics":[],)"
      R"("heartbeatMs":100,"refreshes":[]})";
  const FakeRegistry good(200, topology);
  const FakeRegistry wrong(200, "{}");
  const FakeRegistry old(200, topology);
  Loop loop;
  const Node served(loop, good.url(), kPace);
  const Node misled(loop, wrong.url(), kPace);
  const Node newer(loop, old.url(), kPace);
  served.client->start(std::nullopt);
  misled.client->start(std::nullopt);
  newer.client->start(broker::Topology{.node = "pos-0", .version = 8});
  REQUIRE(run_until(loop, [&] { return served.answers.size() >= 2; }));
  CHECK(served.answers.front() == topology);
  REQUIRE(run_until(loop, [&] { return wrong.requests() >= 3 && old.requests() >= 3; }));
  CHECK(misled.answers.empty());
  CHECK(newer.answers.empty());
}

}  // namespace
}  // namespace xylem::testing
