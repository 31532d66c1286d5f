// Children of a root tier whose brokers share the partitions.
#include "pipe/routed_client.h"

#include "tests/support/run_until.h"
#include "tests/unit/pipe/node.h"

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>

namespace xylem::pipe {
namespace {

using testing::run_for;
using testing::run_until;

using Fault = MemoryConnector::Fault;

constexpr std::size_t kRoots = 3;
constexpr std::uint64_t kLogs = 3;  // number i is led by root i

LogId led_by(std::size_t root) { return log_id(root + 1); }

// Milliseconds instead of seconds.
PipeClient::Options quick() {
  PipeClient::Options options;
  options.node = "l2-0";
  options.wait_ms = 40;
  options.silence_ms = 2'000;
  options.backoff_min_ms = 1;
  options.backoff_max_ms = 20;
  options.fail_back_ms = 60;
  return options;
}

// Three root brokers, each with a log of its own, and a child that knows the first.
struct Tier {
  explicit Tier(const PipeClient::Options& options = quick(), std::uint64_t seed = 1)
      : world(seed) {
    for (std::size_t leader = 0; leader < kRoots; ++leader) {
      for (auto& root : roots) root.open(led_by(leader));
      child.open(led_by(leader));
      appoint(leader, leader, Epoch(0));
    }
    world.connector.set_faults([this](const std::string& url) {
      ++exchanges;
      return faults ? faults(url) : Fault::kNone;
    });
    client.emplace(
        PipeClient::Context{world.loop, world.clock, world.random, *world.logger, world.metrics},
        world.connector, child, options);
    for (std::size_t leader = 0; leader < kRoots; ++leader) client->add(led_by(leader));
    client->set_parents({roots[0].as_parent()});
  }

  // All roots hear at once who leads log number `log`.
  void appoint(std::size_t log, std::size_t leader, Epoch epoch) {
    for (auto& root : roots) {
      if (&root == &roots[leader])
        root.take_back(led_by(log));
      else
        root.leave_to(led_by(log), roots[leader], epoch);
    }
  }

  // Every root has the record, its leader gives it out.
  void publish(std::size_t log, std::string_view value = "price") {
    for (auto& root : roots) root.publish(led_by(log), value);
  }

  [[nodiscard]] bool has(std::size_t log) const {
    return !child.content(led_by(log)).empty() &&
           child.content(led_by(log)) == roots[0].content(led_by(log));
  }

  [[nodiscard]] bool has_all() const { return has(0) && has(1) && has(2); }

  [[nodiscard]] bool await(const std::function<bool()>& condition) {
    return run_until(world.loop, condition);
  }

  [[nodiscard]] double routes() {
    return world.metrics.gauge("xylem_pipe_routes", "", {{"session", "main"}}).value();
  }

