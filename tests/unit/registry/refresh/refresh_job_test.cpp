#include "registry/refresh/refresh_job.h"

#include "common/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace xylem::registry {
namespace {

using State = JobNodeState;

constexpr RefreshId kJob{77};
constexpr RefreshJob::Limits kLimits;

JobNode node(const std::string& id, std::int32_t level, std::optional<std::int64_t> heard = 0) {
  JobNode made;
  made.id = id;
  made.level = level;
  made.heard_at_ms = heard;
  return made;
}

RefreshRecord record_of(std::int64_t wave_nodes, std::int64_t failures_max) {
  RefreshRecord record;
  record.id = kJob;
  record.topic = "prices";
  record.wave_nodes = wave_nodes;
  record.failures_max = failures_max;
  record.started_at_ms = 1;
  return record;
}

RefreshProgress said(RefreshPhase phase, RefreshId id = kJob) {
  RefreshProgress progress;
  progress.id = id;
  progress.phase = phase;
  if (phase == RefreshPhase::kAborted) progress.failure = "it broke";
  return progress;
}

struct Run {
  explicit Run(std::vector<JobNode> nodes,
               std::int64_t wave_nodes = 50,
               std::int64_t failures_max = 0)
      : job(RefreshJob::plan(record_of(wave_nodes, failures_max), std::move(nodes), kLimits)) {
    job.on_time(now);
  }

  void heard(const NodeId& id) { job.on_heard(id, now); }

  void report(const NodeId& id, RefreshPhase phase) { job.on_report(id, said(phase), now); }

  // Everybody named is heard of every second.
  void pass_ms(std::int64_t ms, const std::vector<NodeId>& alive) {
    for (std::int64_t passed = 0; passed < ms; passed += 1'000) {
      now.monotonic_ms += 1'000;
      now.wall_ms += 1'000;
      for (const auto& id : alive) job.on_heard(id, now);
      job.on_time(now);
    }
  }

  [[nodiscard]] const JobNode& at(const NodeId& id) const {
    return *std::ranges::find(job.nodes(), id, &JobNode::id);
  }

  [[nodiscard]] std::set<NodeId> ordered() const {
    std::set<NodeId> ids;
    for (const auto& each : job.nodes())
      if (const auto order = job.order_for(each.id); order && !order->stop) ids.insert(each.id);
    return ids;
  }

  // As a registry that was killed and started again has it.
  void restart() {
    auto stored = job.take_unsaved();
    stored.nodes = job.nodes();
    job = RefreshJob::restore(std::move(stored), kLimits, now);
    job.on_time(now);
  }

