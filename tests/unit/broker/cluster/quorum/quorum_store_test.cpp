// The quorum's file: nothing acknowledged is lost or made up, whatever the disk and the power do.
#include "broker/cluster/quorum/quorum_store.h"

#include "common/random.h"
#include "tests/sim/sim_disk.h"

#include <doctest/doctest.h>

#include <functional>

namespace xylem::broker {
namespace {

using sim::SimDisk;
using sim::Survival;

constexpr int kSteps = 40;

Buffer bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// A scripted run: each call that succeeds is done in `known` too.
class Script {
 public:
  explicit Script(std::uint64_t seed) : random_(seed) {}

  // One call more. False: it failed.
  bool step(QuorumStore& store) {
    const auto what = random_.below(10);
    auto next = known;
    Status done;
    if (what < 5) {
      std::vector<QuorumEntry> entries;
      for (auto left = 1 + random_.below(3); left > 0; --left) {
        const auto data = std::string(random_.below(600), 'x') + std::to_string(++numbers_);
        entries.push_back({known.term, 1, bytes_of(data)});
      }
      next.entries.insert(next.entries.end(), entries.begin(), entries.end());
      attempted = next;
      done = store.append(entries);
    } else if (what < 7) {
      ++next.term;
      next.vote = 0;
      attempted = next;
      done = store.set_term(next.term);
    } else if (what == 7) {
      next.vote = 1 + random_.below(5);
      attempted = next;
      done = store.set_vote(next.vote);
    } else if (what == 8) {
      const auto index = known.start_index + random_.below(known.entries.size() + 1);
      next.entries.resize(index - known.start_index);
      attempted = next;
      done = store.cut(index);
    } else {
      return put_snapshot(store);
    }
    if (done) known = next;
    return done.has_value();
  }

  QuorumContent known;
  QuorumContent attempted;  // as it would be with the call that failed

 private:
  bool put_snapshot(QuorumStore& store) {
    const auto base = known.snapshot ? known.snapshot->index : 0;
    const auto index = std::max(base, known.next_index() - 1) + random_.below(2) * 5;
    const QuorumSnapshot snapshot{index, known.term, 1, bytes_of("five"),
                                  bytes_of("state " + std::to_string(++numbers_))};
    const auto trailing = random_.below(4);
    auto next = known;
    next.snapshot = snapshot;
    if (trailing == 0 || index >= next.next_index()) {
      next.entries.clear();
      next.start_index = index + 1;
    }
    while (next.start_index + trailing < index + 1) {
      next.entries.erase(next.entries.begin());
      ++next.start_index;
    }
    attempted = next;
    const auto done = store.put_snapshot(snapshot, trailing);
    if (done) known = next;
    return done.has_value();
  }

  Random random_;
  int numbers_ = 0;
};

TEST_CASE("quorum store: what was stored is there after a start") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    SimDisk disk;
    Script script(seed);
    auto store = QuorumStore::open(disk, "/data/quorum");
    REQUIRE(store);
    for (int i = 0; i < kSteps; ++i) {
      REQUIRE(script.step(**store));
      REQUIRE((*store)->content() == script.known);
    }
    store = QuorumStore::open(disk, "/data/quorum");
    REQUIRE(store);
    CHECK((*store)->content() == script.known);
    CHECK(disk.list("/data/quorum")->size() == 1);
    CHECK(script.step(**store));
  }
}

TEST_CASE("quorum store: the power goes at every call") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    for (std::uint64_t at = 1;; ++at) {
      CAPTURE(seed);
      CAPTURE(at);
      SimDisk disk;
      Script script(seed);
      disk.crash_at(at, seed * 1'000 + at);
      if (auto store = QuorumStore::open(disk, "/data/quorum")) {
        for (int i = 0; i < kSteps && script.step(**store);) ++i;
      }
      if (!disk.has_crashed()) break;
      disk.cut_power(Survival::kSome, seed + at);
      auto again = QuorumStore::open(disk, "/data/quorum");
      REQUIRE(again);
      const auto found = (*again)->content();
      REQUIRE((found == script.known || found == script.attempted));
      // And what a start says is not lost by another cut.
      again->reset();
      disk.cut_power(Survival::kNone, seed);
      again = QuorumStore::open(disk, "/data/quorum");
      REQUIRE(again);
      REQUIRE((*again)->content() == found);
    }
  }
}

TEST_CASE("quorum store: calls fail, once and for ever") {
  for (const auto fault : {sim::Fault::kIo, sim::Fault::kDiskFull, sim::Fault::kShortWrite,
                           sim::Fault::kFullWrite, sim::Fault::kSync}) {
    for (const bool for_ever : {false, true}) {
      for (std::uint64_t at = 1;; ++at) {
        CAPTURE(static_cast<int>(fault));
        CAPTURE(for_ever);
        CAPTURE(at);
        SimDisk disk;
        Script script(3);
        disk.fail_at(at, fault, for_ever);
        QuorumContent after_failure;
        if (auto store = QuorumStore::open(disk, "/data/quorum")) {
          bool is_good = true;
          for (int i = 0; i < kSteps && is_good; ++i) is_good = script.step(**store);
          after_failure = is_good ? script.known : script.attempted;
          const bool goes_on = !is_good && script.step(**store);
          if (goes_on) after_failure = script.known;
        }
        if (!disk.has_failed()) break;
        disk.fail_no_more();
        disk.crash_now();
        disk.cut_power(Survival::kNone, at);
        const auto again = QuorumStore::open(disk, "/data/quorum");
        REQUIRE(again);
        const auto& found = (*again)->content();
        REQUIRE((found == script.known || found == after_failure || found == script.attempted));
      }
    }
  }
}

