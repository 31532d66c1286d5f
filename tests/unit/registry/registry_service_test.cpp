#include "registry/registry_service.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace xylem::registry {
namespace {

constexpr std::int64_t kHeartbeatMs = 2'000;
constexpr ClusterId kNoCluster;

NodeReport report_of(std::string_view location = "", std::string_view instance = "i1") {
  NodeReport report;
  report.location = *Location::parse(location);
  report.instance = instance;
  report.addresses = {.tcp = "h:1", .http = "h:2", .pipe = "http://h:3"};
  report.health = Health::kHealthy;
  return report;
}

class Observed final : public RegistryObserver {
 public:
  void on_node(const NodeId& id) override { nodes.push_back(id); }

  void on_gone(const NodeId& id) override { gone.push_back(id); }

  void on_topology() override { ++topologies; }

  std::vector<NodeId> nodes;
  std::vector<NodeId> gone;
  int topologies = 0;
};

struct Fleet {
  explicit Fleet(const RegistryState& restored = {},
                 RegistryService::Options options = {.heartbeat_ms = kHeartbeatMs,
                                                     .insecure = true})
      : service(options, clock, restored) {
    service.observe(observed);
  }

  void beat(const NodeId& id, const NodeReport& report) { REQUIRE(service.report(id, report)); }

  void beat(const NodeId& id) { beat(id, report_of()); }

  std::vector<NodeId> parents(const NodeId& id) {
    const auto assignment = service.assignment_of(id);
    REQUIRE(assignment);
    std::vector<NodeId> ids;
    for (const auto* parent : assignment->parents) ids.push_back(parent->id);
    return ids;
  }

  // Time passes in small steps, while `alive` go on.
  void pass_ms(std::int64_t ms, const std::vector<NodeId>& alive = {}) {
    for (std::int64_t passed = 0; passed < ms; passed += 500) {
      clock.advance_ms(500);
      for (const auto& id : alive) beat(id);
      service.lapse();
    }
  }

  const NodeEntry& entry(const NodeId& id) const { return *service.nodes().find(id); }

  ManualClock clock;
  RegistryService service;
  Observed observed;
};

TEST_CASE("service: a node gets its role and its parents, and the version grows") {
  Fleet fleet;
  fleet.beat("root-0");
  const auto version = fleet.service.topology_version();
  fleet.beat("l2-0");
  CHECK(fleet.service.topology_version() > version);
  fleet.beat("pos-0");
  CHECK(fleet.parents("pos-0") == std::vector<NodeId>{"l2-0", "root-0"});
  CHECK(fleet.entry("pos-0").role == Role::kPos);
  CHECK(fleet.service.assignment_of("pos-0")->roots.size() == 1);
  CHECK(fleet.observed.topologies == 3);
}

TEST_CASE("service: a heartbeat is no change of topology, a new address is") {
  Fleet fleet;
  fleet.beat("root-0");
  const auto version = fleet.service.topology_version();
  fleet.beat("root-0");
  auto ill = report_of();
  ill.health = Health::kDegraded;
  ill.topics.resize(3);
  fleet.beat("root-0", ill);
  CHECK(fleet.service.topology_version() == version);
  CHECK(fleet.observed.nodes.size() == 3);
  auto moved = report_of();
  moved.addresses.pipe = "http://h:4";
  fleet.beat("root-0", moved);
  CHECK(fleet.service.topology_version() == version + 1);
}

TEST_CASE("service: a second process with the same id is refused until the first is gone") {
  Fleet fleet;
  fleet.beat("pos-0", report_of("", "first"));
  fleet.clock.advance_ms(3 * kHeartbeatMs - 1);
  const auto refused = fleet.service.report("pos-0", report_of("", "second"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kDuplicateNode);
  CHECK(fleet.entry("pos-0").report.instance == "first");
  fleet.clock.advance_ms(1);
  CHECK(fleet.service.report("pos-0", report_of("", "second")));
  CHECK_FALSE(fleet.service.report("pos-0", report_of("", "first")));
}

TEST_CASE("service: after a clean stop the next process is welcome at once") {
  Fleet fleet;
  fleet.beat("pos-0", report_of("", "first"));
  REQUIRE(fleet.service.leave("pos-0", "first"));
  CHECK(fleet.observed.gone == std::vector<NodeId>{"pos-0"});
  CHECK(fleet.entry("pos-0").is_stale());
  CHECK(fleet.service.report("pos-0", report_of("", "second")));
  CHECK_FALSE(fleet.entry("pos-0").is_stale());
  const auto late = fleet.service.leave("pos-0", "first");  // the old process's goodbye
  REQUIRE_FALSE(late);
  CHECK(late.error().code() == Errc::kDuplicateNode);
}

TEST_CASE("service: three missed heartbeats are shown, five take a parent out of the lists") {
  Fleet fleet;
  fleet.beat("root-0");
  fleet.beat("l2-0");
  fleet.beat("pos-0");
  const std::vector<NodeId> alive{"root-0", "pos-0"};
  fleet.pass_ms(3 * kHeartbeatMs - 500, alive);
  CHECK_FALSE(fleet.entry("l2-0").is_stale());
  const auto version = fleet.service.topology_version();
  fleet.pass_ms(500, alive);
  CHECK(fleet.entry("l2-0").is_stale());
  CHECK(fleet.entry("l2-0").shown_health() == Health::kUnhealthy);
  CHECK(fleet.observed.gone == std::vector<NodeId>{"l2-0"});
  CHECK(fleet.parents("pos-0") == std::vector<NodeId>{"l2-0", "root-0"});
  CHECK(fleet.service.topology_version() == version);
  fleet.pass_ms(2 * kHeartbeatMs, alive);
  CHECK(fleet.parents("pos-0") == std::vector<NodeId>{"root-0"});
  CHECK(fleet.service.topology_version() == version + 1);
  CHECK(fleet.observed.gone.size() == 1);
  fleet.beat("l2-0");
  CHECK(fleet.parents("pos-0") == std::vector<NodeId>{"l2-0", "root-0"});
  CHECK(fleet.service.topology_version() == version + 2);
}

TEST_CASE("service: the version moves past what nodes hold") {
  Fleet fleet;
  auto report = report_of();
  report.topology_version = 500;
  fleet.beat("pos-0", report);
  CHECK(fleet.service.topology_version() > 500);
  report.topology_version = kTopologyVersionMax;
  fleet.beat("pos-0", report);
  CHECK(fleet.service.topology_version() > kTopologyVersionMax);
}

TEST_CASE("service: the first root names the cluster; others do not get in") {
  Fleet fleet;
  auto ours = report_of();
  ours.cluster = ClusterId::from_words(1, 2);
  auto theirs = report_of();
  theirs.cluster = ClusterId::from_words(3, 4);
  fleet.beat("pos-0", theirs);  // not known yet whose it is
  CHECK(fleet.service.cluster() == kNoCluster);
  fleet.beat("root-0", ours);
  CHECK(fleet.service.cluster() == ours.cluster);
  const auto refused = fleet.service.report("pos-0", theirs);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kInvalidRequest);
  fleet.beat("pos-0", ours);
}

TEST_CASE("service: wishes need --insecure") {
  Fleet fleet({}, {.heartbeat_ms = kHeartbeatMs, .insecure = false});
  auto wish = report_of();
  wish.role_wish = Role::kRoot;
  for (const auto& report : {wish, report_of("eu")}) {
    const auto refused = fleet.service.report("pos-0", report);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Errc::kUnauthorized);
  }
  CHECK(fleet.service.nodes().entries().empty());
  fleet.beat("pos-0");
}

