#include "pipe/session_table.h"

#include <doctest/doctest.h>

namespace xylem::pipe {
namespace {

FetchPartition at(std::uint64_t topic) {
  FetchPartition asked;
  asked.log = {{Uuid::from_words(0, topic), 0}, PartitionId(0)};
  return asked;
}

struct Fixture {
  Random random{3};
  SessionTable table{{.sessions_max = 3, .partitions_max = 5}, random};

  std::uint64_t create(const NodeId& child, std::int64_t now_ms) {
    auto* entry = table.create(child, Asker::kChild, now_ms);
    return entry == nullptr ? 0 : entry->session.id();
  }
};

TEST_CASE_FIXTURE(Fixture, "session table: a session belongs to its child") {
  const auto id = create("a", 0);
  REQUIRE(id != 0);
  CHECK(table.find(id, "a") != nullptr);
  CHECK(table.find(id, "b") == nullptr);
  CHECK(table.find(id + 1, "a") == nullptr);
}

TEST_CASE_FIXTURE(Fixture, "session table: the longest idle one goes first, who waits never") {
  const auto a = create("a", 1);
  const auto b = create("b", 2);
  const auto c = create("c", 3);
  table.find(a)->waiting = 9;
  const auto d = create("d", 4);
  REQUIRE(d != 0);
  CHECK(table.find(a) != nullptr);
  CHECK(table.find(b) == nullptr);
  table.find(c)->waiting = 9;
  table.find(d)->waiting = 9;
  CHECK(create("e", 5) == 0);
}

TEST_CASE_FIXTURE(Fixture, "session table: partitions are bounded over all sessions") {
  const auto a = create("a", 1);
  const auto b = create("b", 2);
  for (std::uint64_t topic = 1; topic <= 3; ++topic) REQUIRE(table.list(*table.find(a), at(topic)));
  for (std::uint64_t topic = 1; topic <= 2; ++topic) REQUIRE(table.list(*table.find(b), at(topic)));
  CHECK(table.partitions() == 5);
  CHECK(table.list(*table.find(b), at(2)));  // nothing new
  CHECK(table.find(a) != nullptr);
  CHECK(table.list(*table.find(b), at(3)));  // costs the idle one its session
  CHECK(table.find(a) == nullptr);
  CHECK(table.partitions() == 3);
  for (std::uint64_t topic = 4; topic <= 5; ++topic) REQUIRE(table.list(*table.find(b), at(topic)));
  CHECK_FALSE(table.list(*table.find(b), at(6)));
  CHECK(table.find(b) != nullptr);
}

TEST_CASE_FIXTURE(Fixture, "session table: who listens to a log") {
  const auto a = create("a", 1);
  const auto b = create("b", 2);
  REQUIRE(table.list(*table.find(a), at(1)));
  REQUIRE(table.list(*table.find(b), at(1)));
  CHECK(table.listeners(at(1).log) == std::vector{a, b});
  CHECK(table.listeners(at(2).log).empty());
  table.forget(*table.find(a), at(1).log);
  table.forget(*table.find(a), at(2).log);
  CHECK(table.listeners(at(1).log) == std::vector{b});
  table.drop(b);
  table.drop(b);
  CHECK(table.listeners(at(1).log).empty());
  CHECK(table.partitions() == 0);
}

TEST_CASE_FIXTURE(Fixture, "session table: idle sessions expire") {
  const auto a = create("a", 1);
  const auto b = create("b", 2);
  const auto c = create("c", 3);
  table.find(a)->waiting = 9;
  table.expire(3);
  CHECK(table.find(a) != nullptr);
  CHECK(table.find(b) == nullptr);
  CHECK(table.find(c) != nullptr);
}

}  // namespace
}  // namespace xylem::pipe
