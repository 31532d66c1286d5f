// Consumers of the client library that share a topic's partitions at a real broker.
#include "network/client/consumer.h"
#include "network/client/producer.h"
#include "tests/support/broker_world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace xylem::testing {
namespace {

constexpr std::int32_t kPartitions = 12;

using Place = std::pair<PartitionId, Offset>;

// What all consumers of a group have been given.
struct Book {
  std::map<Place, int> seen;  // how often
  int records = 0;
};

struct Reader {
  Reader(BrokerWorld& world, Book& book, const std::string& name, std::string instance = {}) {
    network::Consumer::Options options{
        .brokers = BrokerWorld::addresses(), .client_id = name, .group = "g", .topics = {"t"}};
    options.instance = std::move(instance);
    network::Consumer::Handlers handlers;
    handlers.batch = [this, &book](const network::DeliveredBatch& batch) -> Status {
      for (auto at = batch.first_offset; at < batch.next_offset; at = at + 1) {
        ++book.seen[{batch.partition, at}];
        ++book.records;
      }
      partitions.insert(batch.partition);
      return {};
    };
    handlers.subscribed = [this](const network::SubscribeAnswer& answer) {
      served.clear();
      for (const auto& one : answer.partitions) served.insert(one.partition);
    };
    consumer.emplace(world.client_context(), options, std::move(handlers));
    consumer->start();
  }

  std::set<PartitionId> partitions;  // that records came from
  std::set<PartitionId> served;      // now
  std::optional<network::Consumer> consumer;
};

struct Sharing {
  Sharing() {
    world.create("t", kPartitions);
    producer.emplace(world.client_context(),
                     network::Producer::Options{.brokers = BrokerWorld::addresses()});
  }

  std::unique_ptr<Reader> join(const std::string& name, const std::string& instance = {}) {
    return std::make_unique<Reader>(world, book, name, instance);
  }

  // `count` more records, to all partitions in turn; true: everybody together gets them all.
  bool flow(int count) {
    for (int i = 0; i < count; ++i) {
      Record record;
      record.value = "v";
      REQUIRE(producer->send_to("t", PartitionId(sent_++ % kPartitions), record,
                                [](const auto& done) { CHECK(done); }));
    }
    producer->flush([] {});
    return until([&] { return std::ssize(book.seen) == sent_; });
  }

  bool until(const std::function<bool()>& is_so) { return run_until(world.loop, is_so); }

  BrokerWorld world{Epoch(1)};
  Book book;
  std::optional<network::Producer> producer;

 private:
  int sent_ = 0;
};

TEST_CASE("sharing: two have halves, one that leaves gives its half back, nothing comes twice") {
  Sharing it;
  auto a = it.join("a");
  REQUIRE(it.until([&] { return a->served.size() == kPartitions; }));
  REQUIRE(it.flow(120));
  auto b = it.join("b");
  REQUIRE(it.until([&] { return a->served.size() == 6 && b->served.size() == 6; }));
  REQUIRE(it.flow(120));
  b.reset();
  REQUIRE(it.until([&] { return a->served.size() == kPartitions; }));
  REQUIRE(it.flow(120));
  CHECK(it.book.records == 360);
}

TEST_CASE("sharing: an instance that comes back has what it had") {
  Sharing it;
  auto a = it.join("a", "till-1");
  auto b = it.join("b", "till-2");
  REQUIRE(it.until([&] { return a->served.size() == 6 && b->served.size() == 6; }));
  const auto had = b->served;
  b.reset();
  b = it.join("again", "till-2");
  REQUIRE(it.until([&] { return b->served.size() == 6; }));
  CHECK(b->served == had);
  CHECK(a->served.size() == 6);
  REQUIRE(it.flow(48));
  CHECK(it.book.records == 48);
}

TEST_CASE("sharing: members come and go under load; nothing is lost") {
  Sharing it;
  Random random(3);
  std::vector<std::unique_ptr<Reader>> readers;
  readers.push_back(it.join("first"));
  for (int round = 0; round < 40; ++round) {
    CAPTURE(round);
    const auto index = static_cast<std::ptrdiff_t>(random.below(readers.size()));
    if (readers.size() < 2 || (readers.size() < 6 && random.below(2) == 0))
      readers.push_back(it.join("m" + std::to_string(round)));
    else
      readers.erase(readers.begin() + index);
    REQUIRE(it.flow(36));
  }
  // What moves is committed before; without kills nothing comes twice.
  CHECK(it.book.records == 40 * 36);
}

}  // namespace
}  // namespace xylem::testing
