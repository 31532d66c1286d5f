// Five members in one thread: virtual time, a network that loses, disks that lose their power.
#include "broker/cluster/quorum/quorum.h"

#include "tests/sim/sim_disk.h"

#include <doctest/doctest.h>

#include <array>
#include <deque>
#include <map>
#include <set>

namespace xylem::broker {
namespace {

class Cluster {
 public:
  static constexpr int kMembers = 5;

  explicit Cluster(std::uint64_t seed) : random_(seed) {
    for (auto& member : members_) {
      open(member);
      std::vector<ReplicaId> all;
      for (int id = 0; id < kMembers; ++id) all.emplace_back(id);
      REQUIRE(member.quorum->bootstrap(all));
      REQUIRE(member.quorum->start());
    }
  }

  ~Cluster() {
    for (auto& member : members_) close(member);
  }

  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  // Time passes until `is_so`. False: it is not so after `ms`.
  template <class Condition>
  bool run_until(const Condition& is_so, int ms = 30'000) {
    for (int i = 0; i < ms / 10; ++i) {
      if (is_so()) return true;
      step();
    }
    return is_so();
  }

  void run(int ms) {
    run_until([] { return false; }, ms);
  }

  // Who leads, in the newest term that anybody knows of.
  int leader() {
    for (int id = 0; id < kMembers; ++id) {
      if (members_[id].quorum && !cut_.contains(id) && members_[id].quorum->is_leader()) return id;
    }
    return -1;
  }

  bool has_leader() {
    return run_until([&] { return leader() >= 0; });
  }

  // Proposes where it can be decided, until it is.
  bool decide(const std::string& command) {
    bool is_done = false;
    bool is_under_way = false;
    return run_until([&] {
      if (is_done || is_under_way || leader() < 0) return is_done;
      is_under_way = true;
      members_[leader()].quorum->propose(bytes_of(command), [&](const Status& status) {
        is_under_way = false;
        is_done = is_done || status.has_value();
      });
      return is_done;
    });
  }

  // Wherever; what was decided, as far as anybody hears, is in `acknowledged`.
  void propose(int id, const std::string& command) {
    if (!members_[id].quorum) return;
    members_[id].quorum->propose(bytes_of(command), [this, command](const Status& status) {
      if (status) acknowledged.insert(command);
    });
  }

  [[nodiscard]] Status health(int id) const { return members_[id].quorum->health(); }

  sim::SimDisk& disk(int id) { return *members_[id].disk; }

  void stop(int id) { close(members_[id]); }

  Status bootstrap_again(int id) {
    open(members_[id]);
    auto done = members_[id].quorum->bootstrap({ReplicaId(0)});
    close(members_[id]);
    return done;
  }

  [[nodiscard]] bool is_alive(int id) const { return members_[id].quorum != nullptr; }

  void kill(int id) {
    auto& member = members_[id];
    member.disk->crash_now();
    close(member);
    member.disk->cut_power(sim::Survival::kSome, random_.next());
  }

  void start(int id) {
    open(members_[id]);
    REQUIRE(members_[id].quorum->start());
  }

  // Stopped before; the new disk knows nothing of what the lost one voted and acknowledged.
  void start_on_new_disk(int id) {
    members_[id].disk = std::make_unique<sim::SimDisk>();
    open(members_[id]);
    REQUIRE(members_[id].quorum->join());
    REQUIRE(members_[id].quorum->start());
  }

  void joined(int id) { members_[id].quorum->joined(); }

  void cut_off(int id) { cut_.insert(id); }

  void connect(int id) { cut_.erase(id); }

  void lose(std::uint64_t percent) { lost_percent_ = percent; }

  [[nodiscard]] const std::vector<std::string>& applied(int id) const {
    return members_[id].applied;
  }

  [[nodiscard]] bool are_equal() const {
    for (const auto& member : members_) {
      if (member.quorum && member.applied != members_[0].applied) return false;
    }
    return true;
  }

  // Of any two members the one with fewer commands has the first of the other's.
  [[nodiscard]] bool are_prefixes() const {
    for (const auto& left : members_) {
      for (const auto& right : members_) {
        const auto common = std::min(left.applied.size(), right.applied.size());
        if (!std::equal(left.applied.begin(),
                        left.applied.begin() + static_cast<std::ptrdiff_t>(common),
                        right.applied.begin()))
          return false;
      }
    }
    return true;
  }

  std::set<std::string> acknowledged;
  unsigned snapshot_entries = 20;
  int snapshots_restored = 0;

