// What a leader knows of producers, also of those that another one, or a life before, had.
#include "broker/partitions/producer_check.h"

#include "tests/support/fake_log.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>

namespace xylem::broker {
namespace {

using testing::FakeLog;

Buffer batch(std::int64_t producer, std::int32_t sequence, std::size_t bytes = 10) {
  BatchBuilder builder;
  XYLEM_CHECK(builder.add({.key = "k", .value = std::string(bytes, 'v'), .headers = {}}));
  auto built = builder.build({.id = producer, .epoch = 0, .sequence = sequence});
  XYLEM_CHECK(built.has_value());
  return *std::move(built);
}

std::optional<Errc> refusal(ProducerCheck& check, const Buffer& sent) {
  const auto known = check.check(*read_batch_header(sent));
  if (known) return std::nullopt;
  return known.error().code();
}

std::optional<Offset> known_at(ProducerCheck& check, const Buffer& sent) {
  const auto known = check.check(*read_batch_header(sent));
  REQUIRE(known);
  if (!*known) return std::nullopt;
  return (*known)->base;
}

TEST_CASE("producer check: a new leader walks the log before it judges") {
  FakeLog log;
  for (int i = 0; i < 8; ++i) REQUIRE(log.append(batch(i % 2, i / 2), Epoch(1)));
  ProducerCheck check(log);
  check.begin();
  CHECK(known_at(check, batch(0, 3)) == Offset(6));
  CHECK(known_at(check, batch(1, 0)) == Offset(1));
  CHECK(known_at(check, batch(1, 4)) == std::nullopt);
  CHECK(refusal(check, batch(1, 5)) == Errc::kOutOfOrderSequence);
  CHECK(refusal(check, batch(9, 1)) == Errc::kOutOfOrderSequence);
  CHECK(known_at(check, batch(9, 0)) == std::nullopt);
  const auto next = batch(1, 4);
  check.appended(*read_batch_header(next), *log.append(next, Epoch(2)));
  CHECK(known_at(check, batch(1, 4)) == Offset(8));
}

TEST_CASE("producer check: without numbered batches nothing is read") {
  FakeLog log;
  REQUIRE(log.append(batch(1, 0), Epoch(1)));
  log.fail_reads(fail(Errc::kIo, "no"));
  ProducerCheck check(log);
  check.begin();
  CHECK(known_at(check, batch(-1, -1)) == std::nullopt);
  CHECK(refusal(check, batch(1, 1)) == Errc::kIo);
  log.fail_reads({});
  CHECK(known_at(check, batch(1, 0)) == Offset(0));
}

TEST_CASE("producer check: what lies on a disk that is waited for is asked for again") {
  FakeLog log;
  REQUIRE(log.append(batch(1, 0), Epoch(1)));
  log.set_warm(false);
  ProducerCheck check(log);
  check.begin();
  CHECK(refusal(check, batch(1, 1)) == Errc::kUnavailable);
  log.set_warm(true);
  CHECK(known_at(check, batch(1, 1)) == std::nullopt);
}

TEST_CASE("producer check: who followed need not read") {
  FakeLog log;
  ProducerCheck check(log);  // of an empty log all is known
  for (int i = 0; i < 3; ++i) {
    auto placed = batch(1, i);
    assign(placed, log.end_offset(), Epoch(1));
    REQUIRE(log.append_as_is(placed));
    check.follow(placed);
  }
  log.fail_reads(fail(Errc::kIo, "no"));
  check.begin();
  CHECK(known_at(check, batch(1, 2)) == Offset(2));
  CHECK(known_at(check, batch(1, 3)) == std::nullopt);
}

TEST_CASE("producer check: what was cut back is not known any more") {
  FakeLog log;
  ProducerCheck check(log);
  for (int i = 0; i < 8; ++i) {
    const auto sent = batch(1, i);
    check.appended(*read_batch_header(sent), *log.append(sent, Epoch(1)));
  }
  SUBCASE("some of the window") {
    REQUIRE(log.cut_back(Offset(6)));
    check.cut_back(Offset(6));
    CHECK(known_at(check, batch(1, 5)) == Offset(5));
    CHECK(known_at(check, batch(1, 6)) == std::nullopt);
    CHECK(refusal(check, batch(1, 7)) == Errc::kOutOfOrderSequence);
  }
  SUBCASE("all of it: the log says what was before") {
    REQUIRE(log.cut_back(Offset(2)));
    check.cut_back(Offset(2));
    CHECK(known_at(check, batch(1, 1)) == Offset(1));
    CHECK(known_at(check, batch(1, 2)) == std::nullopt);
  }
}

TEST_CASE("producer check: of a long log only the newest part is walked") {
  FakeLog log;
  constexpr std::size_t kBytes = 256ULL * 1024;
  REQUIRE(log.append(batch(1, 0), Epoch(1)));
  for (int i = 0; i < 200; ++i) REQUIRE(log.append(batch(2, i, kBytes), Epoch(1)));
  REQUIRE(log.append(batch(3, 0), Epoch(1)));
  ProducerCheck check(log);
  check.begin();
  CHECK(known_at(check, batch(2, 199, kBytes)) == Offset(200));
  CHECK(known_at(check, batch(3, 0)) == Offset(201));
  CHECK(refusal(check, batch(1, 1)) == Errc::kOutOfOrderSequence);
}

// Asks until the log was searched.
Result<std::optional<ProducerStates::Offsets>> searched(ProducerCheck& check,
                                                        const Buffer& sent,
                                                        Offset since) {
  while (true) {
    auto known = check.check(*read_batch_header(sent), since);
    if (known || known.error().code() != Errc::kUnavailable) return known;
  }
}

TEST_CASE("producer check: who says from where on has all of the log searched") {
  FakeLog log;
  constexpr std::size_t kBytes = 256ULL * 1024;
  for (int i = 0; i < 3; ++i) REQUIRE(log.append(batch(1, i), Epoch(1)));
  for (int i = 0; i < 200; ++i) REQUIRE(log.append(batch(2, i, kBytes), Epoch(1)));
  ProducerCheck check(log);
  check.begin();
  SUBCASE("the batch is there, far behind what is walked") {
    CHECK(known_at(check, batch(1, 0)) == std::nullopt);  // without it, it would be stored again
    const auto found = searched(check, batch(1, 2), Offset(2));
    REQUIRE(found);
    REQUIRE(*found);
    CHECK((*found)->base == Offset(2));
  }
  SUBCASE("a search is done in parts") {
    CHECK(refusal(check, batch(1, 2)) == Errc::kOutOfOrderSequence);
    const auto first = check.check(*read_batch_header(batch(1, 2)), Offset(0));
    REQUIRE_FALSE(first);
    CHECK(first.error().code() == Errc::kUnavailable);
    CHECK(searched(check, batch(1, 2), Offset(0)));
  }
  SUBCASE("it is not there: any sequence is the next one") {
    const auto sent = batch(1, 9);
    const auto found = searched(check, sent, Offset(3));
    REQUIRE(found);
    CHECK_FALSE(*found);
    check.appended(*read_batch_header(sent), *log.append(sent, Epoch(2)));
    CHECK(known_at(check, batch(1, 9)) == Offset(203));
    CHECK(refusal(check, batch(1, 11)) == Errc::kOutOfOrderSequence);
  }
  SUBCASE("nothing is at or above it") {
    const auto found = searched(check, batch(1, 9), log.end_offset());
    REQUIRE(found);
    CHECK_FALSE(*found);
  }
  SUBCASE("the log is shorter than it was: nothing of the producer can be taken for the next") {
    const auto found = searched(check, batch(1, 3), log.end_offset() + 1);
    REQUIRE_FALSE(found);
    CHECK(found.error().code() == Errc::kOutOfOrderSequence);
  }
  SUBCASE("a producer that is known needs none") {
    log.fail_reads(fail(Errc::kIo, "no"));
    CHECK(refusal(check, batch(2, 300)) == Errc::kIo);
    log.fail_reads({});
    CHECK(known_at(check, batch(2, 199, kBytes)) == Offset(202));
    log.fail_reads(fail(Errc::kIo, "no"));
    const auto gap = searched(check, batch(2, 300), Offset(0));
    REQUIRE_FALSE(gap);
    CHECK(gap.error().code() == Errc::kOutOfOrderSequence);
    const auto unread = searched(check, batch(1, 0), Offset(0));
    REQUIRE_FALSE(unread);
    CHECK(unread.error().code() == Errc::kIo);
  }
}

TEST_CASE("producer check: searches for several producers go on side by side, and not for more") {
  FakeLog log;
  constexpr std::size_t kBytes = 256ULL * 1024;
  for (int i = 0; i < 100; ++i) REQUIRE(log.append(batch(2, i, kBytes), Epoch(1)));
  REQUIRE(log.append(batch(1, 0), Epoch(1)));
  for (int i = 0; i < 100; ++i) REQUIRE(log.append(batch(2, 100 + i, kBytes), Epoch(1)));
  ProducerCheck check(log);
  check.begin();
  const auto ask = [&](std::int64_t producer) {
    return check.check(*read_batch_header(batch(producer, 0)), Offset(0));
  };
  int asks = 0;
  std::optional<ProducerStates::Offsets> known;
  for (bool is_found = false; !is_found; ++asks) {
    REQUIRE(asks < 20);
    CHECK_FALSE(ask(100 + asks));  // another one each time
    const auto found = ask(1);
    is_found = found.has_value();
    if (is_found) known = *found;
  }
  REQUIRE(known);
  CHECK(known->base == Offset(100));
  for (std::int64_t other = 200; other < 210; ++other) CHECK_FALSE(ask(other));
  const auto refused = ask(300);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().what().find("other producers") != std::string::npos);
  CHECK(searched(check, batch(300, 0), Offset(0)));  // what nobody asks for any more gave way
}

}  // namespace
}  // namespace xylem::broker
