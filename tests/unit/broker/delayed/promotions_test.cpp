// Random histories of parking, promoting, failing and crashing: each record is promoted once.
#include "broker/delayed/promotions.h"

#include "broker/partitions/producer_states.h"
#include "common/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <variant>
#include <vector>

namespace xylem::broker {
namespace {

constexpr LogId kHome{{TopicId(), 0}, PartitionId(5)};
constexpr Promotions::Limits kSmall{.records = 3, .bytes = 1'000, .busy = 2};

Target target(std::int32_t partition) {
  return {TopicId::from_words(7, 7), PartitionId(partition)};
}

BatchHeader header_of(const Intent& intent) {
  BatchHeader header;
  header.producer_id = intent.producer;
  header.producer_epoch = intent.epoch();
  header.base_sequence = intent.sequence;
  header.record_count = static_cast<std::int32_t>(intent.parked.size());
  header.last_offset_delta = header.record_count - 1;
  return header;
}

// A target's log, and what its leader knows of producers.
class TargetLog {
 public:
  std::vector<Offset> promoted;  // in order
  std::uint32_t generation = 0;

  [[nodiscard]] Offset end() const { return Offset(std::ssize(promoted)); }

  // Another leader: its walk goes back no further than its last batches, or not that far.
  void forget() { known_ = {}; }

  Promotions::Outcome append(const Intent& intent) {
    if (intent.generation != generation) return Promotions::Outcome::kOtherGeneration;
    auto header = header_of(intent);
    if (!known_.knows(header.producer_id)) {
      for (const auto& batch : batches_) {
        const bool is_searched = batch.next_offset() > intent.since;
        if (is_searched && batch.producer_id == header.producer_id) known_.add(batch);
      }
    }
    if (known_.knows(header.producer_id)) {
      const auto checked = known_.check(header);
      if (!checked) return Promotions::Outcome::kOtherNumbers;
      if (*checked) return Promotions::Outcome::kStored;
    }
    CHECK(end() >= intent.since);
    header.base_offset = end();
    batches_.push_back(header);
    known_.add(header);
    promoted.insert(promoted.end(), intent.parked.begin(), intent.parked.end());
    return Promotions::Outcome::kStored;
  }

 private:
  std::vector<BatchHeader> batches_;
  ProducerStates known_;
};

// `__delayed`: what is in it is committed.
class HomeLog {
 public:
  Offset park(const Target& to, std::int64_t due_ms) {
    const auto offset = next();
    entries_.emplace(offset, Parked{to, due_ms, offset, 10});
    return offset;
  }

  void write(const Promotions::WriteIntent& action) { entries_.emplace(next(), action.intent); }

  void write(const Promotions::WriteDone& action) {
    for (const auto offset : action.parked) entries_.emplace(next(), Promoted{offset});
    if (action.forgets) entries_.emplace(next(), Forgotten{action.target});
  }

  // Keeps the newest entry of each key, and maybe no tombstones.
  void compact(bool drops_tombstones) {
    std::set<Offset> parked_done;
    std::set<Target> intents_done;
    for (auto entry = entries_.end(); entry != entries_.begin();) {
      --entry;
      bool is_old = false;
      if (const auto* done = std::get_if<Promoted>(&entry->second)) {
        is_old = !parked_done.insert(done->parked).second || drops_tombstones;
      } else if (const auto* parked = std::get_if<Parked>(&entry->second)) {
        is_old = parked_done.contains(parked->offset);
      } else if (const auto* intent = std::get_if<Intent>(&entry->second)) {
        is_old = !intents_done.insert(intent->target).second;
      } else if (const auto* forgotten = std::get_if<Forgotten>(&entry->second)) {
        is_old = !intents_done.insert(forgotten->target).second || drops_tombstones;
      }
      if (is_old) entry = entries_.erase(entry);
    }
  }

  void load(Promotions& promotions) const {
    for (const auto& [offset, entry] : entries_) promotions.load(entry);
  }

 private:
  Offset next() { return Offset(next_++); }

  std::map<Offset, DelayedEntry> entries_;
  std::int64_t next_ = 0;
};

class History {
 public:
  static constexpr int kTargets = 3;

  History(std::uint64_t seed, int records) : random_(seed), records_(records) { restart(); }

  // False: it was over before the `crash_at`-th step.
  bool run(int crash_at, std::uint64_t crash_chance) {
    bool has_crashed = false;
    while (!is_over()) {
      if (step_ == crash_at || (crash_chance > 0 && random_.next() % crash_chance == 0)) {
        has_crashed = true;
        crash();
      }
      ++step_;
      REQUIRE(step_ < 100'000);
      one_step();
    }
    while (!zombies_.empty()) deliver_zombie();
    check();
    return has_crashed;
  }

 private:
  struct Fact {
    Target target;
    std::int64_t due_ms = 0;
    int parked_step = 0;
    int composed_step = 0;
  };

  bool chance(std::uint64_t one_in) { return random_.next() % one_in == 0; }

  void restart() {
    promotions_.emplace(kHome, kSmall);
    actions_.clear();
    home_.load(*promotions_);
    promotions_->start(now_);
  }

  // What is under way reaches its log now, later (a target) or never.
  void crash() {
    collect();
    for (const auto& action : actions_) {
      if (const auto* promote = std::get_if<Promotions::Promote>(&action)) {
        if (chance(2)) zombies_.push_back(promote->intent);
      } else if (chance(2)) {
        write(action);
      }
    }
    restart();
  }

  void write(const Promotions::Action& action) {
    if (const auto* intent = std::get_if<Promotions::WriteIntent>(&action)) home_.write(*intent);
    if (const auto* done = std::get_if<Promotions::WriteDone>(&action)) home_.write(*done);
  }

  void collect() {
    while (auto action = promotions_->next_action()) actions_.push_back(std::move(*action));
  }

  [[nodiscard]] bool is_over() const { return records_ == 0 && promotions_->size() == 0; }

  void one_step() {
    if (records_ > 0 && chance(3)) park();
    if (chance(3)) now_.wall_ms += static_cast<std::int64_t>(random_.next() % 20);
    if (chance(40)) now_.wall_ms -= 30;  // somebody sets the clock
    now_.monotonic_ms += 5;
    if (chance(10)) home_.compact(chance(2));
    auto& log = logs_.at(random_.next() % kTargets);
    if (chance(5)) log.forget();
    if (chance(30)) ++log.generation;
    if (!zombies_.empty() && chance(4)) deliver_zombie();
    promotions_->at(now_);
    collect();
    if (actions_.empty()) return;
    const auto which =
        actions_.begin() + static_cast<std::ptrdiff_t>(random_.next() % actions_.size());
    const auto action = *which;
    actions_.erase(which);
    std::visit([this](const auto& each) { resolve(each); }, action);
  }

  void park() {
    --records_;
    const auto to = target(static_cast<std::int32_t>(random_.next() % kTargets));
    const auto due_ms = now_.wall_ms + static_cast<std::int64_t>(random_.next() % 100) - 20;
    const auto offset = home_.park(to, due_ms);
    facts_.emplace(offset, Fact{to, due_ms, step_, 0});
    promotions_->parked({to, due_ms, offset, 10});
  }

  void deliver_zombie() {
    const auto intent = zombies_.front();
    zombies_.erase(zombies_.begin());
    log_of(intent.target).append(intent);
  }

  TargetLog& log_of(const Target& to) {
    return logs_.at(static_cast<std::size_t>(to.partition.value()));
  }

  void resolve(const Promotions::Ask& ask) {
    if (chance(5)) return promotions_->failed(ask.target);
    const auto& log = log_of(ask.target);
    promotions_->known(ask.target, log.generation, log.end());
    collect();
    if (actions_.empty()) return;
    const auto* written = std::get_if<Promotions::WriteIntent>(&actions_.back());
    if (written == nullptr) return;
    // The same ones again: it was put together before.
    if (std::exchange(composed_[ask.target], written->intent.parked) == written->intent.parked)
      return;
    for (const auto offset : written->intent.parked) facts_.at(offset).composed_step = step_;
  }

  void resolve(const Promotions::WriteIntent& action) {
    if (chance(5)) return promotions_->written(action.intent.target, false);
    home_.write(action);
    promotions_->written(action.intent.target, true);
  }

  void resolve(const Promotions::WriteDone& action) {
    if (chance(5)) return promotions_->written(action.target, false);
    home_.write(action);
    promotions_->written(action.target, true);
  }

  void resolve(const Promotions::Promote& action) {
    const auto& intent = action.intent;
    const auto how = random_.next() % 6;
    if (how == 0) return promotions_->promoted(intent.target, Promotions::Outcome::kAgain);
    if (how == 1) {  // nobody heard of it yet
      zombies_.push_back(intent);
      return promotions_->promoted(intent.target, Promotions::Outcome::kAgain);
    }
    const auto outcome = log_of(intent.target).append(intent);
    const bool is_heard = how != 2;
    promotions_->promoted(intent.target, is_heard ? outcome : Promotions::Outcome::kAgain);
  }

  void check() const {
    std::set<Offset> seen;
    for (int p = 0; p < kTargets; ++p) {
      const auto& promoted = logs_.at(static_cast<std::size_t>(p)).promoted;
      for (const auto offset : promoted) {
        CHECK(seen.insert(offset).second);
        CHECK(facts_.at(offset).target == target(p));
      }
      check_order(promoted);
    }
    CHECK(seen.size() == facts_.size());
  }

  // Who comes before its elder was put together before that was parked, or the clock went back.
  void check_order(const std::vector<Offset>& promoted) const {
    for (std::size_t i = 1; i < promoted.size(); ++i) {
      const auto& first = facts_.at(promoted[i - 1]);
      const auto& second = facts_.at(promoted[i]);
      const bool is_ordered =
          std::pair(first.due_ms, promoted[i - 1]) < std::pair(second.due_ms, promoted[i]);
      CHECK((is_ordered || second.parked_step >= first.composed_step));
    }
  }

  Random random_;
  int records_;
  int step_ = 0;
  Promotions::Now now_{.wall_ms = 1'000'000, .monotonic_ms = 5};
  HomeLog home_;
  std::array<TargetLog, kTargets> logs_;
  std::optional<Promotions> promotions_;
  std::vector<Promotions::Action> actions_;  // under way
  std::vector<Intent> zombies_;              // batches that may arrive yet
  std::map<Offset, Fact> facts_;
  std::map<Target, std::vector<Offset>> composed_;
};

TEST_CASE("promotions: each record once, in any history") {
  for (std::uint64_t seed = 1; seed <= 1'500; ++seed) {
    CAPTURE(seed);
    History(seed, 30).run(-1, seed % 3 == 0 ? 0 : 10 + seed % 40);
  }
}

TEST_CASE("promotions: a crash at every step") {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    int crash_at = 1;
    while (History(seed, 8).run(crash_at, 0)) ++crash_at;
    CHECK(crash_at > 20);
  }
}

// By hand.
class Machine {
 public:
  Promotions promotions{kHome, kSmall};
  Promotions::Now now{.wall_ms = 1'000, .monotonic_ms = 1};

  Machine() { promotions.start(now); }

  void park(std::int64_t offset, std::int64_t due_ms) {
    promotions.parked({target(0), due_ms, Offset(offset), 10});
    promotions.at(now);
  }

  void later(std::int64_t ms) {
    now.wall_ms += ms;
    now.monotonic_ms += ms;
    promotions.at(now);
  }

  template <class Action>
  Action next() {
    const auto action = promotions.next_action();
    REQUIRE(action);
    REQUIRE(std::holds_alternative<Action>(*action));
    return std::get<Action>(*action);
  }

  Intent promote() {
    next<Promotions::Ask>();
    promotions.known(target(0), 0, Offset(50));
    const auto intent = next<Promotions::WriteIntent>().intent;
    promotions.written(target(0), true);
    const auto action = next<Promotions::Promote>();
    CHECK(action.intent == intent);
    CHECK(action.bytes >= 10 * intent.parked.size());
    return intent;
  }

  std::vector<Offset> finish() {
    promotions.promoted(target(0), Promotions::Outcome::kStored);
    const auto done = next<Promotions::WriteDone>();
    promotions.written(target(0), true);
    return done.parked;
  }
};

std::vector<Offset> offsets(std::initializer_list<std::int64_t> numbers) {
  std::vector<Offset> all;
  for (const auto number : numbers) all.emplace_back(number);
  return all;
}

TEST_CASE("promotions: nothing before its time, then by due time and offset") {
  Machine machine;
  machine.park(0, 1'200);
  machine.park(1, 1'100);
  machine.park(2, 1'200);
  machine.park(3, 5'000);
  CHECK_FALSE(machine.promotions.next_action());
  CHECK(machine.promotions.next_in_ms(machine.now) == 100);
  machine.later(99);
  CHECK_FALSE(machine.promotions.next_action());
  machine.later(101);
  CHECK(machine.promote().parked == offsets({1, 0, 2}));
  CHECK(machine.finish() == offsets({1, 0, 2}));
  CHECK_FALSE(machine.promotions.next_action());
  CHECK(machine.promotions.size() == 1);
  CHECK(machine.promotions.waiting().at(target(0)).next_due_ms == 5'000);
}

TEST_CASE("promotions: batches are bounded, and numbered on") {
  Machine machine;
  for (int i = 0; i < 5; ++i) machine.park(i, 1'000);
  const auto first = machine.promote();
  CHECK(first.parked == offsets({0, 1, 2}));
  CHECK(first.sequence == 0);
  CHECK(first.since == Offset(50));
  machine.finish();
  const auto second = machine.promote();
  CHECK(second.parked == offsets({3, 4}));
  CHECK(second.sequence == 3);
  CHECK(second.producer == first.producer);
  machine.finish();
  machine.park(5, 1'000);
  CHECK(machine.promote().sequence == 5);
}

TEST_CASE("promotions: a target that knows other numbers gets them anew, from where it is now") {
  Machine machine;
  machine.park(0, 1'000);
  const auto first = machine.promote();
  machine.promotions.promoted(target(0), Promotions::Outcome::kOtherNumbers);
  machine.later(20);
  machine.next<Promotions::Ask>();
  machine.promotions.known(target(0), 0, Offset(70));
  const auto second = machine.next<Promotions::WriteIntent>().intent;
  CHECK(second.parked == first.parked);
  CHECK(second.epoch() == first.epoch() + 1);
  CHECK(second.sequence == 0);
  CHECK(second.since == Offset(70));
}

TEST_CASE("promotions: another generation is searched from where the batch may have been") {
  Machine machine;
  machine.park(0, 1'000);
  const auto first = machine.promote();
  machine.promotions.promoted(target(0), Promotions::Outcome::kOtherGeneration);
  machine.later(20);
  machine.next<Promotions::Ask>();
  SUBCASE("its log is longer") {
    machine.promotions.known(target(0), 1, Offset(70));
    CHECK(machine.next<Promotions::WriteIntent>().intent.since == Offset(50));
  }
  SUBCASE("its log is shorter") {
    machine.promotions.known(target(0), 1, Offset(30));
    const auto second = machine.next<Promotions::WriteIntent>().intent;
    CHECK(second.since == Offset(30));
    CHECK(second.generation == 1);
    CHECK(second.sequence == first.sequence);
    CHECK(second.producer == first.producer);
  }
}

TEST_CASE("promotions: what waits for a deleted topic is dropped, and its intent forgotten") {
  Machine machine;
  for (int i = 0; i < 5; ++i) machine.park(i, 9'000);
  machine.promotions.gone(target(0));
  const auto first = machine.next<Promotions::WriteDone>();
  CHECK(first.parked.size() == 3);
  CHECK_FALSE(first.forgets);
  machine.promotions.written(target(0), false);
  machine.later(20);
  CHECK(machine.next<Promotions::WriteDone>().parked == first.parked);
  machine.promotions.written(target(0), true);
  const auto last = machine.next<Promotions::WriteDone>();
  CHECK(last.parked == offsets({3, 4}));
  CHECK(last.forgets);
  machine.promotions.written(target(0), true);
  CHECK(machine.promotions.size() == 0);
  CHECK(machine.promotions.dropped() == 5);
  CHECK(machine.promotions.targets().empty());
}

TEST_CASE("promotions: a topic deleted while its batch is under way") {
  Machine machine;
  machine.park(0, 1'000);
  machine.park(1, 1'001);
  machine.promote();
  machine.promotions.gone(target(0));
  SUBCASE("it was stored") {
    CHECK(machine.finish() == offsets({0}));
    CHECK(machine.next<Promotions::WriteDone>().parked == offsets({1}));
    machine.promotions.written(target(0), true);
    CHECK(machine.promotions.dropped() == 1);
  }
  SUBCASE("it was not") {
    machine.promotions.promoted(target(0), Promotions::Outcome::kAgain);
    machine.later(20);
    CHECK(machine.next<Promotions::WriteDone>().parked == offsets({0, 1}));
    machine.promotions.written(target(0), true);
    CHECK(machine.promotions.dropped() == 2);
  }
  CHECK(machine.promotions.targets().empty());
}

TEST_CASE("promotions: records that damage took are taken away, the others go by new numbers") {
  Machine machine;
  machine.park(0, 1'100);
  machine.park(1, 1'100);
  machine.later(100);
  const auto first = machine.promote();
  machine.promotions.lost(target(0), offsets({0}));
  CHECK(machine.next<Promotions::WriteDone>().parked == offsets({0}));
  machine.promotions.written(target(0), true);
  const auto second = machine.promote();
  CHECK(second.parked == offsets({1}));
  CHECK(second.life == first.life + 1);
  CHECK(machine.finish() == offsets({1}));
  CHECK(machine.promotions.lost() == 1);
  CHECK(machine.promotions.size() == 0);
}

TEST_CASE("promotions: few targets at a time, and a failing one keeps no other from its turn") {
  Machine machine;
  for (std::int32_t p = 1; p <= 3; ++p) machine.promotions.parked({target(p), 900, Offset(p), 10});
  machine.later(1);
  CHECK(machine.next<Promotions::Ask>().target == target(1));
  CHECK(machine.next<Promotions::Ask>().target == target(2));
  CHECK_FALSE(machine.promotions.next_action());
  machine.promotions.failed(target(1));
  CHECK(machine.next<Promotions::Ask>().target == target(3));
  CHECK_FALSE(machine.promotions.next_action());
  machine.later(20);
  CHECK_FALSE(machine.promotions.next_action());
  machine.promotions.failed(target(2));
  CHECK(machine.next<Promotions::Ask>().target == target(1));
}

TEST_CASE("promotions: lives wrap around") {
  Machine machine;
  Intent intent{.target = target(0), .since = {}, .parked = offsets({0})};
  intent.life = std::numeric_limits<std::int32_t>::max();
  Promotions promotions(kHome, kSmall);
  promotions.load(Parked{target(0), 1, Offset(0), 10});
  promotions.load(intent);
  promotions.start(machine.now);
  const auto action = promotions.next_action();
  REQUIRE(action);
  CHECK(std::get<Promotions::Promote>(*action).intent == intent);
  promotions.promoted(target(0), Promotions::Outcome::kOtherNumbers);
  promotions.at({machine.now.wall_ms, machine.now.monotonic_ms + 20});
  REQUIRE(promotions.next_action());
  promotions.known(target(0), 0, Offset(0));
  const auto written = promotions.next_action();
  REQUIRE(written);
  CHECK(std::get<Promotions::WriteIntent>(*written).intent.life == 0);
}

}  // namespace
}  // namespace xylem::broker