  Moment now{.monotonic_ms = 1'000, .wall_ms = 5'000};
  RefreshJob job;
};

using Ids = std::set<NodeId>;

TEST_CASE("refresh job: parents before children, a wave after the other") {
  Run run({node("pos-1", 6), node("pos-2", 6), node("pos-3", 6), node("l2-0", 2), node("l3-0", 4)},
          2);
  CHECK(run.job.waves() == 4);
  CHECK(run.ordered() == Ids{"l2-0"});
  CHECK(run.job.order_for("l2-0") == RefreshOrder{.id = kJob, .topic = "prices"});
  run.report("l2-0", RefreshPhase::kResetSent);
  run.report("l2-0", RefreshPhase::kReplaying);
  CHECK(run.ordered() == Ids{"l2-0"});
  run.report("l2-0", RefreshPhase::kCompleted);
  CHECK(run.ordered() == Ids{"l3-0"});
  run.report("l3-0", RefreshPhase::kCompleted);
  CHECK(run.ordered() == Ids{"pos-1", "pos-2"});
  run.report("pos-2", RefreshPhase::kCompleted);
  CHECK(run.ordered() == Ids{"pos-1"});
  run.report("pos-1", RefreshPhase::kCompleted);
  CHECK(run.ordered() == Ids{"pos-3"});
  run.report("pos-3", RefreshPhase::kCompleted);
  CHECK(run.job.record().state == JobState::kCompleted);
  CHECK(run.job.record().ended_at_ms == run.now.wall_ms);
  CHECK(run.ordered().empty());
}

TEST_CASE("refresh job: one failure too many stops it; those that run are told") {
  Run run({node("pos-1", 6), node("pos-2", 6), node("pos-3", 6)}, 2);
  run.report("pos-2", RefreshPhase::kReplaying);
  run.report("pos-1", RefreshPhase::kAborted);
  CHECK(run.job.record().state == JobState::kFailing);
  CHECK(run.at("pos-1").failure == "it broke");
  CHECK(run.at("pos-3").state == State::kNotBegun);
  CHECK(run.job.order_for("pos-2") == RefreshOrder{.id = kJob, .topic = "prices", .stop = true});
  run.report("pos-2", RefreshPhase::kAborted);
  CHECK(run.job.record().state == JobState::kFailed);
  CHECK(run.job.record().why == "1 nodes failed, 0 were allowed");
}

TEST_CASE("refresh job: failures that are allowed do not stop it") {
  Run run({node("pos-1", 6), node("pos-2", 6)}, 1, 1);
  run.report("pos-1", RefreshPhase::kAborted);
  CHECK(run.ordered() == Ids{"pos-2"});
  run.report("pos-2", RefreshPhase::kCompleted);
  CHECK(run.job.record().state == JobState::kPartial);
}

TEST_CASE("refresh job: a stop lets nobody begin, and ends when those that run have ended") {
  Run run({node("pos-1", 6), node("pos-2", 6)}, 1);
  run.report("pos-1", RefreshPhase::kReplaying);
  run.job.stop("stopped by us", run.now);
  CHECK(run.job.record().state == JobState::kStopping);
  CHECK(run.job.order_for("pos-1")->stop);
  CHECK_FALSE(run.job.order_for("pos-2"));
  run.job.stop("again", run.now);
  CHECK(run.job.record().why == "stopped by us");
  SUBCASE("it obeys") {
    run.report("pos-1", RefreshPhase::kAborted);
    CHECK(run.at("pos-1").state == State::kAborted);
  }
  SUBCASE("it was faster") {
    run.report("pos-1", RefreshPhase::kCompleted);
    CHECK(run.at("pos-1").state == State::kCompleted);
  }
  SUBCASE("it does not answer") {
    run.pass_ms(kLimits.unanswered_ms, {"pos-1"});
    CHECK(run.at("pos-1").failure == "it was told to stop and has not answered");
  }
  SUBCASE("it goes away") {
    run.pass_ms(kLimits.away_ms, {});
    CHECK(run.at("pos-1").state == State::kAway);
  }
  CHECK(run.job.record().state == JobState::kStopped);
  CHECK(run.at("pos-2").state == State::kNotBegun);
}

TEST_CASE("refresh job: who is away is skipped, and tried again at the end") {
  Run run({node("l2-0", 2, std::nullopt), node("pos-1", 6), node("pos-2", 6)}, 1);
  CHECK(run.at("l2-0").state == State::kAway);
  CHECK(run.ordered() == Ids{"pos-1"});
  run.report("pos-1", RefreshPhase::kReplaying);
  run.pass_ms(kLimits.away_ms, {"pos-2"});
  CHECK(run.at("pos-1").state == State::kAway);
  CHECK(run.ordered() == Ids{"pos-2"});
  run.heard("l2-0");  // is back, but not its turn
  CHECK(run.ordered() == Ids{"pos-2"});
  run.report("pos-2", RefreshPhase::kCompleted);
  CHECK(run.job.record().is_last_round);
  CHECK(run.ordered() == Ids{"l2-0"});
  run.report("l2-0", RefreshPhase::kCompleted);
  CHECK(run.ordered().empty());  // waits for pos-1
  CHECK_FALSE(run.job.has_ended());
  SUBCASE("it comes back in time") {
    run.pass_ms(kLimits.return_wait_ms - 2'000, {});
    run.heard("pos-1");
    CHECK(run.ordered() == Ids{"pos-1"});
    run.report("pos-1", RefreshPhase::kCompleted);
    CHECK(run.job.record().state == JobState::kCompleted);
  }
  SUBCASE("it stays away") {
    run.pass_ms(kLimits.return_wait_ms, {});
    CHECK(run.job.record().state == JobState::kPartial);
    CHECK(run.job.record().why == "0 nodes failed, 1 were away");
  }
}

TEST_CASE("refresh job: who comes back with its refresh done needs no second one") {
  Run run({node("pos-1", 6), node("pos-2", 6)}, 1);
  run.report("pos-1", RefreshPhase::kReplaying);
  run.pass_ms(kLimits.away_ms, {"pos-2"});
  REQUIRE(run.at("pos-1").state == State::kAway);
  run.report("pos-1", RefreshPhase::kReadySent);
  CHECK(run.at("pos-1").state == State::kRunning);
  run.report("pos-2", RefreshPhase::kCompleted);
  CHECK_FALSE(run.job.record().is_last_round);
  run.report("pos-1", RefreshPhase::kCompleted);
  CHECK(run.job.record().state == JobState::kCompleted);
}

TEST_CASE("refresh job: a node that takes no orders has failed") {
  Run run({node("pos-1", 6)});
  run.pass_ms(kLimits.unanswered_ms, {"pos-1"});
  CHECK(run.job.record().state == JobState::kFailed);
  CHECK(run.at("pos-1").failure == "it takes no orders: is it of an older version?");
}

TEST_CASE("refresh job: reports of other refreshes, other nodes and after the end change nothing") {
  Run run({node("pos-1", 6), node("pos-2", 6)}, 1);
  run.job.on_report("pos-1", said(RefreshPhase::kCompleted, RefreshId(76)), run.now);
  run.job.on_report("pos-2", said(RefreshPhase::kCompleted), run.now);  // not begun
  run.job.on_report("pos-9", said(RefreshPhase::kCompleted), run.now);
  CHECK(run.job.count(State::kCompleted) == 0);
  run.report("pos-1", RefreshPhase::kCompleted);
  run.report("pos-1", RefreshPhase::kAborted);
  CHECK(run.at("pos-1").state == State::kCompleted);
  run.job.stop("enough", run.now);
  run.pass_ms(kLimits.away_ms, {});
  REQUIRE(run.job.has_ended());
  run.report("pos-2", RefreshPhase::kCompleted);
  CHECK(run.job.count(State::kCompleted) == 1);
}

TEST_CASE("refresh job: it goes on after a restart, wherever it was") {
  Run run({node("l2-0", 2), node("pos-1", 6), node("pos-2", 6, std::nullopt)}, 1);
  run.restart();
  CHECK(run.ordered() == Ids{"l2-0"});
  run.report("l2-0", RefreshPhase::kReplaying);
  run.restart();
  CHECK(run.ordered() == Ids{"l2-0"});
  run.report("l2-0", RefreshPhase::kCompleted);
  run.restart();
  run.report("pos-1", RefreshPhase::kCompleted);
  run.restart();
  CHECK_FALSE(run.job.has_ended());
  run.pass_ms(kLimits.away_ms + kLimits.return_wait_ms + 2'000, {});
  run.restart();
  CHECK(run.job.record().state == JobState::kPartial);
}

TEST_CASE("refresh job: what is to be stored is what changed") {
  Run run({node("pos-1", 6), node("pos-2", 6)}, 1);
  CHECK(run.job.take_unsaved().nodes.size() == 2);
  CHECK_FALSE(run.job.has_unsaved());
  run.report("pos-1", RefreshPhase::kReplaying);
  auto unsaved = run.job.take_unsaved();
  REQUIRE(unsaved.nodes.size() == 1);
  CHECK(unsaved.nodes.front().state == State::kRunning);
  run.job.give_back(unsaved);
  CHECK(run.job.take_unsaved().nodes.size() == 1);
  CHECK(run.job.take_shown());
  run.report("pos-1", RefreshPhase::kReplaying);  // nothing new
  CHECK_FALSE(run.job.take_shown());
  CHECK_FALSE(run.job.has_unsaved());
}

// Any history: nodes that answer, fail, go away, come back, lie; stops and restarts. What a person
// relies on holds after each event, and the job ends once everybody has had time.
class History {
 public:
  explicit History(std::uint64_t seed)
      : random_(seed),
        wave_nodes_(1 + static_cast<std::int64_t>(random_.below(4))),
        run_(nodes(), wave_nodes_, static_cast<std::int64_t>(random_.below(4))) {}

  void play() {
    for (int step = 0; step < 400; ++step) {
      one_event();
      check();
    }
    for (int step = 0; step < 400 && !run_.job.has_ended(); ++step) {
      run_.pass_ms(10'000, {});
      check();
    }
    REQUIRE(run_.job.has_ended());
    for (const auto& each : run_.job.nodes()) {
      CHECK(each.state != State::kOrdered);
      CHECK(each.state != State::kRunning);
      CHECK(each.state != State::kWaiting);
    }
  }

 private:
  std::vector<JobNode> nodes() {
    std::vector<JobNode> made;
    const auto count = 1 + random_.below(12);
    for (std::uint64_t i = 0; i < count; ++i) {
      const bool is_here = random_.below(5) != 0;
      made.push_back(node("n" + std::to_string(i), static_cast<std::int32_t>(random_.below(4)),
                          is_here ? std::optional<std::int64_t>(0) : std::nullopt));
    }
    return made;
  }

  NodeId any_node() {
    const auto& all = run_.job.nodes();
    return all[random_.below(all.size())].id;
  }

  void one_event() {
    const auto id = any_node();
    switch (random_.below(12)) {
      case 0:
        return run_.pass_ms(1'000 * (1 + static_cast<std::int64_t>(random_.below(40))), {id});
      case 1:
        return run_.restart();
      case 2:
        if (random_.below(20) == 0) run_.job.stop("enough", run_.now);
        return;
      case 3:
        return run_.job.on_report(id, said(RefreshPhase::kCompleted, RefreshId(3)), run_.now);
      case 4:
      case 5:
        return run_.heard(id);
      default:
        return answer(id);
    }
  }

  // A node only speaks of a refresh that it was told of once.
  void answer(const NodeId& id) {
    const auto order = run_.job.order_for(id);
    if (order) told_.insert(id);
    if (!told_.contains(id)) return;
    const bool stops = order && order->stop;
    const auto phase = stops ? RefreshPhase::kAborted : static_cast<RefreshPhase>(random_.below(5));
    run_.report(id, phase);
  }

  void check() {
    const auto& job = run_.job;
    std::size_t all = 0;
    for (std::size_t i = 0; i < kJobNodeStateCount; ++i) all += job.count(static_cast<State>(i));
    REQUIRE(all == job.nodes().size());
    std::map<std::int32_t, std::int64_t> running;  // by wave
    for (const auto& each : job.nodes()) {
      if (each.state == State::kWaiting && !job.record().is_last_round)
        REQUIRE(each.wave > job.wave());
      if (each.state != State::kOrdered && each.state != State::kRunning) continue;
      REQUIRE_FALSE(job.has_ended());
      REQUIRE(++running[each.wave] <= wave_nodes_);
      // When a wave has begun, nobody of an earlier one ran.
      if (job.wave() > wave_before_) REQUIRE(each.wave == job.wave());
    }
    wave_before_ = job.wave();
    if (job.record().state == JobState::kCompleted)
      REQUIRE(job.count(State::kCompleted) == job.nodes().size());
    if (job.record().state == JobState::kRunning)
      REQUIRE(std::cmp_less_equal(job.count(State::kAborted), job.record().failures_max));
  }

  Random random_;
  std::int64_t wave_nodes_;
  Run run_;
  std::set<NodeId> told_;
  std::int32_t wave_before_ = 0;
};

TEST_CASE("refresh job: random histories") {
  for (std::uint64_t seed = 1; seed <= 1'000; ++seed) {
    CAPTURE(seed);
    History(seed).play();
  }
}

}  // namespace
}  // namespace xylem::registry
