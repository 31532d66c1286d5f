#include "cli/up/plan.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

namespace xylem::cli {
namespace {

Plan plan_of(const UpOptions& options) {
  auto plan = make_plan(options, "/bin/x");
  REQUIRE(plan);
  return *plan;
}

std::vector<std::string> ids_of(const Plan& plan) {
  std::vector<std::string> ids;
  for (const auto& spec : plan.processes) ids.push_back(spec.id);
  return ids;
}

std::string location_of(const Plan& plan, const char* id) {
  return plan.find(id)->settings.at("NODE_LOCATION");
}

TEST_CASE("the default tree, in the order of starting") {
  const auto plan = plan_of({.dir = "/d"});
  CHECK(ids_of(plan) == std::vector<std::string>{"registry", "root-0", "root-1", "root-2", "root-3",
                                                 "root-4", "l2-0", "l2-1", "l3-0", "l3-1", "pos-0",
                                                 "pos-1", "consumer", "producer"});
  CHECK(plan.registry_url == "http://127.0.0.1:8080");
  CHECK(plan.find("root-0")->tcp->port == 9092);
  CHECK(plan.find("root-0")->http->port == 8081);
  CHECK(plan.find("root-0")->settings.at("PIPE_PORT") == "7081");
  CHECK(plan.find("root-4")->tcp->port == 9096);
  CHECK(plan.find("l2-0")->tcp->port == 9100);
  CHECK(plan.find("consumer")->http->port == 8090);
  CHECK_FALSE(plan.find("producer")->tcp);
  CHECK(plan.find("nobody") == nullptr);
}

TEST_CASE("counts are per parent, and locations nest") {
  const auto plan = plan_of({.dir = "/d", .tree = {.l2 = 2, .l3 = 2, .pos = 2, .local = 1}});
  CHECK(plan.brokers().size() == 5 + 2 + 4 + 8 + 8);
  CHECK(location_of(plan, "root-0").empty());
  CHECK(location_of(plan, "l2-1") == "region-1");
  CHECK(location_of(plan, "l3-3") == "region-1/site-3");
  CHECK(location_of(plan, "pos-5") == "region-1/site-2/till-1");
  CHECK(location_of(plan, "local-5") == "region-1/site-2/till-1/local-0");
  CHECK(plan.leaves().size() == 8);
  CHECK(plan.leaves().front()->role == "LOCAL");
}

TEST_CASE("no two processes share a port, with and without a base port") {
  const UpOptions based{.dir = "/d", .roots = 1, .base_port = std::uint16_t{20'000}};
  for (const int roots : {1, 2, 5, kRootsMax}) {
    for (auto options : {UpOptions{.dir = "/d"}, based}) {
      CAPTURE(roots);
      options.roots = roots;
      std::set<std::uint16_t> taken;
      std::size_t count = 0;
      for (const auto& spec : plan_of(options).processes) {
        for (const auto& [setting, port] : spec.ports) {
          CHECK(spec.settings.at(setting) == std::to_string(port));
          taken.insert(port);
          ++count;
        }
      }
      const int ports_of_root = roots == 1 ? 3 : 4;
      CHECK(count == static_cast<std::size_t>(1 + ports_of_root * roots + 3 * 6 + 1));
      CHECK(taken.size() == count);
    }
  }
  const auto plan = plan_of(based);
  CHECK(plan.registry_url == "http://127.0.0.1:20000");
  CHECK(plan.find("root-0")->tcp->port == 20'001);
  CHECK(plan.find("l2-0")->tcp->port == 20'004);
  CHECK(plan.find("consumer")->http->port == 20'022);
}

TEST_CASE("ports past the last one are refused") {
  CHECK(make_plan({.base_port = std::uint16_t{65'520}}, "/bin").error().code() ==
        Errc::kInvalidRequest);
}

TEST_CASE("one root is no quorum") {
  const auto plan = plan_of({.dir = "/d", .roots = 1});
  const auto& settings = plan.find("root-0")->settings;
  CHECK_FALSE(settings.contains("RAFT_PORT"));
  CHECK_FALSE(settings.contains("ROOT_PEERS"));
}

TEST_CASE("several roots know each other, and everybody knows them") {
  const auto plan = plan_of({.dir = "/d", .roots = 3, .tree = {.l2 = 1, .l3 = 0}});
  const auto roots = plan.roots();
  REQUIRE(roots.size() == 3);
  for (int i = 0; i < 3; ++i) {
    const auto& root = *roots[static_cast<std::size_t>(i)];
    CHECK(root.id == "root-" + std::to_string(i));
    CHECK(root.tcp->port == 9092 + i);
    CHECK(root.http->port == 8081 + i);
    CHECK(root.settings.at("PIPE_PORT") == std::to_string(7081 + i));
    CHECK(root.settings.at("RAFT_PORT") == std::to_string(6081 + i));
    CHECK(root.settings.at("ROOT_PEERS") ==
          "root-0@127.0.0.1:6081,root-1@127.0.0.1:6082,root-2@127.0.0.1:6083");
    CHECK(root.settings.at("DATA_DIR") == "/d/root-" + std::to_string(i) + "/data");
  }
  CHECK_FALSE(plan.find("l2-0")->settings.contains("ROOT_PEERS"));
  CHECK(plan.find("producer")->arguments.back() == "127.0.0.1:9092,127.0.0.1:9093,127.0.0.1:9094");
  CHECK(plan.find("consumer")->settings.at("CONSUMER_BROKERS") ==
        "127.0.0.1:9100,127.0.0.1:9094,127.0.0.1:9093,127.0.0.1:9092");
}

TEST_CASE("with a base port, a root of several takes four ports") {
  const auto plan = plan_of({.roots = 2, .base_port = std::uint16_t{20'000}});
  CHECK(plan.find("root-1")->tcp->port == 20'005);
  CHECK(plan.find("root-1")->settings.at("ROOT_PEERS") ==
        "root-0@127.0.0.1:20004,root-1@127.0.0.1:20008");
  CHECK(plan.find("l2-0")->tcp->port == 20'009);
}

TEST_CASE("a number of roots that cannot be is refused") {
  for (const int roots : {-1, 0, kRootsMax + 1}) {
    const auto plan = make_plan({.roots = roots}, "/bin");
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code() == Errc::kInvalidRequest);
    CHECK(plan.error().what().contains("--roots " + std::to_string(roots)));
  }
}

TEST_CASE("a broker is told who, what and where it is") {
  const auto plan = plan_of({.dir = "/d"});
  const auto& settings = plan.find("pos-1")->settings;
  CHECK(settings.at("NODE_ID") == "pos-1");
  CHECK(settings.at("NODE_ROLE") == "POS");
  CHECK(settings.at("REGISTRY_URL") == plan.registry_url);
  CHECK(settings.at("DATA_DIR") == "/d/pos-1/data");
  CHECK(plan.find("pos-1")->program == "/bin/x/xylem-broker");
  CHECK(plan.find("registry")->arguments == std::vector<std::string>{"--insecure"});
}

TEST_CASE("the consumer asks its POS first, then everybody") {
  const auto plan =
      plan_of({.dir = "/d", .roots = 1, .tree = {.l2 = 1, .l3 = 1, .pos = 1, .local = 1}});
  CHECK(plan.find("consumer")->settings.at("CONSUMER_BROKERS") ==
        "127.0.0.1:9106,127.0.0.1:9109,127.0.0.1:9103,127.0.0.1:9100,127.0.0.1:9092");
  CHECK(
      plan_of({.roots = 1, .tree = {.l2 = 0}}).find("consumer")->settings.at("CONSUMER_BROKERS") ==
      "127.0.0.1:9092");
}

TEST_CASE("the demo's topic is there, once") {
  const auto plan = plan_of({.topics = {{.name = "a", .partitions = 2}}});
  REQUIRE(plan.topics.size() == 2);
  CHECK(plan.topics[1].name == "demo");
  CHECK(plan.topics[1].cleanup == "compact");
  CHECK(plan.find("consumer")->settings.at("CONSUMER_TOPICS") == "a,demo");
  CHECK(plan_of({.topics = {{.name = "demo", .partitions = 3}}}).topics.size() == 1);
}

TEST_CASE("producer and consumer can be left out") {
  const auto plan = plan_of({.with_producer = false, .with_consumer = false});
  CHECK(plan.find("producer") == nullptr);
  CHECK(plan.find("consumer") == nullptr);
}

}  // namespace
}  // namespace xylem::cli
