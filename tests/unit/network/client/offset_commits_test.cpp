#include "network/client/offset_commits.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace xylem::network {
namespace {

const OffsetCommits::Place kWhere{"t", PartitionId(0)};
const Incarnation kFirst{Uuid::from_words(1, 1), 0};
const Incarnation kSecond{Uuid::from_words(2, 2), 0};

Cursor at(std::int64_t offset, const Incarnation& incarnation = kFirst) {
  return {Offset(offset), incarnation};
}

struct Commits : OffsetCommits {
  std::vector<std::pair<std::int64_t, Status>> told;  // by offset

  Status add(const Cursor& next, std::int64_t until_ms = 100) {
    const auto offset = next.offset.value();
    return OffsetCommits::add(
        kWhere, next, [this, offset](Status done) { told.emplace_back(offset, std::move(done)); },
        until_ms);
  }
};

TEST_CASE("offset commits: the newest covers all below it") {
  Commits commits;
  REQUIRE(commits.add(at(1)));
  REQUIRE(commits.add(at(5)));
  const auto due = commits.take_due();
  REQUIRE(due.size() == 1);
  CHECK(due[0].next == at(5));
  CHECK(commits.take_due().empty());
  CHECK(commits.is_waiting());
  CHECK_FALSE(commits.settle(due[0], {}));
  CHECK(commits.told.size() == 2);
  CHECK_FALSE(commits.is_waiting());
  CHECK(commits.add(at(4)).error().code() == Errc::kInvalidRequest);
}

TEST_CASE("offset commits: what came to nothing is due again, unless something newer is") {
  Commits commits;
  REQUIRE(commits.add(at(1)));
  const auto first = commits.take_due().at(0);
  CHECK_FALSE(commits.settle(first, fail(Errc::kNotLeader, "moved")));
  CHECK(commits.told.empty());
  const auto again = commits.take_due().at(0);
  CHECK(again.next == at(1));
  REQUIRE(commits.add(at(2)));
  const auto newer = commits.take_due().at(0);
  CHECK_FALSE(commits.settle(again, fail(Errc::kUnavailable, "lost")));
  CHECK(commits.take_due().empty());
  CHECK_FALSE(commits.settle(newer, {}));
  CHECK(commits.told.size() == 2);
}

TEST_CASE("offset commits: a refusal is for who asked for just that") {
  Commits commits;
  REQUIRE(commits.add(at(1)));
  const auto first = commits.take_due().at(0);
  REQUIRE(commits.add(at(2)));
  CHECK_FALSE(commits.settle(first, fail(Errc::kInvalidRequest, "below")));
  REQUIRE(commits.told.size() == 1);
  CHECK(commits.told[0].first == 1);
  CHECK_FALSE(commits.told[0].second);
  REQUIRE(commits.OffsetCommits::add(kWhere, at(9), nullptr, 0));
  const auto last = commits.take_due().at(0);
  CHECK(commits.settle(last, fail(Errc::kStaleGeneration, "another one")));
}

TEST_CASE("offset commits: another incarnation begins anew") {
  Commits commits;
  REQUIRE(commits.add(at(9)));
  const auto first = commits.take_due().at(0);
  REQUIRE(commits.add(at(1, kSecond)));
  const auto second = commits.take_due().at(0);
  CHECK(second.next == at(1, kSecond));
  CHECK_FALSE(commits.settle(second, {}));
  REQUIRE(commits.told.size() == 1);
  CHECK(commits.told[0].first == 1);
  CHECK_FALSE(commits.settle(first, {}));
  CHECK(commits.told.size() == 2);
}

TEST_CASE("offset commits: who has waited too long is told, and it is tried all the same") {
  Commits commits;
  REQUIRE(commits.add(at(1), 50));
  REQUIRE(commits.add(at(2), 60));
  commits.expire(55);
  REQUIRE(commits.told.size() == 1);
  CHECK(commits.told[0].first == 1);
  CHECK(commits.told[0].second.error().code() == Errc::kTimeout);
  CHECK(commits.take_due().at(0).next == at(2));
}

}  // namespace
}  // namespace xylem::network
