#include "registry/refresh/refresh_jobs.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace xylem::registry {
namespace {

NodeReport report_of(const std::string& topic) {
  NodeReport report;
  report.instance = "i1";
  report.addresses = {.tcp = "h:1", .http = "h:2", .pipe = "http://h:3"};
  report.topics.push_back({.name = topic});
  return report;
}

struct World {
  void beat(const NodeId& id, NodeReport report) { REQUIRE(service.report(id, std::move(report))); }

  // What the writer behind does.
  RefreshChanges store() {
    auto changes = jobs.take_changes();
    jobs.written(changes);
    return changes;
  }

  RefreshId start(const RefreshRequest& request) {
    std::optional<RefreshId> id;
    jobs.start(request, "peer", [&](const auto& started, auto) {
      REQUIRE(started);
      id = *started;
    });
    CHECK_FALSE(id);
    store();
    REQUIRE(id);
    return *id;
  }

  void complete(const NodeId& node, const std::string& topic, RefreshId id) {
    auto report = report_of(topic);
    report.refreshes.push_back({.id = id, .phase = RefreshPhase::kCompleted});
    beat(node, std::move(report));
  }

  ManualClock clock;
  Metrics metrics;
  Random random{1};
  RegistryService service{{.insecure = true}, clock, {}};
  RefreshJobs jobs{{service, clock, random, Logger::none(), metrics}, {}};
};

RefreshRequest of_the_fleet(const std::string& topic) {
  RefreshRequest request;
  request.topic = topic;
  return request;
}

TEST_CASE("refresh jobs: what ended is kept for a while, the oldest goes first") {
  World world;
  std::vector<RefreshId> ids;
  std::set<RefreshId> forgotten;
  for (std::size_t i = 0; i < RefreshJobs::kKeptMax + 3; ++i) {
    world.clock.advance_ms(1);
    world.beat("pos-0", report_of("prices"));
    ids.push_back(world.start(of_the_fleet("prices")));
    world.complete("pos-0", "prices", ids.back());
    for (const auto id : world.store().forgotten) forgotten.insert(id);
  }
  CHECK(world.jobs.list().size() == RefreshJobs::kKeptMax);
  CHECK(forgotten == std::set<RefreshId>(ids.begin(), ids.begin() + 3));
  CHECK(world.jobs.find(ids.front()) == nullptr);
  CHECK(world.jobs.find(ids.back()) != nullptr);
}

TEST_CASE("refresh jobs: an order that the store refused comes back with the next write") {
  World world;
  world.beat("pos-0", report_of("prices"));
  const auto id = world.start(of_the_fleet("prices"));
  const auto begun = world.jobs.take_changes();
  REQUIRE(begun.saved.size() == 1);
  CHECK(begun.saved[0].nodes[0].state == JobNodeState::kOrdered);
  CHECK_FALSE(world.jobs.has_changes());
  world.jobs.give_back(begun);
  CHECK(world.jobs.has_changes());
  world.complete("pos-0", "prices", id);
  const auto again = world.jobs.take_changes();
  REQUIRE(again.saved.size() == 1);
  CHECK(again.saved[0].nodes[0].state == JobNodeState::kCompleted);
}

TEST_CASE("refresh jobs: what is stored goes on elsewhere, to the end") {
  World world;
  world.beat("pos-0", report_of("prices"));
  const auto id = world.start(of_the_fleet("prices"));
  StoredRefresh stored{.record = world.jobs.find(id)->record(),
                       .nodes = world.jobs.find(id)->nodes()};
  World other;
  RefreshJobs jobs({other.service, other.clock, other.random, Logger::none(), other.metrics},
                   {stored});
  REQUIRE(jobs.orders_for("pos-0").size() == 1);
  CHECK(jobs.orders_for("pos-0")[0].id == id);
  other.complete("pos-0", "prices", id);
  CHECK(jobs.find(id)->record().state == JobState::kCompleted);
}

TEST_CASE("refresh jobs: ids rise above what nodes report, but for what lies far ahead") {
  World world;
  const auto of_time = [&](std::int64_t ahead_ms) {
    return static_cast<std::uint64_t>(world.clock.wall_ms() + ahead_ms) << 20U;
  };
  const auto id_after = [&](std::uint64_t reported) {
    auto report = report_of("prices");
    report.refreshes.push_back({.id = RefreshId(reported), .phase = RefreshPhase::kCompleted});
    world.beat("pos-0", std::move(report));
    const auto id = world.start(of_the_fleet("prices"));
    world.complete("pos-0", "prices", id);
    return id.value();
  };
  constexpr auto kAheadMax = static_cast<std::int64_t>(RefreshJobs::kIdAheadMaxMs);
  for (const auto absurd :
       std::vector<std::uint64_t>{of_time(kAheadMax), (1ULL << 63U) - 1, UINT64_MAX}) {
    CAPTURE(absurd);
    CHECK(id_after(absurd) < of_time(1));
  }
  CHECK(id_after(of_time(kAheadMax) - 1) == of_time(kAheadMax));
}

TEST_CASE("refresh jobs: those who look are told of each change, once") {
  World world;
  int told = 0;
  world.jobs.observe([&](RefreshId) { ++told; });
  world.beat("pos-0", report_of("prices"));
  const auto id = world.start(of_the_fleet("prices"));
  CHECK(told == 1);
  world.beat("pos-0", report_of("prices"));
  CHECK(told == 1);
  world.complete("pos-0", "prices", id);
  CHECK(told == 2);
  world.complete("pos-0", "prices", id);
  CHECK(told == 2);
}

TEST_CASE("refresh jobs: a fleet of 20,000 that is all away is passed over at once") {
  RefreshRecord record;
  record.id = RefreshId(7);
  record.wave_nodes = 1;
  std::vector<JobNode> nodes(NodeTable::kNodesMax);
  for (std::size_t i = 0; i < nodes.size(); ++i) nodes[i].id = "n" + std::to_string(i);
  auto job = RefreshJob::plan(std::move(record), std::move(nodes), {});
  job.on_time({});
  CHECK(job.record().is_last_round);
  CHECK(job.count(JobNodeState::kWaiting) == NodeTable::kNodesMax);
  job.on_time({.monotonic_ms = RefreshJob::Limits().return_wait_ms, .wall_ms = 1});
  CHECK(job.record().state == JobState::kPartial);
}

}  // namespace
}  // namespace xylem::registry