 private:
  struct Member {
    std::unique_ptr<sim::SimDisk> disk = std::make_unique<sim::SimDisk>();
    std::unique_ptr<Quorum> quorum;
    std::vector<std::string> applied;
    std::deque<std::function<void()>> due;
  };

  struct Message {
    int from = 0;
    int to = 0;
    std::int64_t at_us = 0;
    Buffer bytes;
  };

  int id_of(const Member& member) const { return static_cast<int>(&member - members_.data()); }

  void open(Member& member) {
    auto store = QuorumStore::open(*member.disk, "/quorum");
    REQUIRE(store);
    member.applied.clear();
    const Quorum::Machine machine{
        .apply = [&member](Bytes command) -> Status {
          member.applied.emplace_back(text_of(command));
          return {};
        },
        .snapshot =
            [&member] {
              Buffer all;
              for (const auto& one : member.applied) append(bytes_of(one + '\n'), all);
              return all;
            },
        .restore = [this, &member](Bytes snapshot) -> Status {
          ++snapshots_restored;
          member.applied.clear();
          std::string text(text_of(snapshot));
          for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
            member.applied.push_back(text.substr(at, text.find('\n', at) - at));
          return {};
        }};
    const Quorum::Seams seams{
        .clock = clock_,
        .random = random_,
        .work =
            [&member](std::function<void()> work, std::function<void()> done) {
              work();
              member.due.push_back(std::move(done));
            },
        .send = [this, &member](
                    ReplicaId to,
                    Buffer bytes) { send(id_of(member), to.value(), std::move(bytes)); }};
    auto quorum = Quorum::open({.self = ReplicaId(id_of(member)),
                                .snapshot_entries = snapshot_entries,
                                .trailing_entries = 5},
                               machine, seams, std::move(*store));
    REQUIRE(quorum);
    member.quorum = std::move(*quorum);
  }

  static void close(Member& member) {
    if (!member.quorum) return;
    bool is_closed = false;
    member.quorum->close([&] { is_closed = true; });
    while (!is_closed) {
      REQUIRE_FALSE(member.due.empty());
      run_due(member);
    }
    member.quorum.reset();
    member.due.clear();
  }

  static void run_due(Member& member) {
    for (auto left = member.due.size(); left > 0 && !member.due.empty(); --left) {
      const auto done = std::move(member.due.front());
      member.due.pop_front();
      done();
    }
  }

