// What waits: the long poll of the topology and the event stream.
#include "tests/support/run_until.h"
#include "tests/unit/registry/registry_world.h"

#include <chrono>
#include <future>
#include <mutex>
#include <string>
#include <thread>

namespace xylem::registry {
namespace {

using testing::json_of;
using testing::RegistryWorld;
using testing::report_json;

void wait_until(const std::function<bool()>& condition) {
  const auto limit = std::chrono::milliseconds(xylem::testing::kGiveUpMs);
  std::promise<void> never;
  const auto nothing = never.get_future();
  for (auto waited = std::chrono::milliseconds(0); waited < limit;
       waited += std::chrono::milliseconds(2)) {
    if (condition()) return;
    nothing.wait_for(std::chrono::milliseconds(2));
  }
  FAIL("it did not come true");
}

struct LongPoll {
  LongPoll(RegistryWorld& world, const std::string& id, int wait_ms)
      : client(world.client()),
        answer(std::async(
            std::launch::async,
            [this,
             id,
             wait_ms,
             etag = std::string(world.get("/registry/topology?nodeId=" + id).header("etag"))] {
              return client->exchange(
                  {.target = "/registry/topology?nodeId=" + id + "&wait=" + std::to_string(wait_ms),
                   .headers = {{"if-none-match", etag}},
                   .timeout_ms = xylem::testing::kGiveUpMs});
            })) {}

  std::unique_ptr<HttpClient> client;
  std::future<Result<HttpAnswer>> answer;
};

std::size_t waiting(RegistryWorld& world) {
  return world.on_loop([&] { return world.http->topology().waiting(); });
}

TEST_CASE("topology: a waiting node is woken by what concerns it, not by the rest") {
  RegistryWorld world;
  world.put("root-0");
  world.put("l2-0");
  world.put("l2-1");
  LongPoll poll(world, "l2-0", 30'000);
  wait_until([&] { return waiting(world) == 1; });
  world.put("pos-0");  // a new version, but the same assignment for l2-0
  wait_until([&] { return world.get("/registry/topology?nodeId=pos-0").status == 200; });
  CHECK(poll.answer.wait_for(std::chrono::milliseconds(100)) == std::future_status::timeout);
  world.put("root-1");
  const auto answer = poll.answer.get();
  REQUIRE(answer);
  CHECK(answer->status == 200);
  CHECK(json_of(*answer)["roots"].size() == 2);
  CHECK(waiting(world) == 0);
}

TEST_CASE("topology: a wait without a change ends with 304") {
  RegistryWorld world;
  world.put("root-0");
  LongPoll poll(world, "root-0", 20);
  const auto answer = poll.answer.get();
  REQUIRE(answer);
  CHECK(answer->status == 304);
}

TEST_CASE("topology: what is not current is answered at once") {
  RegistryWorld world;
  world.put("root-0");
  const auto answer =
      world.get("/registry/topology?nodeId=root-0&wait=60000", {{"if-none-match", "\"1-0\""}});
  CHECK(answer.status == 200);
}

TEST_CASE("topology: a waiting node that is forgotten is told so") {
  RegistryWorld world;
  world.put("root-0");
  LongPoll poll(world, "root-0", 30'000);
  wait_until([&] { return waiting(world) == 1; });
  CHECK(world.request("DELETE", "/api/v1/nodes/root-0").status == 204);
  const auto answer = poll.answer.get();
  REQUIRE(answer);
  CHECK(answer->status == 404);
}

TEST_CASE("topology: a node that goes away does not wait on") {
  RegistryWorld world;
  world.put("root-0");
  LongPoll poll(world, "root-0", 30'000);
  wait_until([&] { return waiting(world) == 1; });
  poll.client->cancel();
  CHECK_FALSE(poll.answer.get());
  wait_until([&] { return waiting(world) == 0; });
}

class Listener {
 public:
  explicit Listener(RegistryWorld& world)
      : client_(world.client()), thread_([this] {
          client_->exchange({.target = "/api/v1/events",
                             .timeout_ms = xylem::testing::kGiveUpMs,
                             .on_body = [this](Bytes bytes) {
                               const std::lock_guard lock(mutex_);
                               text_ += text_of(bytes);
                               return true;
                             }});
        }) {}

  ~Listener() {
    client_->cancel();
    thread_.join();
  }

  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] std::size_t count(std::string_view what) {
    const std::lock_guard lock(mutex_);
    std::size_t found = 0;
    for (auto at = text_.find(what); at != std::string::npos; at = text_.find(what, at + 1))
      ++found;
    return found;
  }

 private:
  std::mutex mutex_;
  std::string text_;  // under mutex_
  std::unique_ptr<HttpClient> client_;
  std::thread thread_;
};

TEST_CASE("events: topology first, then nodes and their silence") {
  RegistryWorld world;
  world.put("root-0");
  Listener listener(world);
  wait_until([&] { return listener.count("event: topology\n") == 1; });
  CHECK(listener.count("event: node") == 0);
  world.put("pos-0");
  wait_until([&] { return listener.count("event: node\n") == 1; });
  CHECK(listener.count("data: {\"nodeId\":\"pos-0\"") == 1);
  CHECK(listener.count("event: topology\n") == 2);
  world.clock.advance_ms(6'000);
  world.put("pos-0");
  world.on_loop([&] { world.service.lapse(); });
  wait_until([&] { return listener.count("event: gone\ndata: {\"nodeId\":\"root-0\"") == 1; });
}

TEST_CASE("events: many changes of a node between two flushes are one event") {
  RegistryWorld world;
  world.put("root-0");
  Listener listener(world);
  wait_until([&] { return listener.count("event: topology\n") == 1; });
  world.on_loop([&] {
    for (int i = 0; i < 100; ++i) {
      NodeReport report;
      report.instance = "i1";
      report.uptime_ms = i;
      REQUIRE(world.service.report("pos-0", report));
    }
  });
  wait_until([&] { return listener.count("\"uptimeMs\":99") == 1; });
  CHECK(listener.count("event: node\n") == 1);
}

TEST_CASE("events: a client that left is forgotten; one beyond the limit is refused") {
  RegistryWorld world;
  const auto clients = [&] {
    return world.on_loop([&] { return world.http->events().clients(); });
  };
  {
    Listener listener(world);
    wait_until([&] { return clients() == 1; });
  }
  wait_until([&] { return clients() == 0; });
}

}  // namespace
}  // namespace xylem::registry