TEST_CASE("service: a node without a pipe address is nobody's parent") {
  Fleet fleet;
  auto deaf = report_of();
  deaf.addresses.pipe.clear();
  fleet.beat("l2-0", deaf);
  fleet.beat("pos-0");
  CHECK(fleet.parents("pos-0").empty());
  fleet.beat("l2-0");
  CHECK(fleet.parents("pos-0") == std::vector<NodeId>{"l2-0"});
  fleet.beat("l2-0", deaf);
  CHECK(fleet.parents("pos-0").empty());
}

TEST_CASE("service: a bad id is refused") {
  Fleet fleet;
  const auto refused = fleet.service.report("no spaces", report_of());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kInvalidRequest);
}

TEST_CASE("service: a forgotten node is not shown, and comes back if it is alive") {
  Fleet fleet;
  fleet.beat("root-0");
  REQUIRE(fleet.service.forget("root-0"));
  CHECK_FALSE(fleet.service.assignment_of("root-0"));
  CHECK(fleet.service.forget("root-0").error().code() == Errc::kNotFound);
  CHECK(fleet.service.leave("root-0", "i1").error().code() == Errc::kNotFound);
  fleet.beat("root-0");
  CHECK(fleet.service.assignment_of("root-0"));
}

TEST_CASE("service: changes are handed out once, and again when the write failed") {
  Fleet fleet;
  CHECK_FALSE(fleet.service.has_changes());
  fleet.beat("root-0");
  fleet.beat("pos-0");
  auto changes = fleet.service.take_changes();
  CHECK(changes.saved.size() == 2);
  CHECK_FALSE(fleet.service.has_changes());
  fleet.beat("pos-0");
  CHECK_FALSE(fleet.service.has_changes());  // a heartbeat is not worth a write
  REQUIRE(fleet.service.forget("pos-0"));
  fleet.service.give_back(changes);
  changes = fleet.service.take_changes();
  REQUIRE(changes.saved.size() == 1);
  CHECK(changes.saved[0].id == "root-0");
  CHECK(changes.forgotten == std::vector<NodeId>{"pos-0"});
  CHECK(changes.topology_version == fleet.service.topology_version());
}

RegistryState state_of(const RegistryChanges& changes) {
  return {.topology_version = changes.topology_version,
          .cluster = changes.cluster,
          .nodes = changes.saved};
}

TEST_CASE("service: a restart re-parents nobody") {
  RegistryState state;
  {
    Fleet before;
    for (const NodeId id : {"root-0", "l2-0", "l3-0", "pos-0", "pos-1"}) before.beat(id);
    REQUIRE(before.service.leave("pos-1", "i1"));
    state = state_of(before.service.take_changes());
  }
  Fleet after(state);
  CHECK(after.service.topology_version() > state.topology_version);
  CHECK(after.entry("l3-0").is_stale());  // not heard of yet
  after.beat("pos-0", report_of("", "i1"));
  CHECK(after.parents("pos-0") == std::vector<NodeId>{"l3-0", "l2-0", "root-0"});
  CHECK(after.entry("pos-1").presence == Presence::kGone);
  const auto version = after.service.topology_version();
  after.pass_ms(2'000, {"root-0", "l2-0", "l3-0", "pos-0"});
  CHECK(after.service.topology_version() == version);
  CHECK_FALSE(after.entry("l3-0").is_stale());
}

TEST_CASE("service: a restored node that never comes is missed as any other") {
  Fleet before;
  before.beat("root-0");
  before.beat("l2-0");
  Fleet after(state_of(before.service.take_changes()));
  after.pass_ms(5 * kHeartbeatMs, {"root-0"});
  CHECK(after.observed.gone == std::vector<NodeId>{"l2-0"});
  after.beat("pos-0");
  CHECK(after.parents("pos-0") == std::vector<NodeId>{"root-0"});
}

}  // namespace
}  // namespace xylem::registry