  World world;
  std::array<Node, kRoots> roots{Node(world, "root-0"), Node(world, "root-1"),
                                 Node(world, "root-2")};
  Node child{world, "l2-0"};
  std::function<Fault(const std::string& url)> faults;
  std::uint64_t exchanges = 0;
  std::optional<RoutedClient> client;
};

TEST_CASE("routed client: one parent in the list is the whole tier") {
  Tier tier;
  for (std::size_t log = 0; log < kLogs; ++log) tier.publish(log);
  REQUIRE(tier.await([&] { return tier.has_all(); }));
  CHECK(tier.routes() == 2);
  CHECK(tier.child.repairs.empty());
  const auto view = tier.client->view();
  CHECK(view.parent == "root-0");
  CHECK(view.health == Health::kHealthy);
  CHECK(view.exchanges >= kRoots);

  for (std::size_t log = 0; log < kLogs; ++log) tier.publish(log, "news");
  CHECK(tier.await([&] { return tier.has_all(); }));
  CHECK(tier.await([&] { return tier.child.confirms[led_by(2)] > 0; }));
}

TEST_CASE("routed client: a log follows its leader") {
  Tier tier;
  tier.publish(1);
  REQUIRE(tier.await([&] { return tier.has(1) && tier.routes() == 2; }));
  const auto exchanges = tier.client->view().exchanges;
  SUBCASE("to another one") {
    tier.appoint(1, 2, Epoch(1));
    REQUIRE(tier.await([&] { return tier.routes() == 1; }));
  }
  SUBCASE("to the parent itself") {
    tier.appoint(1, 0, Epoch(1));
    REQUIRE(tier.await([&] { return tier.routes() == 1; }));
  }
  SUBCASE("which knows no better for a while") {
    for (auto& root : tier.roots) root.leave_to(led_by(1), tier.roots[1], Epoch(0));
    REQUIRE(tier.await([&] { return !tier.child.repairs.empty(); }));
    CHECK(tier.child.repairs.front() == FetchState::kNotHere);
    tier.appoint(1, 1, Epoch(1));
  }
  tier.publish(1, "later");
  CHECK(tier.await([&] { return tier.has(1); }));
  CHECK(tier.client->view().exchanges > exchanges);  // also counts what is over
}

TEST_CASE("routed client: a leader that is gone gives its logs back") {
  Tier tier;
  for (std::size_t log = 0; log < kLogs; ++log) tier.publish(log);
  REQUIRE(tier.await([&] { return tier.has_all(); }));
  Fault fault = Fault::kRefuse;
  SUBCASE("refused") { fault = Fault::kRefuse; }
  SUBCASE("silent") { fault = Fault::kSilence; }
  SUBCASE("reset") { fault = Fault::kCut; }
  tier.faults = [&](const std::string& url) {
    return url == tier.roots[1].url() ? fault : Fault::kNone;
  };
  REQUIRE(tier.await([&] { return tier.client->view().health == Health::kDegraded; }));
  tier.publish(1, "unheard");
  tier.publish(2, "heard");
  REQUIRE(tier.await([&] { return tier.has(2); }));
  CHECK_FALSE(tier.has(1));
  tier.appoint(1, 2, Epoch(1));
  CHECK(tier.await([&] { return tier.has(1); }));
  CHECK(tier.client->view().parent == "root-0");
}

TEST_CASE("routed client: a leader that comes back is asked again") {
  Tier tier;
  bool is_down = true;
  tier.faults = [&](const std::string& url) {
    return is_down && url == tier.roots[1].url() ? Fault::kRefuse : Fault::kNone;
  };
  tier.publish(1);
  tier.publish(2);
  REQUIRE(tier.await([&] { return tier.has(2); }));
  CHECK_FALSE(tier.has(1));
  is_down = false;
  CHECK(tier.await([&] { return tier.has(1); }));
}

TEST_CASE("routed client: brokers that point at each other are not stormed") {
  auto options = quick();
  options.backoff_min_ms = 40;
  options.backoff_max_ms = 40;
  options.wait_ms = 1'000;
  Tier tier(options);
  tier.roots[1].leave_to(led_by(1), tier.roots[2], Epoch(0));
  tier.roots[2].leave_to(led_by(1), tier.roots[1], Epoch(0));
  run_for(tier.world.loop, 50);
  const SystemClock clock;
  const auto before = tier.exchanges;
  const auto begun_ms = clock.monotonic_ms();
  run_for(tier.world.loop, 400);
  CHECK(static_cast<std::int64_t>(tier.exchanges - before) < clock.monotonic_ms() - begun_ms);
  CHECK(tier.await([&] { return tier.exchanges - before > 2; }));
  tier.roots[2].take_back(led_by(1));
  tier.publish(1);
  CHECK(tier.await([&] { return tier.has(1); }));
}

TEST_CASE("routed client: nobody is sent to himself") {
  Tier tier;
  tier.publish(0);
  tier.publish(1);
  REQUIRE(tier.await([&] { return tier.has(1); }));
  SUBCASE("the child") { tier.roots[0].leave_to(led_by(0), tier.child, Epoch(1)); }
  SUBCASE("the parent") { tier.roots[0].leave_to(led_by(0), tier.roots[0], Epoch(1)); }
  REQUIRE(tier.await([&] { return tier.child.repairs.size() >= 2; }));  // told, and retried
  CHECK(tier.routes() == 2);
  tier.roots[0].take_back(led_by(0));
  tier.publish(0, "news");
  CHECK(tier.await([&] { return tier.has(0); }));
}

TEST_CASE("routed client: everything returns to another parent, which may have it all") {
  Tier tier;
  Node nearer(tier.world, "l2-1");
  for (std::size_t log = 0; log < kLogs; ++log) {
    tier.publish(log);
    nearer.open(led_by(log));
    nearer.publish(led_by(log), "price");
  }
  bool is_down = true;
  tier.faults = [&](const std::string& url) {
    return is_down && url == nearer.url() ? Fault::kRefuse : Fault::kNone;
  };
  tier.client->set_parents({nearer.as_parent(), tier.roots[0].as_parent()});
  REQUIRE(tier.await([&] { return tier.has_all() && tier.routes() == 2; }));
  SUBCASE("on its fail-back") { is_down = false; }
  SUBCASE("by a new list") {
    is_down = false;
    tier.client->set_parents({nearer.as_parent()});
  }
  REQUIRE(tier.await([&] { return tier.routes() == 0; }));
  CHECK(tier.client->view().parent == "l2-1");
  for (std::size_t log = 0; log < kLogs; ++log) {
    nearer.publish(led_by(log), "news");
    for (auto& root : tier.roots) root.publish(led_by(log), "news");
  }
  CHECK(tier.await([&] { return tier.has_all(); }));
}

TEST_CASE("routed client: the failover to another root keeps what still works, then asks again") {
  Tier tier;
  tier.client->set_parents({tier.roots[0].as_parent(), tier.roots[1].as_parent()});
  for (std::size_t log = 0; log < kLogs; ++log) tier.publish(log);
  REQUIRE(tier.await([&] { return tier.has_all(); }));
  tier.faults = [&](const std::string& url) {
    return url == tier.roots[0].url() ? Fault::kRefuse : Fault::kNone;
  };
  REQUIRE(tier.await([&] { return tier.client->view().parent == "root-1"; }));
  tier.appoint(0, 2, Epoch(1));
  for (std::size_t log = 0; log < kLogs; ++log) tier.publish(log, "after");
  REQUIRE(tier.await([&] { return tier.has_all(); }));
  CHECK(tier.await([&] { return tier.routes() == 1; }));
  CHECK(tier.client->view().failovers == 1);
}

TEST_CASE("routed client: a leader that was deposed without knowing is left in the end") {
  Tier tier;
  tier.publish(1);
  REQUIRE(tier.await([&] { return tier.has(1); }));
  tier.roots[1].wipe();  // less than the child has, as a log led by somebody else meanwhile
  tier.roots[0].leave_to(led_by(1), tier.roots[2], Epoch(1));
  tier.roots[2].take_back(led_by(1));
  tier.client->touch(led_by(1));
  REQUIRE(tier.await([&] { return tier.client->view().behind == 1; }));
  tier.roots[0].publish(led_by(1), "new");
  tier.roots[2].publish(led_by(1), "new");
  CHECK(tier.await([&] { return tier.has(1); }));
  CHECK(tier.client->view().behind == 0);
}

TEST_CASE("routed client: a session ends with its last log") {
  Tier tier;
  REQUIRE(tier.await([&] { return tier.routes() == 2; }));
  tier.client->remove(led_by(1));
  CHECK(tier.await([&] { return tier.routes() == 1; }));
  tier.publish(1);
  tier.publish(2);
  REQUIRE(tier.await([&] { return tier.has(2); }));
  CHECK(tier.child.content(led_by(1)).empty());

  tier.client->add(led_by(1));
  CHECK(tier.await([&] { return tier.has(1); }));
  tier.client->set_parents({});
  CHECK(tier.await([&] { return tier.routes() == 0; }));
}

TEST_CASE("routed client: a leader of another cluster is refused, and asked again later") {
  Tier tier;
  tier.publish(1);
  tier.publish(2);
  tier.roots[1].cluster_id = Uuid::from_words(6, 6);
  REQUIRE(tier.await([&] { return tier.has(2); }));
  run_for(tier.world.loop, 50);
  CHECK(tier.child.content(led_by(1)).empty());
  tier.roots[1].cluster_id = tier.roots[0].cluster_id;
  CHECK(tier.await([&] { return tier.has(1); }));
}

TEST_CASE("routed client: after any changes of leadership and any faults the copies are equal") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    auto options = quick();
    options.silence_ms = 50;
    Tier tier(options, seed);
    tier.client->set_parents(
        {tier.roots[0].as_parent(), tier.roots[1].as_parent(), tier.roots[2].as_parent()});
    Random dice(seed);
    std::uint64_t faults_percent = 0;
    tier.faults = [&](const std::string&) {
      return dice.below(100) < faults_percent ? static_cast<Fault>(1 + dice.below(3))
                                              : Fault::kNone;
    };
    for (std::int32_t step = 1; step <= 200; ++step) {
      faults_percent = dice.below(40);
      const auto log = dice.below(kLogs);
      if (dice.below(3) == 0) {
        tier.appoint(log, dice.below(kRoots), Epoch(step));
      } else {  // one root hears late of who leads
        auto& late = tier.roots.at(dice.below(kRoots));
        late.leave_to(log_id(log + 1), tier.roots.at(dice.below(kRoots)), Epoch(step - 1));
      }
      tier.publish(dice.below(kLogs), std::to_string(step));
      run_for(tier.world.loop, 2);
    }
    faults_percent = 0;
    for (std::size_t log = 0; log < kLogs; ++log) {
      tier.appoint(log, dice.below(kRoots), Epoch(1'000));
      tier.publish(log, "last");
    }
    CHECK(tier.await([&] { return tier.has_all(); }));
    CHECK(tier.child.copies().size() == kLogs);
  }
}

}  // namespace
}  // namespace xylem::pipe
