// What a load finds when a broker loses, doubles or changes records: a broker that does is played
// by a thread with two plain connections.
#include "cli/bench/load/load_run.h"
#include "cli/bench/load/throughput_report.h"
#include "common/batch/batch.h"
#include "network/protocol/messages.h"

#include <doctest/doctest.h>

#include <array>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace xylem::cli {
namespace {

using network::FrameType;

class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}

  ~Connection() { close(fd_); }

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void send(FrameType type, Bytes payload) {
    const auto head = network::encode_frame_header(type, 1, payload.size());
    Buffer whole(head.begin(), head.end());
    append(payload, whole);
    REQUIRE(::send(fd_, whole.data(), whole.size(), MSG_NOSIGNAL) == std::ssize(whole));
  }

  void skip_frame() {
    network::FrameHeader head{};
    REQUIRE(recv(fd_, head.data(), head.size(), MSG_WAITALL) == std::ssize(head));
    Buffer payload(load_be<std::uint32_t>(Bytes(head).subspan(9)));
    REQUIRE(recv(fd_, payload.data(), payload.size(), MSG_WAITALL) == std::ssize(payload));
  }

 private:
  int fd_;
};

class PlayedBroker {
 public:
  explicit PlayedBroker(Buffer pushed)
      : listener_(socket(AF_INET, SOCK_STREAM, 0)), pushed_(std::move(pushed)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* any = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    REQUIRE(bind(listener_, any, size) == 0);
    REQUIRE(listen(listener_, 2) == 0);
    REQUIRE(getsockname(listener_, any, &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { play(); });
  }

  ~PlayedBroker() {
    thread_.join();
    close(listener_);
  }

  PlayedBroker(const PlayedBroker&) = delete;
  PlayedBroker& operator=(const PlayedBroker&) = delete;

  [[nodiscard]] network::Address address() const { return {.host = "127.0.0.1", .port = port_}; }

 private:
  void play() {
    Connection producer(accept(listener_, nullptr, nullptr));
    producer.skip_frame();
    producer.send(FrameType::kHello, {});
    producer.skip_frame();
    producer.send(FrameType::kAdmin, {});
    Connection consumer(accept(listener_, nullptr, nullptr));
    consumer.skip_frame();
    consumer.send(FrameType::kHello, {});
    consumer.skip_frame();
    network::SubscribeAnswer answer;
    answer.partitions.emplace_back();
    consumer.send(FrameType::kSubscribe, network::encode(answer));
    auto payload = network::encode_data_header({.topic = "t"});
    append(pushed_, payload);
    consumer.send(FrameType::kData, payload);
  }

  int listener_;
  std::uint16_t port_ = 0;
  Buffer pushed_;
  std::thread thread_;
};

struct World {
  Random random{7};
  LoadBatches batches = LoadBatches::make(40'000, random).value();  // one record each
  SystemClock clock;

  // Batch `number` of the load as the log's batch at `offset`.
  [[nodiscard]] Buffer batch(std::int64_t number, std::int64_t offset) const {
    auto batch = batches.at(number);
    assign(batch, Offset(offset), Epoch(0));
    return batch;
  }

  Result<LoadRun> consume(const std::vector<Buffer>& pushed) {
    Buffer all;
    for (const auto& one : pushed) append(one, all);
    const PlayedBroker broker(std::move(all));
    const auto wire = make_native_wire(broker.address(), {.name = "t"}, batches);
    if (auto opened = wire->open(LoadWire::From::kBeginning); !opened) return pass(opened);
    return run_consume(*wire, std::ssize(pushed) * batches.records(), clock);
  }
};

TEST_CASE("load: records in order are counted, and nothing is misplaced") {
  World world;
  const auto run = world.consume({world.batch(0, 0), world.batch(1, 1), world.batch(2, 2)});
  REQUIRE(run);
  CHECK(run->records == 3);
  CHECK(run->misplaced == 0);
}

TEST_CASE("load: a lost, a doubled and another record are found") {
  World world;
  CHECK(world.consume({world.batch(0, 0), world.batch(2, 2)})->misplaced > 0);
  CHECK(world.consume({world.batch(0, 0), world.batch(0, 0)})->misplaced > 0);
  CHECK(world.consume({world.batch(0, 0), world.batch(0, 1)})->misplaced > 0);
  CHECK(world.consume({world.batch(0, 0), world.batch(2, 1)})->misplaced > 0);
}

TEST_CASE("load: a changed byte fails the run") {
  World world;
  auto changed = world.batch(0, 0);
  changed.back() ^= std::byte{1};
  const auto run = world.consume({changed});
  REQUIRE_FALSE(run);
  CHECK(run.error().code() == Errc::kCorrupt);
}

TEST_CASE("load: batches are as large as a producer makes them, and all differ") {
  Random random(7);
  const auto small = LoadBatches::make(100, random).value();
  CHECK(small.at(0).size() <= 16 * 1024);
  CHECK(small.at(0).size() > 15 * 1024);
  CHECK(check_batch_deeply(small.at(0))->record_count == small.records());
  CHECK(small.crc_at(0) != small.crc_at(1));
  CHECK(small.crc_at(0) == small.crc_at(static_cast<std::int64_t>(small.count())));
}

TEST_CASE("load: a report has a ratio for each path, and knows what is out of place") {
  ThroughputReport report{.name = "produce", .versus = "null"};
  report.cases.push_back({.record_bytes = 100, .flush = "never"});
  report.cases[0].ours.push_back({.records_per_s = 8, .cpu_ns_per_record = 30, .records = 1});
  report.cases[0].other.push_back({.records_per_s = 10, .cpu_ns_per_record = 20, .records = 1});
  const auto json = throughput_json(report);
  CHECK(json.find("\"throughput_100_never\":0.8") != std::string::npos);
  CHECK(json.find("\"cpu_100_never\":1.5") != std::string::npos);
  CHECK(all_in_place(report));
  report.cases[0].other[0].misplaced = 1;
  CHECK_FALSE(all_in_place(report));
}

}  // namespace
}  // namespace xylem::cli
