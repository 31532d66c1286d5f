#include "broker/groups/group.h"

#include "common/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>

namespace xylem::broker {
namespace {

constexpr Group::Options kOptions;

// What a client does with its answers.
struct Client {
  Group::Beat next;

  explicit Client(const std::string& id, const std::string& instance = {}) {
    next.member = id;
    next.instance = instance;
    next.topics = {"t"};
  }

  void hear(const Group::Answer& answer) {
    next.owned = answer.assigned;
    next.generation = answer.generation;
  }

  void beat(Group& group, std::int64_t now_ms) {
    const auto answer = group.beat(next, now_ms);
    REQUIRE(answer);
    hear(*answer);
  }

  [[nodiscard]] std::size_t count() const { return next.owned.size(); }
};

Group group_of(std::int32_t partitions, bool is_known = false) {
  Group group(kOptions, 100, is_known, 0);
  group.set_partitions({{"t", partitions}});
  return group;
}

TEST_CASE("group: one gets all; a second one gets its share when the first has let go") {
  auto group = group_of(10);
  Client a("a");
  a.beat(group, 0);
  CHECK(a.count() == 10);
  CHECK(a.next.generation > 100);
  Client b("b");
  b.beat(group, 1);
  CHECK(b.count() == 0);
  CHECK(group.take_changed() == std::vector<std::string>{"a"});
  CHECK(group.take_changed().empty());
  a.beat(group, 2);  // is told to keep five
  CHECK(a.count() == 5);
  b.beat(group, 3);
  CHECK(b.count() == 0);
  a.beat(group, 4);  // says that it has let go
  CHECK(group.take_changed() == std::vector<std::string>{"b"});
  b.hear(*group.answer_for("b"));
  CHECK(b.count() == 5);
  for (const auto& partition : b.next.owned) {
    CHECK(group.owns("b", partition));
    CHECK_FALSE(group.owns("a", partition));
  }
}

TEST_CASE("group: that a partition is missing in a beat sent before the answer means nothing") {
  auto group = group_of(2);
  Client a("a");
  const auto early = a.next;
  a.beat(group, 0);
  Client b("b");
  b.beat(group, 1);
  REQUIRE(group.beat(early, 2));  // it had crossed the answer, and says nothing of what a has
  b.beat(group, 3);
  CHECK(b.count() == 0);
}

TEST_CASE("group: who is silent, leaves, or does not let go loses all") {
  auto group = group_of(4);
  Client a("a");
  Client b("b");
  a.beat(group, 0);
  b.beat(group, 0);
  a.beat(group, 1);
  SUBCASE("silent") {
    b.beat(group, kOptions.session_ms - 1);
    group.tick(kOptions.session_ms + 1);
  }
  SUBCASE("left") { group.leave("a"); }
  SUBCASE("keeps what it was told to let go of") {
    a.next.owned = {{"t", PartitionId(0)}, {"t", PartitionId(1)}, {"t", PartitionId(2)}};
    for (std::int64_t now_ms = 2; now_ms <= 2 + kOptions.let_go_ms; now_ms += 1'000) {
      b.beat(group, now_ms);
      const auto keeps = a.next.owned;
      a.beat(group, now_ms);
      a.next.owned = keeps;
    }
    group.tick(2 + kOptions.let_go_ms);
  }
  CHECK_FALSE(group.answer_for("a"));
  CHECK(group.take_changed() == std::vector<std::string>{"b"});
  b.hear(*group.answer_for("b"));
  CHECK(b.count() == 4);
}

TEST_CASE("group: an instance that comes back finds its partitions, and nothing moves") {
  auto group = group_of(6);
  Client a("a", "till-1");
  Client b("b", "till-2");
  a.beat(group, 0);
  b.beat(group, 0);
  for (int i = 1; i < 3; ++i) {
    a.beat(group, i);
    b.beat(group, i);
  }
  REQUIRE(a.count() == 3);
  const auto before = a.next.owned;
  Client again("a2", "till-1");
  again.beat(group, 5);
  CHECK(again.next.owned == before);
  b.beat(group, 6);
  CHECK(b.count() == 3);
  const auto old = group.beat(a.next, 7);
  REQUIRE_FALSE(old);
  CHECK(old.error().code() == Errc::kUnknownMember);
}

TEST_CASE("group: a new coordinator leaves what members claim, and waits with the rest") {
  auto group = group_of(4, true);
  Client a("a");
  a.next.owned = {{"t", PartitionId(1)}, {"t", PartitionId(2)}};
  a.next.generation = 90;
  a.beat(group, 0);
  CHECK(a.next.owned == TopicPartitions{{"t", PartitionId(1)}, {"t", PartitionId(2)}});
  Client b("b");
  b.next.owned = {{"t", PartitionId(2)}, {"t", PartitionId(3)}};
  b.next.generation = 91;
  b.beat(group, 1);
  CHECK(b.next.owned == TopicPartitions{{"t", PartitionId(3)}});
  a.beat(group, kOptions.settle_ms - 1);
  b.beat(group, kOptions.settle_ms - 1);
  CHECK(a.count() + b.count() == 3);
  group.tick(kOptions.settle_ms);
  a.beat(group, kOptions.settle_ms);
  b.beat(group, kOptions.settle_ms);
  CHECK(a.count() + b.count() == 4);
}

TEST_CASE("group: partitions that come, topics that go, other wishes") {
  auto group = group_of(2);
  Client a("a");
  a.beat(group, 0);
  group.set_partitions({{"t", 5}, {"u", 3}});
  CHECK(group.take_changed() == std::vector<std::string>{"a"});
  a.beat(group, 1);
  CHECK(a.count() == 5);
  a.next.topics = {"u"};
  a.beat(group, 2);
  CHECK(a.count() == 3);
  CHECK(group.topics() == std::set<std::string>{"u"});
  group.set_partitions({});
  a.beat(group, 3);
  CHECK(a.count() == 0);
}

TEST_CASE("group: what most members ask for assigns; limits are said") {
  auto group = group_of(9);
  for (int i = 0; i < 3; ++i) {
    Client one("m" + std::to_string(i));
    one.next.assignor = i == 0 ? Assignor::kSticky : Assignor::kRange;
    one.beat(group, 0);
  }
  CHECK(group.assignor() == Assignor::kRange);
  Client greedy("greedy");
  for (std::size_t i = 0; i <= Group::kTopicsMax; ++i) greedy.next.topics.insert(std::to_string(i));
  CHECK(group.beat(greedy.next, 0).error().code() == Errc::kQuotaExceeded);
  for (std::size_t i = 3; i < Group::kMembersMax; ++i)
    REQUIRE(group.beat(Client("m" + std::to_string(i)).next, 0));
  CHECK(group.beat(Client("one more").next, 0).error().code() == Errc::kQuotaExceeded);
  CHECK(group.describe(5).size() == Group::kMembersMax);
}

// Members that come, go, die and lose answers, and a coordinator that is replaced by one that knows
// nothing: no partition is ever consumed by two, and in the end everything is.
class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed) { group_.set_partitions(counts_); }