TEST_CASE("quorum store: on a full disk nothing changes, and it goes on when there is room") {
  SimDisk disk;
  auto store = QuorumStore::open(disk, "/data/quorum");
  REQUIRE(store);
  REQUIRE((*store)->set_term(1));
  disk.fail_at(1, sim::Fault::kFullWrite, true);
  const auto refused = (*store)->append(std::vector<QuorumEntry>{{1, 1, bytes_of("one")}});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::kDiskFull);
  disk.fail_no_more();
  REQUIRE((*store)->append(std::vector<QuorumEntry>{{1, 1, bytes_of("two")}}));
  store->reset();
  store = QuorumStore::open(disk, "/data/quorum");
  REQUIRE(store);
  REQUIRE((*store)->content().entries.size() == 1);
  CHECK((*store)->content().entries[0].data == bytes_of("two"));
}

TEST_CASE("quorum store: what a sync failed to store does not count after a start") {
  SimDisk disk;
  auto store = QuorumStore::open(disk, "/data/quorum");
  REQUIRE(store);
  REQUIRE((*store)->set_term(1));
  disk.fail_at(1, sim::Fault::kSync, false);
  REQUIRE_FALSE((*store)->set_term(2));
  disk.crash_now();
  disk.kill();
  store = QuorumStore::open(disk, "/data/quorum");
  REQUIRE(store);
  const auto vote = (*store)->content().term + 2;
  REQUIRE((*store)->set_vote(vote));
  const auto known = (*store)->content();
  disk.crash_now();
  disk.cut_power(Survival::kNone, 1);
  store = QuorumStore::open(disk, "/data/quorum");
  REQUIRE(store);
  CHECK((*store)->content() == known);
}

Buffer some_file(SimDisk& disk, QuorumContent& content) {
  {
    const auto store = QuorumStore::open(disk, "/q");
    REQUIRE(store);
    REQUIRE((*store)->set_term(1));
    REQUIRE((*store)->append(
        std::vector<QuorumEntry>{{1, 1, bytes_of("one")}, {1, 1, bytes_of("two")}}));
    REQUIRE((*store)->set_term(2));
    content = (*store)->content();
    REQUIRE((*store)->set_vote(3));
  }
  return storage::read_file(disk, "/q/00000000000000000001.quorum", 10'000).value();
}

TEST_CASE("quorum store: that a disk joins is there after a start, and behind a snapshot") {
  SimDisk disk;
  const auto is_joining = [&] { return (*QuorumStore::open(disk, "/q"))->content().is_joining; };
  CHECK_FALSE(is_joining());
  REQUIRE((*QuorumStore::open(disk, "/q"))->set_joining(true));
  CHECK(is_joining());
  REQUIRE((*QuorumStore::open(disk, "/q"))->put_snapshot({.index = 5, .term = 1}, 0));
  CHECK(is_joining());
  REQUIRE((*QuorumStore::open(disk, "/q"))->set_joining(false));
  CHECK_FALSE(is_joining());
}

TEST_CASE("quorum store: the format") {
  SimDisk disk;
  QuorumContent content;
  const auto file = some_file(disk, content);
  // An empty store's first frame: term 0, vote 0.
  CHECK(Bytes(file).first(20 + 18).size() == 38);
  CHECK(text_of(Bytes(file).first(4)) == "XQRM");
  CHECK(load_be<std::uint64_t>(Bytes(file).subspan(4)) == 0);
  CHECK(load_be<std::uint32_t>(Bytes(file).subspan(12)) == 18);
  CHECK(Bytes(file)[20] == std::byte{1});
  CHECK(load_be<std::uint64_t>(Bytes(file).subspan(38 + 4)) == 1);
}

TEST_CASE("quorum store: a torn last frame is cut, damage before it is refused") {
  SimDisk disk;
  QuorumContent content;
  const auto file = some_file(disk, content);
  const auto whole = decode_quorum_file(file);
  REQUIRE(whole);
  CHECK(whole->end == file.size());
  CHECK(whole->content.vote == 3);
  const std::size_t last = file.size() - (20 + 9);
  for (std::size_t end = last; end < file.size(); ++end) {
    CAPTURE(end);
    const auto cut = decode_quorum_file(Bytes(file).first(end));
    REQUIRE(cut);
    CHECK(cut->end == last);
    CHECK(cut->content == content);
  }
  for (std::size_t at = 0; at < file.size(); ++at) {
    CAPTURE(at);
    auto flipped = file;
    flipped[at] ^= std::byte{1};
    const auto read = decode_quorum_file(flipped);
    if (at < last) {
      REQUIRE_FALSE(read);
      CHECK(read.error().code() == Errc::kCorrupt);
    } else {
      REQUIRE(read);
      CHECK(read->content == content);
    }
  }
  CHECK_FALSE(decode_quorum_file({}));
}

TEST_CASE("quorum store: a cut where nothing is, and an append that is too large, are refused") {
  SimDisk disk;
  const auto store = QuorumStore::open(disk, "/q");
  REQUIRE(store);
  CHECK_FALSE((*store)->cut(0));
  CHECK_FALSE((*store)->cut(2));
  CHECK((*store)->cut(1));
  const std::vector<QuorumEntry> large{{1, 1, Buffer(65UL * 1024 * 1024)}};
  CHECK((*store)->append(large).error().code() == Errc::kMessageTooLarge);
  CHECK((*store)->set_term(1));
}

}  // namespace
}  // namespace xylem::broker
