#include "tests/support/scripted_server.h"
#include "tests/unit/registry/registry_world.h"

#include <mutex>
#include <string>
#include <vector>

namespace xylem::registry {
namespace {

using testing::json_of;
using testing::RegistryWorld;
using testing::report_json;

// A root's admin HTTP that answers every request alike.
class FakeRoot {
 public:
  explicit FakeRoot(std::string status, std::string body)
      : server_([this, status = std::move(status), body = std::move(body)](
                    ScriptedConnection& connection) {
          const auto head = connection.read_until("\r\n\r\n");
          {
            const std::lock_guard lock(mutex_);
            heads_.push_back(head);
          }
          connection.write("HTTP/1.1 " + status +
                           "\r\nContent-Type: application/json\r\nConnection: close\r\n"
                           "Content-Length: " +
                           std::to_string(body.size()) + "\r\n\r\n" + body);
        }) {}

  [[nodiscard]] std::string address() const {
    return "127.0.0.1:" + std::to_string(server_.port());
  }

  [[nodiscard]] std::vector<std::string> heads() {
    const std::lock_guard lock(mutex_);
    return heads_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> heads_;  // under mutex_
  ScriptedServer server_;
};

void add_root(RegistryWorld& world, std::string_view id, const std::string& address) {
  auto report = report_json();
  report["addresses"]["http"] = address;
  REQUIRE(world.put(id, report).status == 200);
}

constexpr const char* kTopics =
    R"({"topics":[{"name":"prices","partitionState":[{"partition":0,"end":7},{"partition":1,"end":9}]}]})";

TEST_CASE("topic proxy: the root's answer comes back, status and all") {
  RegistryWorld world;
  FakeRoot root("201 Created", R"({"name":"a b"})");
  add_root(world, "root-0", root.address());
  const auto answer = world.request("POST", "/api/v1/topics?x=1%262", R"({"name":"t"})");
  CHECK(answer.status == 201);
  CHECK(text_of(answer.body) == R"({"name":"a b"})");
  CHECK(answer.header("content-type") == "application/json");
  CHECK(answer.header("x-content-type-options") == "nosniff");
  world.get("/api/v1/topics/a%20b/records?from=3");
  CHECK(world.get("/api/v1/topics/a%20b/records?from=3&waitMs=1").status == 400);
  REQUIRE(root.heads().size() == 2);
  CHECK(root.heads()[0].starts_with("POST /api/v1/topics?x=1%262 HTTP/1.1\r\n"));
  CHECK(root.heads()[1].starts_with("GET /api/v1/topics/a%20b/records?from=3 HTTP/1.1\r\n"));
}

TEST_CASE("topic proxy: partitions are the topics' partitions in a row") {
  RegistryWorld world;
  FakeRoot root("200 OK", kTopics);
  add_root(world, "root-0", root.address());
  const auto partitions = json_of(world.get("/api/v1/partitions"))["partitions"];
  REQUIRE(partitions.size() == 2);
  CHECK(partitions[1]["topic"] == "prices");
  CHECK(partitions[1]["end"] == 9);
}

TEST_CASE("topic proxy: where the asked root has no copy, the leader's report says the rest") {
  RegistryWorld world;
  const std::string prices =
      R"({"name":"prices","generation":2,"partitionState":[)"
      R"({"partition":0,"leader":"root-0","epoch":1,"start":0,"end":7,"highWatermark":7},)"
      R"({"partition":1,"leader":"root-1","epoch":4},{"partition":2,"leader":"","epoch":-1}]})";
  FakeRoot root("200 OK", R"({"topics":[)" + prices + "]}");
  add_root(world, "root-0", root.address());
  auto report = report_json();
  report["topics"] = {{{"name", "prices"},
                       {"topicId", std::string(32, '1')},
                       {"generation", 2},
                       {"partition", 1},
                       {"start", 3},
                       {"end", 9},
                       {"highWatermark", 8}},
                      {{"name", "prices"},
                       {"topicId", std::string(32, '1')},
                       {"generation", 2},
                       {"partition", 0},
                       {"start", 0},
                       {"end", 5},
                       {"highWatermark", 5}}};
  REQUIRE(world.put("root-1", report).status == 200);
  const auto partitions = json_of(world.get("/api/v1/partitions"))["partitions"];
  REQUIRE(partitions.size() == 3);
  CHECK(partitions[0]["end"] == 7);
  CHECK(partitions[1]["start"] == 3);
  CHECK(partitions[1]["end"] == 9);
  CHECK(partitions[1]["highWatermark"] == 8);
  CHECK_FALSE(partitions[2].contains("end"));
  const auto topics = json_of(world.get("/api/v1/topics"))["topics"];
  CHECK(topics[0]["partitionState"].size() == 3);
  CHECK(topics[0]["partitionState"][1]["end"] == 9);
}

TEST_CASE("topic proxy: an answer that lists no topics is not passed off as partitions") {
  for (const char* body : {"", "[]", "{}", R"({"topics":[3]})", R"({"topics":[{"name":"x"}]})"}) {
    CAPTURE(body);
    RegistryWorld world;
    FakeRoot root("200 OK", body);
    add_root(world, "root-0", root.address());
    CHECK(world.get("/api/v1/partitions").status >= 400);
  }
}

TEST_CASE("topic proxy: without a root it says so") {
  RegistryWorld world;
  world.put("l2-0");
  const auto answer = world.get("/api/v1/topics");
  CHECK(answer.status == 503);
  CHECK(json_of(answer)["code"] == "UNAVAILABLE");
}

TEST_CASE("topic proxy: reading goes on to the next root, changing does not") {
  RegistryWorld world;
  FakeRoot root("200 OK", kTopics);
  add_root(world, "root-0", "127.0.0.1:1");  // refuses
  add_root(world, "root-1", root.address());
  CHECK(world.get("/api/v1/topics").status == 200);
  CHECK(world.request("DELETE", "/api/v1/topics/prices").status == 503);
  CHECK(root.heads().size() == 1);
}

TEST_CASE("topic proxy: the leader that a root names is asked, if it is a root") {
  RegistryWorld world;
  FakeRoot leader("201 Created", "{}");
  FakeRoot other("421 Misdirected Request",
                 R"({"code":"NOT_LEADER","hint":")" + leader.address() + R"("})");
  add_root(world, "root-0", other.address());
  CHECK(world.request("POST", "/api/v1/topics", "{}").status == 421);
  CHECK(leader.heads().empty());
  add_root(world, "root-1", leader.address());
  CHECK(world.request("POST", "/api/v1/topics", "{}").status == 201);
}

TEST_CASE("topic proxy: it stops while a root keeps it waiting") {
  ScriptedServer silent([](ScriptedConnection& connection) { connection.wait_for_end(); });
  RegistryWorld world;
  add_root(world, "root-0", "127.0.0.1:" + std::to_string(silent.port()));
  const auto client = world.client();
  std::thread asking([&] { static_cast<void>(client->exchange({.target = "/api/v1/topics"})); });
  while (silent.connections() == 0) std::this_thread::yield();
  world.on_loop([&] { world.http.reset(); });
  client->cancel();
  asking.join();
}

}  // namespace
}  // namespace xylem::registry
