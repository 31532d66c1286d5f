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
  CHECK(ids_of(plan) == std::vector<std::string>{"registry", "root-0", "l2-0", "l2-1", "l3-0",
                                                 "l3-1", "pos-0", "pos-1", "consumer", "producer"});
  CHECK(plan.registry_url == "http://127.0.0.1:8080");
  CHECK(plan.find("root-0")->tcp->port == 9092);
  CHECK(plan.find("root-0")->http->port == 8081);
  CHECK(plan.find("root-0")->settings.at("PIPE_PORT") == "7081");
  CHECK(plan.find("l2-0")->tcp->port == 9100);
  CHECK(plan.find("consumer")->http->port == 8090);
  CHECK_FALSE(plan.find("producer")->tcp);
  CHECK(plan.find("nobody") == nullptr);
}

TEST_CASE("counts are per parent, and locations nest") {
  const auto plan = plan_of({.dir = "/d", .tree = {.l2 = 2, .l3 = 2, .pos = 2, .local = 1}});
  CHECK(plan.brokers().size() == 1 + 2 + 4 + 8 + 8);
  CHECK(location_of(plan, "root-0").empty());
  CHECK(location_of(plan, "l2-1") == "region-1");
  CHECK(location_of(plan, "l3-3") == "region-1/site-3");
  CHECK(location_of(plan, "pos-5") == "region-1/site-2/till-1");
  CHECK(location_of(plan, "local-5") == "region-1/site-2/till-1/local-0");
  CHECK(plan.leaves().size() == 8);
  CHECK(plan.leaves().front()->role == "LOCAL");
}

TEST_CASE("no two processes share a port, with and without a base port") {
  const UpOptions based{.dir = "/d", .base_port = std::uint16_t{20'000}};
  for (const auto& options : {UpOptions{.dir = "/d"}, based}) {
    std::set<std::uint16_t> taken;
    std::size_t count = 0;
    for (const auto& spec : plan_of(options).processes) {
      for (const auto& [setting, port] : spec.ports) {
        CHECK(spec.settings.at(setting) == std::to_string(port));
        taken.insert(port);
        ++count;
      }
    }
    CHECK(count == 1 + 3 * 7 + 1);
    CHECK(taken.size() == count);
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

TEST_CASE("only one root works for now, and says so") {
  const auto plan = make_plan({.roots = 5}, "/bin");
  REQUIRE_FALSE(plan);
  CHECK(plan.error().what().contains("--roots 5"));
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
  const auto plan = plan_of({.dir = "/d", .tree = {.l2 = 1, .l3 = 1, .pos = 1, .local = 1}});
  CHECK(plan.find("consumer")->settings.at("CONSUMER_BROKERS") ==
        "127.0.0.1:9106,127.0.0.1:9109,127.0.0.1:9103,127.0.0.1:9100,127.0.0.1:9092");
  CHECK(plan_of({.tree = {.l2 = 0}}).find("consumer")->settings.at("CONSUMER_BROKERS") ==
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