  void send(int from, int to, Buffer bytes) {
    if (random_.below(100) < lost_percent_) return;
    const auto delay_us = 500 + static_cast<std::int64_t>(random_.below(5'000));
    under_way_.push_back({from, to, clock_.monotonic_us() + delay_us, std::move(bytes)});
  }

  void step() {
    clock_.advance_ms(10);
    for (auto& member : members_) run_due(member);
    std::vector<Message> arrived;
    std::erase_if(under_way_, [&](Message& message) {
      if (message.at_us > clock_.monotonic_us()) return false;
      arrived.push_back(std::move(message));
      return true;
    });
    for (const auto& message : arrived) {
      auto& to = members_[message.to];
      if (!to.quorum || cut_.contains(message.from) || cut_.contains(message.to)) continue;
      CHECK(to.quorum->receive(ReplicaId(message.from), message.bytes));
    }
    for (auto& member : members_) {
      if (member.quorum) member.quorum->tick();
    }
  }

  Random random_;
  ManualClock clock_;
  std::array<Member, kMembers> members_;
  std::vector<Message> under_way_;
  std::set<int> cut_;
  std::uint64_t lost_percent_ = 0;
};

TEST_CASE("quorum: five elect one of them, and apply the same commands in the same order") {
  Cluster cluster(1);
  REQUIRE(cluster.has_leader());
  for (int i = 0; i < 10; ++i) REQUIRE(cluster.decide("command " + std::to_string(i)));
  CHECK(cluster.run_until([&] { return cluster.are_equal(); }));
  CHECK(cluster.applied(0).size() == 10);
}

TEST_CASE("quorum: any three go on; two do not, until a third is back") {
  Cluster cluster(2);
  REQUIRE(cluster.decide("one"));
  cluster.kill(0);
  cluster.kill(1);
  REQUIRE(cluster.decide("two"));
  cluster.kill(2);
  CHECK_FALSE(cluster.decide("three"));
  cluster.start(1);
  REQUIRE(cluster.decide("four"));
  cluster.start(0);
  cluster.start(2);
  CHECK(cluster.run_until([&] { return cluster.are_equal(); }));
  CHECK(cluster.applied(0).back() == "four");
}

TEST_CASE("quorum: a leader that is cut off decides nothing, and follows when it is back") {
  Cluster cluster(3);
  REQUIRE(cluster.decide("one"));
  const int cut = cluster.leader();
  cluster.cut_off(cut);
  REQUIRE(cluster.decide("two"));
  CHECK(cluster.leader() != cut);
  CHECK(cluster.applied(cut).back() == "one");
  cluster.connect(cut);
  CHECK(cluster.run_until([&] { return cluster.are_equal(); }));
  CHECK(cluster.applied(cut).back() == "two");
}

TEST_CASE("quorum: who was away for long gets a snapshot") {
  Cluster cluster(4);
  REQUIRE(cluster.decide("first"));
  cluster.kill(4);
  for (int i = 0; i < 60; ++i) REQUIRE(cluster.decide("command " + std::to_string(i)));
  const int restored = cluster.snapshots_restored;
  cluster.start(4);
  CHECK(cluster.run_until([&] { return cluster.applied(4).size() == 61; }));
  CHECK(cluster.are_equal());
  CHECK(cluster.snapshots_restored > restored);
}

// The lost disk was one of the three that had the last decision; the new one has the ones before.
TEST_CASE("quorum: a new disk elects nobody before it knows what the lost one knew") {
  Cluster cluster(11);
  for (int i = 0; i < 40; ++i) REQUIRE(cluster.decide("command " + std::to_string(i)));
  REQUIRE(cluster.run_until([&] { return cluster.are_equal(); }));
  std::vector<int> ids{0, 1, 2, 3, 4};
  std::swap(ids.front(), ids[static_cast<std::size_t>(cluster.leader())]);
  const auto connect = [&](int from, int to, bool is_connected) {
    for (int i = from; i < to; ++i) {
      if (is_connected)
        cluster.connect(ids[i]);
      else
        cluster.cut_off(ids[i]);
    }
  };
  const int lost = ids[2];
  connect(3, 5, false);
  REQUIRE(cluster.decide("the last"));
  cluster.stop(lost);
  const int restored = cluster.snapshots_restored;
  cluster.start_on_new_disk(lost);
  cluster.propose(ids[0], "one that shows its leader that it has lost its log");
  REQUIRE(cluster.run_until([&] { return cluster.snapshots_restored > restored; }));
  REQUIRE(cluster.applied(lost).back() != "the last");
  connect(0, 2, false);
  connect(3, 5, true);
  CHECK_FALSE(cluster.run_until([&] { return cluster.leader() >= 0; }));

  connect(0, 2, true);
  REQUIRE(cluster.decide("registration"));
  REQUIRE(cluster.run_until([&] { return cluster.are_equal(); }));
  CHECK(std::ranges::count(cluster.applied(lost), "the last") == 1);
  cluster.joined(lost);
  for (int i = 0; i < 2; ++i) cluster.stop(ids[i]);
  CHECK(cluster.decide("without them"));
}

TEST_CASE("quorum: the power of all five goes, and all that was decided is there") {
  for (std::uint64_t seed = 10; seed < 20; ++seed) {
    CAPTURE(seed);
    Cluster cluster(seed);
    std::size_t decided = 0;
    for (int round = 0; round < 4; ++round) {
      for (int i = 0; i < 15; ++i)
        REQUIRE(cluster.decide(std::to_string(round) + " " + std::to_string(i)));
      decided += 15;
      for (int id = 0; id < Cluster::kMembers; ++id) cluster.kill(id);
      for (int id = 0; id < Cluster::kMembers; ++id) cluster.start(id);
      REQUIRE(cluster.decide("round " + std::to_string(round)));
      ++decided;
    }
    REQUIRE(cluster.run_until([&] { return cluster.are_equal(); }));
    // A command whose outcome nobody knew was proposed again: it may be there twice.
    CHECK(std::set<std::string>(cluster.applied(0).begin(), cluster.applied(0).end()).size() ==
          decided);
  }
}

TEST_CASE("quorum: a member whose disk is full stops, and takes part again after a start") {
  for (const bool is_leader : {false, true}) {
    CAPTURE(is_leader);
    Cluster cluster(6);
    REQUIRE(cluster.decide("one"));
    const int id = is_leader ? cluster.leader() : (cluster.leader() + 1) % Cluster::kMembers;
    cluster.disk(id).fail_at(1, sim::Fault::kDiskFull, true);
    cluster.propose(cluster.leader(), "more");
    CHECK(cluster.run_until([&] { return !cluster.health(id); }));
    CHECK(cluster.health(id).error().code() == Errc::kDiskFull);
    cluster.stop(id);
    REQUIRE(cluster.decide("two"));
    cluster.disk(id).fail_no_more();
    cluster.start(id);
    CHECK(cluster.run_until([&] { return cluster.are_equal(); }));
    CHECK(cluster.health(id));
    CHECK(cluster.applied(id).back() == "two");
  }
}

TEST_CASE("quorum: a leader that could not store entries offers no others in their place") {
  Cluster cluster(8);
  REQUIRE(cluster.decide("one"));
  const int id = cluster.leader();
  cluster.disk(id).fail_at(1, sim::Fault::kDiskFull, true);
  cluster.propose(id, "sent, and not stored");
  cluster.propose(id, "sent behind it, and not stored");
  REQUIRE(cluster.run_until([&] { return !cluster.health(id); }));
  cluster.propose(id, "another");
  cluster.run(500);
  CHECK(cluster.are_prefixes());
  CHECK_FALSE(cluster.acknowledged.contains("another"));
}

TEST_CASE("quorum: nobody is bootstrapped twice") {
  Cluster cluster(7);
  REQUIRE(cluster.decide("one"));
  cluster.stop(0);
  CHECK(cluster.bootstrap_again(0).error().code() == Errc::kAlreadyExists);
}

TEST_CASE("quorum: histories of kills, cuts and losses") {
  std::size_t acknowledged = 0;
  for (std::uint64_t seed = 100; seed < 160; ++seed) {
    CAPTURE(seed);
    Cluster cluster(seed);
    Random random(seed);
    for (int i = 0; i < 400; ++i) {
      const int id = static_cast<int>(random.below(Cluster::kMembers));
      const auto what = random.below(40);
      if (what == 0 && cluster.is_alive(id)) cluster.kill(id);
      if (what < 4 && !cluster.is_alive(id)) cluster.start(id);
      if (what == 5) cluster.cut_off(id);
      if (what == 6 || what == 7) cluster.connect(id);
      if (what == 8) cluster.lose(random.below(30));
      if (what > 20) cluster.propose(id, std::to_string(i));
      cluster.run(static_cast<int>(random.below(300)));
      REQUIRE(cluster.are_prefixes());
    }
    cluster.lose(0);
    for (int id = 0; id < Cluster::kMembers; ++id) {
      cluster.connect(id);
      if (!cluster.is_alive(id)) cluster.start(id);
    }
    REQUIRE(cluster.decide("the last one"));
    REQUIRE(cluster.run_until([&] { return cluster.are_equal(); }));
    const std::set<std::string> decided(cluster.applied(0).begin(), cluster.applied(0).end());
    for (const auto& command : cluster.acknowledged) CHECK(decided.contains(command));
    acknowledged += cluster.acknowledged.size();
  }
  CHECK(acknowledged > 200);
}

TEST_CASE("quorum: a stranger's message is refused; who is not bootstrapped waits") {
  Cluster cluster(5);
  REQUIRE(cluster.has_leader());
  sim::SimDisk disk;
  auto store = QuorumStore::open(disk, "/quorum");
  REQUIRE(store);
  ManualClock clock;
  Random random(1);
  std::deque<std::function<void()>> due;
  auto alone = Quorum::open({.self = ReplicaId(7)},
                            {.apply = [](Bytes) -> Status { return {}; },
                             .snapshot = [] { return Buffer(); },
                             .restore = [](Bytes) -> Status { return {}; }},
                            {.clock = clock,
                             .random = random,
                             .work =
                                 [&](std::function<void()> work, std::function<void()> done) {
                                   work();
                                   due.push_back(std::move(done));
                                 },
                             .send = [](ReplicaId, Buffer) {}},
                            std::move(*store));
  REQUIRE(alone);
  REQUIRE((*alone)->start());
  CHECK_FALSE((*alone)->receive(ReplicaId(0), {}));
  CHECK_FALSE((*alone)->receive(ReplicaId(0), bytes_of("what?")));
  for (int i = 0; i < 500; ++i) {
    clock.advance_ms(10);
    (*alone)->tick();
  }
  CHECK_FALSE((*alone)->is_leader());
  Status refused;
  (*alone)->propose(bytes_of("x"), [&](const Status& status) { refused = status; });
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kNotLeader);
  bool is_closed = false;
  (*alone)->close([&] { is_closed = true; });
  while (!due.empty()) {
    const auto done = std::move(due.front());
    due.pop_front();
    done();
  }
  CHECK(is_closed);
}

}  // namespace
}  // namespace xylem::broker
