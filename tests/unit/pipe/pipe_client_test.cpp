#include "pipe/pipe_client.h"

#include "tests/support/files.h"
#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"
#include "tests/unit/pipe/node.h"

#include <doctest/doctest.h>

namespace xylem::pipe {
namespace {

using testing::run_until;

using Fault = MemoryConnector::Fault;

const LogId kPrices = log_id(1);

// Milliseconds instead of seconds.
PipeClient::Options quick() {
  PipeClient::Options options;
  options.wait_ms = 40;
  options.silence_ms = 10'000;  // a busy machine is not a silent parent
  options.backoff_min_ms = 1;
  options.backoff_max_ms = 20;
  options.fail_back_ms = 60;
  return options;
}

bool equal(const Node& a, const Node& b, const LogId& id) {
  return !b.content(id).empty() && a.content(id) == b.content(id);
}

TEST_CASE("pipe: records flow through three levels, and the last knows their age and HW") {
  World world;
  Node root(world, "root-0");
  Node middle(world, "l2-0");
  Node leaf(world, "pos-0");
  for (auto* node : {&root, &middle, &leaf}) node->open(kPrices);
  middle.start_client(quick());
  leaf.start_client(quick());
  middle.client().set_parents({root.as_parent()});
  leaf.client().set_parents({middle.as_parent()});
  for (int i = 0; i < 100; ++i) root.publish(kPrices, "price " + std::to_string(i));
  REQUIRE(run_until(world.loop, [&] { return equal(root, leaf, kPrices); }));
  CHECK(leaf.copy(kPrices).high_watermark == Offset(100));
  CHECK(leaf.client().view().parent == "l2-0");
  CHECK(leaf.client().view().health == Health::kHealthy);
  CHECK(leaf.seen_topology == 7);
  REQUIRE(run_until(world.loop, [&] { return leaf.confirms[kPrices] > 0; }));
}

TEST_CASE("pipe: a topic that is created later arrives by itself") {
  World world;
  Node root(world, "root-0");
  Node leaf(world, "pos-0");
  auto options = quick();
  options.wait_ms = 60'000;  // only speaking up can bring it in time
  leaf.start_client(options);
  leaf.client().set_parents({root.as_parent()});
  REQUIRE(run_until(world.loop, [&] { return leaf.client().view().exchanges > 0; }));
  SUBCASE("at the parent first") {
    root.open(kPrices);
    root.publish(kPrices, "first");
    leaf.open(kPrices);
  }
  SUBCASE("at the child first") {
    leaf.open(kPrices);
    REQUIRE(run_until(world.loop, [&] { return !leaf.repairs.empty(); }));
    CHECK(leaf.repairs.front() == FetchState::kUnknownTopicId);
    root.open(kPrices);
    root.publish(kPrices, "first");
  }
  CHECK(run_until(world.loop, [&] { return equal(root, leaf, kPrices); }));
}

TEST_CASE("pipe: 1,000 idle partitions send a session id") {
  World world;
  Node root(world, "root-0");
  Node leaf(world, "pos-0");
  for (std::uint64_t topic = 1; topic <= 1'000; ++topic) {
    root.open(log_id(topic));
    leaf.open(log_id(topic));
  }
  leaf.start_client(quick());
  leaf.client().set_parents({root.as_parent()});
  REQUIRE(run_until(world.loop, [&] { return leaf.stores >= 1'000; }));
  const auto exchanges = leaf.client().view().exchanges;
  REQUIRE(run_until(world.loop, [&] { return leaf.client().view().exchanges > exchanges + 1; }));
  const auto before = world.connector.request_bytes();
  const auto count = leaf.client().view().exchanges;
  REQUIRE(run_until(world.loop, [&] { return leaf.client().view().exchanges >= count + 5; }));
  CHECK(world.connector.request_bytes() - before <= 6 * 128);
  CHECK(leaf.stores == 1'000);

  root.publish(log_id(500), "one");
  CHECK(run_until(world.loop, [&] { return equal(root, leaf, log_id(500)); }));
  CHECK(leaf.stores == 1'001);
}

TEST_CASE(
    "pipe: a dead parent is left at once, a silent one in time, and the better one returned to") {
  World world;
  Node first(world, "l2-0");
  Node second(world, "l2-1");
  Node leaf(world, "pos-0");
  for (auto* node : {&first, &second, &leaf}) node->open(kPrices);
  Fault fault = Fault::kNone;
  world.connector.set_faults(
      [&](const std::string& url) { return url == first.url() ? fault : Fault::kNone; });
  auto options = quick();
  Fault then = Fault::kNone;
  SUBCASE("refused") { then = Fault::kRefuse; }
  SUBCASE("silent") {
    then = Fault::kSilence;
    options.silence_ms = 2'000;
  }
  SUBCASE("reset") { then = Fault::kCut; }
  leaf.start_client(options);
  leaf.client().set_parents({first.as_parent(), second.as_parent()});
  const auto parent_is = [&](const char* id) {
    return run_until(world.loop, [&, id] { return leaf.client().view().parent == id; });
  };
  REQUIRE(parent_is("l2-0"));
  fault = then;
  REQUIRE(parent_is("l2-1"));
  CHECK(leaf.client().view().failovers == 1);
  CHECK_FALSE(leaf.client().view().last_error.empty());
  CHECK(leaf.client().view().health == Health::kDegraded);  // a failure in the last minute
  second.publish(kPrices, "from the second");
  REQUIRE(run_until(world.loop, [&] { return equal(second, leaf, kPrices); }));

  first.publish(kPrices, "from the second");
  fault = Fault::kNone;
  REQUIRE(parent_is("l2-0"));
  CHECK(leaf.client().view().failovers == 1);
}

TEST_CASE("pipe: nobody answers: unhealthy, and it never stops trying") {
  World world;
  Node root(world, "root-0");
  Node leaf(world, "pos-0");
  root.open(kPrices);
  leaf.open(kPrices);
  root.publish(kPrices, "x");
  int refused = 0;
  bool is_down = true;
  world.connector.set_faults([&](const std::string&) {
    refused += is_down;
    return is_down ? Fault::kRefuse : Fault::kNone;
  });
  leaf.start_client(quick());
  CHECK(leaf.client().view().health == Health::kUnhealthy);
  CHECK(leaf.client().view().since_success_ms == -1);
  leaf.client().set_parents({root.as_parent()});
  REQUIRE(run_until(world.loop, [&] { return refused >= 10; }));
  CHECK(leaf.client().view().health == Health::kUnhealthy);
  CHECK(leaf.client().view().parent.empty());
  is_down = false;
  CHECK(run_until(world.loop, [&] { return equal(root, leaf, kPrices); }));
}

TEST_CASE("pipe: why a parent does not answer is logged once, and again when that changes") {
  TemporaryDirectory directory;
  Logger logger({.file = directory.file("log")});
  World world;
  world.logger = &logger;
  Node root(world, "root-0");
  Node leaf(world, "pos-0");
  int asked = 0;
  Fault fault = Fault::kRefuse;
  world.connector.set_faults([&](const std::string&) {
    ++asked;
    return fault;
  });
  const auto lines = [&](std::string_view text) {
    const auto log = read_text(directory.file("log"));
    int count = 0;
    for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++count;
    return count;
  };
  const auto turn_to = [&](Fault next) {
    fault = next;
    asked = 0;
    REQUIRE(run_until(world.loop, [&] { return asked >= 5; }));
  };
  leaf.start_client(quick());
  leaf.client().set_parents({root.as_parent()});
  turn_to(Fault::kRefuse);
  CHECK(lines("event=pipe.failed") == 1);
  CHECK(lines("http://root-0 refused") == 1);
  leaf.client().set_cluster(Uuid::from_words(6, 6));
  turn_to(Fault::kNone);
  CHECK(lines("event=pipe.failed") == 2);
  leaf.client().set_cluster(root.cluster_id);
  REQUIRE(run_until(world.loop, [&] { return leaf.client().view().parent == "root-0"; }));
  CHECK(lines("event=pipe.lost") == 0);
  turn_to(Fault::kRefuse);
  CHECK(lines("event=pipe.lost") == 1);
  CHECK(lines("event=pipe.failed") == 2);
}

TEST_CASE("pipe: parents may change any number of times, also to none") {
  World world;
  Node a(world, "l2-0");
  Node b(world, "l2-1");
  Node leaf(world, "pos-0");
  for (auto* node : {&a, &b, &leaf}) node->open(kPrices);
  leaf.start_client(quick());
  for (int i = 0; i < 20; ++i) {
    CAPTURE(i);
    Node& parent = i % 2 == 0 ? a : b;
    leaf.client().set_parents({parent.as_parent()});
    REQUIRE(run_until(world.loop, [&] { return leaf.client().view().parent == parent.node(); }));
    if (i % 5 == 0) {
      leaf.client().set_parents({});
      CHECK(leaf.client().view().parent.empty());
    }
  }
  CHECK(leaf.client().view().failovers == 0);
}

TEST_CASE("pipe: a parent of another cluster, or another node at its address, is not followed") {
  World world;
  Node stranger(world, "l2-0");
  Node good(world, "l2-1");
  Node leaf(world, "pos-0");
  for (auto* node : {&stranger, &good, &leaf}) node->open(kPrices);
  stranger.publish(kPrices, "strange");
  good.publish(kPrices, "good");
  Parent first = stranger.as_parent();
  SUBCASE("cluster") { stranger.cluster_id = Uuid::from_words(6, 6); }
  SUBCASE("node") { first.node = "l2-7"; }
  SUBCASE("itself") { first = {"", leaf.url()}; }
  leaf.start_client(quick());
  leaf.client().set_parents({first, good.as_parent()});
  CHECK(run_until(world.loop, [&] { return equal(good, leaf, kPrices); }));
  CHECK(leaf.client().view().parent == "l2-1");
  CHECK(leaf.client().view().failovers == 1);
}

TEST_CASE("pipe: a partition that cannot be stored waits alone, and goes on by itself") {
  World world;
  Node root(world, "root-0");
  Node leaf(world, "pos-0");
  const LogId other = log_id(2);
  for (const auto& id : {kPrices, other}) {
    root.open(id);
    leaf.open(id);
  }
  auto full = std::make_shared<testing::FakeLog>(kPrices);
  full->fail_appends(fail(Errc::kDiskFull, "no room"));
  leaf.copy(kPrices).log = full;
  leaf.start_client(quick());
  leaf.client().set_parents({root.as_parent()});
  root.publish(kPrices, "waits");
  root.publish(other, "flows");
  REQUIRE(run_until(world.loop, [&] { return equal(root, leaf, other) && leaf.stores >= 4; }));
  CHECK(leaf.content(kPrices).empty());
  CHECK(leaf.client().view().health != Health::kUnhealthy);
  CHECK(leaf.client().view().last_error == "no room");
  full->fail_appends({});
  CHECK(run_until(world.loop, [&] { return equal(root, leaf, kPrices); }));
}

TEST_CASE("pipe: being told its age is no sign that a partition can be stored") {
  World world;
  Node root(world, "root-0");
  Node leaf(world, "pos-0");
  for (const auto& id : {kPrices, log_id(2)}) {
    root.open(id);
    leaf.open(id);
  }
  auto full = std::make_shared<testing::FakeLog>(kPrices);
  full->fail_appends(fail(Errc::kDiskFull, "no room"));
  leaf.copy(kPrices).log = full;
  root.copy(kPrices).age_ms = 60'000;  // so old that it is listed
  root.publish(kPrices, "waits");
  auto options = quick();
  options.backoff_min_ms = 200;  // answers come in between
  options.backoff_max_ms = 200;
  leaf.start_client(options);
  leaf.client().set_parents({root.as_parent()});
  REQUIRE(run_until(world.loop, [&] { return leaf.copy(kPrices).age_ms == 60'000; }));
  full->fail_appends({});
  CHECK(run_until(world.loop, [&] { return equal(root, leaf, kPrices); }));
}

TEST_CASE("pipe: a common age is for the quiet partitions, not for those that say their own") {
  World world;
  Node root(world, "root-0");
  Node leaf(world, "pos-0");
  const LogId old = log_id(2);
  for (const auto& id : {kPrices, old}) {
    root.open(id);
    leaf.open(id);
  }
  root.copy(old).age_ms = 60'000;
  leaf.start_client(quick());
  leaf.client().set_parents({root.as_parent()});
  REQUIRE(run_until(world.loop, [&] { return leaf.confirms[kPrices] >= 2; }));
  CHECK(leaf.copy(kPrices).age_ms == 0);
  CHECK(leaf.copy(old).age_ms == 60'000);
}

TEST_CASE("pipe: only a partition that is OK is as old as its parent says") {
  World world;
  Node root(world, "root-0");
  Node leaf(world, "pos-0");
  const LogId ahead = log_id(2);
  const LogId unknown = log_id(3);
  for (const auto& id : {kPrices, ahead}) root.open(id);
  for (const auto& id : {kPrices, ahead, unknown}) leaf.open(id);
  leaf.publish(ahead, "the parent lost this");
  leaf.start_client(quick());
  leaf.client().set_parents({root.as_parent()});
  REQUIRE(run_until(world.loop, [&] { return leaf.confirms[kPrices] >= 2; }));
  CHECK(leaf.client().view().behind == 1);
  CHECK(leaf.confirms[ahead] == 0);
  CHECK(leaf.confirms[unknown] == 0);
}

TEST_CASE("pipe: a parent that lost its data is behind; the child keeps its own") {
  World world;
  Node root(world, "root-0");
  Node middle(world, "l2-0");
  Node leaf(world, "pos-0");
  for (auto* node : {&root, &middle, &leaf}) node->open(kPrices);
  middle.start_client(quick());
  leaf.start_client(quick());
  middle.client().set_parents({root.as_parent()});
  leaf.client().set_parents({middle.as_parent()});
  for (int i = 0; i < 10; ++i) root.publish(kPrices, "x");
  REQUIRE(run_until(world.loop, [&] { return equal(root, leaf, kPrices); }));
  const auto before = leaf.content(kPrices);
  bool is_down = true;
  world.connector.set_faults([&](const std::string& url) {
    return is_down && url == root.url() ? Fault::kRefuse : Fault::kNone;
  });
  middle.wipe();
  REQUIRE(run_until(world.loop, [&] {
    leaf.client().touch(kPrices);
    return leaf.client().view().behind == 1;
  }));
  CHECK(leaf.content(kPrices) == before);
  CHECK(leaf.repairs.empty());
  is_down = false;
  REQUIRE(run_until(world.loop, [&] { return leaf.client().view().behind == 0; }));
  root.publish(kPrices, "news");
  CHECK(run_until(world.loop, [&] { return equal(root, leaf, kPrices); }));
  CHECK(leaf.repairs.empty());
}

TEST_CASE("pipe: everything behind at one parent is everything asked from the next") {
  World world;
  Node empty(world, "l2-0");
  Node full(world, "l2-1");
  Node leaf(world, "pos-0");
  for (auto* node : {&empty, &full, &leaf}) node->open(kPrices);
  for (int i = 0; i < 3; ++i) full.publish(kPrices, "x");
  leaf.start_client(quick());
  leaf.client().set_parents({full.as_parent()});
  REQUIRE(run_until(world.loop, [&] { return equal(full, leaf, kPrices); }));
  leaf.client().set_parents({empty.as_parent(), full.as_parent()});
  // The current one is kept; the better one is returned to, found behind, and left again.
  REQUIRE(run_until(world.loop, [&] { return leaf.client().view().failovers > 0; }));
  REQUIRE(run_until(world.loop, [&] { return leaf.client().view().parent == "l2-1"; }));
  full.publish(kPrices, "y");
  CHECK(run_until(world.loop, [&] { return equal(full, leaf, kPrices); }));
}

TEST_CASE("pipe: a diverged child is cut back and ends equal") {
  World world;
  Node root(world, "root-0");
  Node leaf(world, "pos-0");
  root.open(kPrices);
  leaf.open(kPrices);
  for (const char* value : {"a", "b", "right", "right"}) root.publish(kPrices, value);
  for (const char* value : {"a", "b", "wrong"}) leaf.publish(kPrices, value);
  leaf.start_client(quick());
  leaf.client().set_parents({root.as_parent()});
  CHECK(run_until(world.loop, [&] { return equal(root, leaf, kPrices); }));
  CHECK(leaf.repairs == std::vector{FetchState::kDiverged});
}

TEST_CASE("pipe: a child below the parent's log start begins anew there") {
  World world;
  Node root(world, "root-0");
  Node leaf(world, "pos-0");
  root.open(kPrices);
  leaf.open(kPrices);
  for (int i = 0; i < 10; ++i) root.publish(kPrices, "x");
  leaf.publish(kPrices, "x");
  REQUIRE(root.copy(kPrices).log->drop_before(Offset(5)));
  leaf.start_client(quick());
  leaf.client().set_parents({root.as_parent()});
  CHECK(run_until(world.loop, [&] { return equal(root, leaf, kPrices); }));
  CHECK(leaf.repairs == std::vector{FetchState::kOutOfRange});
  CHECK(leaf.copy(kPrices).log->start_offset() == Offset(5));
}

TEST_CASE("pipe: a removed partition is not asked for any more") {
  World world;
  Node root(world, "root-0");
  Node leaf(world, "pos-0");
  const LogId other = log_id(2);
  for (const auto& id : {kPrices, other}) {
    root.open(id);
    leaf.open(id);
  }
  leaf.start_client(quick());
  leaf.client().set_parents({root.as_parent()});
  root.publish(kPrices, "a");
  REQUIRE(run_until(world.loop, [&] { return equal(root, leaf, kPrices); }));
  leaf.client().remove(kPrices);
  root.publish(kPrices, "b");
  root.publish(other, "c");
  REQUIRE(run_until(world.loop, [&] { return equal(root, leaf, other); }));
  REQUIRE(run_until(world.loop, [&] { return root.server().children().front().partitions == 1; }));
  CHECK_FALSE(equal(root, leaf, kPrices));
}

// Parents that answer nothing and ask for a pause.
class PacingConnector final : public PipeConnector {
 public:
  explicit PacingConnector(World& world) : world_(world) {}

  std::unique_ptr<PipeLink> link(const std::string&) override {
    return std::make_unique<Link>(world_);
  }

 private:
  class Link final : public PipeLink {
   public:
    explicit Link(World& world) : world_(world) {}

    void fetch(Buffer, std::uint64_t, Answer answer) override {
      FetchAnswer pacing;
      pacing.parent = "root-0";
      pacing.cluster = Uuid::from_words(1, 1);
      pacing.session = 1;
      pacing.pace_ms = 60'000;
      XYLEM_CHECK(world_.loop.post([slices = encode(pacing), answer = std::move(answer)] {
        Buffer all;
        for (const auto& slice : slices) append(slice.bytes, all);
        answer(Slice::own(std::move(all)));
      }));
    }

    void probe(std::uint64_t, std::function<void(Status)>) override {}

   private:
    World& world_;
  };

  World& world_;
};

TEST_CASE("pipe: a parent's pace is kept") {
  World world;
  PacingConnector pacing(world);
  Node leaf(world, "pos-0");
  leaf.start_client(quick(), &pacing);
  leaf.client().set_parents({{"root-0", "http://root-0"}});
  REQUIRE(run_until(world.loop, [&] { return leaf.client().view().exchanges == 1; }));
  const auto before = world.clock.monotonic_ms();
  REQUIRE(run_until(world.loop, [&] { return world.clock.monotonic_ms() - before > 100; }));
  CHECK(leaf.client().view().exchanges == 1);
}

}  // namespace
}  // namespace xylem::pipe