  void step() {
    now_ms_ += static_cast<std::int64_t>(random_.below(300));
    group_.tick(now_ms_);
    const auto what = random_.below(100);
    if (what < 2 && members_.size() < 12) members_.push_back(std::make_unique<Member>(++names_));
    if (what == 2 && !members_.empty()) members_.erase(any());  // it died
    if (what == 3 && !members_.empty()) {
      auto& member = **any();
      member.stop();
      group_.leave(member.client.next.member);
    }
    if (what == 4) change_coordinator();
    if (what == 5) counts_["t"] += static_cast<std::int32_t>(random_.below(3));
    group_.set_partitions(counts_);
    for (auto& member : members_) go_on(*member, what > 10 ? 5 : 60);
    for (const auto& id : group_.take_changed()) push(id);
    check();
  }

  void settle() {
    for (int i = 0; i < 300; ++i) {
      now_ms_ += 500;
      group_.tick(now_ms_);
      for (auto& member : members_) go_on(*member, 0);
    }
    check();
    std::size_t consumed = 0;
    for (const auto& member : members_) consumed += member->client.count();
    if (!members_.empty()) CHECK(consumed == static_cast<std::size_t>(counts_.at("t")));
  }

 private:
  struct Member {
    explicit Member(int number) : client("m" + std::to_string(number)) {}

    void stop() {
      client.next.owned.clear();
      client.next.generation = 0;
    }

    Client client;
    std::int64_t answered_ms = -1;
  };

  std::vector<std::unique_ptr<Member>>::iterator any() {
    return members_.begin() + static_cast<std::ptrdiff_t>(random_.below(members_.size()));
  }

  // Beats and is answered, unless something is lost. Without an answer it stops by itself, by less
  // than the coordinator's patience.
  void go_on(Member& member, std::uint64_t lost_percent) {
    if (now_ms_ - member.answered_ms >= kOptions.session_ms - 1'000) member.stop();
    if (random_.below(3) != 0 && lost_percent > 0) return;
    if (random_.below(100) < lost_percent) return;
    const auto answer = group_.beat(member.client.next, now_ms_);
    REQUIRE(answer);
    if (random_.below(100) < lost_percent) return;
    member.client.hear(*answer);
    member.answered_ms = now_ms_;
  }

  void push(const std::string& id) {
    const auto member =
        std::ranges::find(members_, id, [](const auto& one) { return one->client.next.member; });
    const auto answer = group_.answer_for(id);
    if (member == members_.end() || !answer || random_.below(4) == 0) return;
    (*member)->client.hear(*answer);
  }

  void change_coordinator() {
    const auto first = group_.generation() + 1'000;
    group_ = Group(kOptions, first, true, now_ms_);
    group_.set_partitions(counts_);
  }

  void check() const {
    TopicPartitions consumed;
    for (const auto& member : members_) {
      for (const auto& partition : member->client.next.owned)
        CHECK(consumed.insert(partition).second);
    }
  }

  Random random_;
  std::int64_t now_ms_ = 0;
  int names_ = 0;
  PartitionCounts counts_{{"t", 17}};
  Group group_{kOptions, 1, false, 0};
  std::vector<std::unique_ptr<Member>> members_;
};

TEST_CASE("group: random histories: nothing is consumed by two, in the end all is consumed") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    History history(seed);
    for (int i = 0; i < 400; ++i) history.step();
    history.settle();
  }
}

}  // namespace
}  // namespace xylem::broker
