#include "consumer-app/stream.h"

#include "common/batch/crc32c.h"
#include "tests/support/delivered_batches.h"
#include "tests/unit/consumer-app/daemon.h"
#include "tests/unit/consumer-app/refreshing.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace xylem::consumer_app {
namespace {

using network::FrameType;

TEST_CASE("stream: what the broker has and what it gets is kept and can be asked for") {
  Daemon daemon;
  auto& broker = daemon.world.first;
  broker.add_topic("t", 2);
  broker.append("t", 0, {"a", "b"});
  broker.append("t", 1, {"c"});
  daemon.start();
  REQUIRE(daemon.until_value("k-b", "b"));
  REQUIRE(daemon.until_value("k-c", "c"));
  CHECK(daemon.world.until([&] { return daemon.stream->topic("t")->is_whole(); }));
  broker.append("t", 0, {"late"});
  REQUIRE(daemon.until_value("k-late", "late"));
  CHECK(daemon.current().records == 4);
  CHECK(daemon.current().cursors ==
        Cursors{{PartitionId(0), Offset(3)}, {PartitionId(1), Offset(1)}});
  const auto logs = daemon.log->partitions(broker.topics.at("t").incarnation);
  REQUIRE(logs.size() == 2);
  CHECK(logs[0].log->end_offset() == Offset(3));
  CHECK(broker.commits.empty());
}

TEST_CASE("stream: a restart goes on at the cursor, each record counts once") {
  Daemon daemon;
  auto& broker = daemon.world.first;
  broker.add_topic("t", 1);
  broker.append("t", 0, {"a"});
  broker.append("t", 0, {"b"});
  daemon.start();
  REQUIRE(daemon.until_value("k-b", "b"));
  daemon.stop();
  broker.append("t", 0, {"c"});
  daemon.start();
  CHECK(daemon.value("k-a") == "a");  // before any broker has answered
  REQUIRE(daemon.until_value("k-c", "c"));
  REQUIRE(broker.subscribes.back().partitions.size() == 1);
  CHECK(broker.subscribes.back().partitions[0].offset == Offset(2));
  CHECK(daemon.current().records == 3);
}

TEST_CASE("stream: a log that lost its tail is filled again, the view counts nothing twice") {
  Daemon daemon;
  auto& broker = daemon.world.first;
  broker.add_topic("t", 1);
  broker.append("t", 0, {"a"});
  broker.append("t", 0, {"b"});
  daemon.start();
  REQUIRE(daemon.until_value("k-b", "b"));
  daemon.stop();
  const LogId id{broker.topics.at("t").incarnation, PartitionId(0)};
  {
    auto log = daemon.storage->open({"t", id}, {});
    REQUIRE(log);
    REQUIRE((*log)->cut_back(Offset(1)));
  }
  broker.append("t", 0, {"c"});
  daemon.start();
  REQUIRE(daemon.until_value("k-c", "c"));
  CHECK(broker.subscribes.back().partitions[0].offset == Offset(1));
  CHECK(daemon.log->find(id)->end_offset() == Offset(3));
  CHECK(daemon.current().records == 3);
}

TEST_CASE("stream: another broker goes on where the first one died") {
  Daemon daemon;
  for (auto* broker : {&daemon.world.first, &daemon.world.second}) {
    broker->add_topic("t", 1);
    broker->append("t", 0, {"a"});
  }
  daemon.world.second.append("t", 0, {"b"});
  daemon.start();
  REQUIRE(daemon.until_value("k-a", "a"));
  daemon.world.first.stop();
  REQUIRE(daemon.until_value("k-b", "b"));
  CHECK(daemon.current().records == 2);
}

TEST_CASE("stream: a recreated topic is built beside the old copy and swapped in") {
  Daemon daemon;
  auto& broker = daemon.world.first;
  broker.add_topic("t", 1);
  broker.append("t", 0, {"old", "gone"});
  daemon.start();
  REQUIRE(daemon.until_value("k-gone", "gone"));
  daemon.stop();
  const auto old = broker.topics.at("t").incarnation;
  broker.topics.erase("t");
  broker.add_topic("t", 1).incarnation = kSecond;
  broker.append("t", 0, {"new"});
  daemon.start();
  REQUIRE(daemon.until_value("k-new", "new"));
  CHECK(daemon.value("k-gone") == "-");
  CHECK(daemon.current().incarnation == kSecond);
  CHECK(daemon.world.until([&] { return daemon.log->partitions(old).empty(); }));
  CHECK(daemon.log->partitions(kSecond).size() == 1);
}

TEST_CASE("stream: RESET, replay, READY; each acknowledged after its commit") {
  Daemon daemon;
  auto& broker = daemon.world.first;
  broker.add_topic("t", 1);
  broker.append("t", 0, {"a"});
  daemon.start();
  REQUIRE(daemon.until_value("k-a", "a"));

  send(broker, FrameType::kReset, refresh(9, broker));
  REQUIRE(daemon.world.until([&] { return broker.count(FrameType::kResetAck) == 1; }));
  CHECK(daemon.reader->copies()->at("t").shadow.has_value());
  replay(broker, 9);
  REQUIRE(daemon.world.until([&] {
    const auto copies = daemon.reader->copies();
    return copies->at("t").shadow->records == 1;
  }));
  CHECK(daemon.current().refresh_id == 0);
  CHECK(daemon.value("k-a") == "a");
  send(broker, FrameType::kReady, refresh(9, broker, 1));
  REQUIRE(daemon.world.until([&] { return broker.count(FrameType::kReadyAck) == 1; }));
  CHECK(daemon.current().refresh_id == 9);
  CHECK(daemon.value("k-a") == "a");
  broker.append("t", 0, {"after"});
  REQUIRE(daemon.until_value("k-after", "after"));
  CHECK(daemon.current().records == 2);
}

TEST_CASE("stream: a batch whose records cannot be read is skipped where that is the policy") {
  Daemon daemon;
  auto& broker = daemon.world.first;
  broker.add_topic("t", 1);
  broker.append("t", 0, {"a"});
  auto& log = broker.topics.at("t").partitions[0];
  Buffer bad = make_batch(1, {{"bad", "bad"}});
  for (std::size_t i = kBatchHeaderBytes; i < bad.size(); ++i) bad[i] = std::byte{0xFF};
  store_be(crc32c(Bytes(bad).subspan(21)), MutableBytes(bad).subspan(17));
  log.batches.push_back(bad);
  log.end = Offset(2);
  broker.append("t", 0, {"c"});
  daemon.start();
  REQUIRE(daemon.until_value("k-c", "c"));
  CHECK(daemon.value("bad") == "-");
  CHECK(daemon.current().records == 2);
}

TEST_CASE("stream: a queue that is full stops the stream until it has drained") {
  Daemon daemon;
  auto& broker = daemon.world.first;
  broker.add_topic("t", 1);
  constexpr int kBatches = 200;
  for (int i = 0; i < kBatches; ++i) broker.append("t", 0, {std::to_string(i)});
  Applier::Limits limits;
  limits.queue_bytes_high = 1'000;
  limits.queue_bytes_low = 300;
  limits.group_bytes_max = 300;
  daemon.start(limits);
  REQUIRE(daemon.until_value("k-199", "199"));
  CHECK(daemon.current().records == kBatches);
  CHECK_FALSE(daemon.applier->is_under_pressure());
}

}  // namespace
}  // namespace xylem::consumer_app
