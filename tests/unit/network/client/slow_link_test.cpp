// A frame that takes longer to cross its link than a peer may be silent.
#include "network/client/client_session.h"
#include "network/transport/tcp_sockets.h"
#include "tests/support/run_until.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace xylem::network {
namespace {

using testing::run_until;

constexpr std::uint32_t kHeartbeatMs = 40;
constexpr std::size_t kSlowBytes = 100;  // one every kByteMs: far more than three heartbeats
constexpr std::uint64_t kByteMs = 4;

// A broker behind a thin link: it answers HELLO, then sends one frame byte by byte, and nothing
// else.
struct ThinBroker final : StreamEvents {
  explicit ThinBroker(Loop& used) : loop(used), timer(used) {
    const auto got = sockets->listen({"127.0.0.1", 0}, [this](std::shared_ptr<Stream> one) {
      stream = std::move(one);
      stream->set_events(this);
    });
    REQUIRE(got);
    address.port = *got;
  }

  ~ThinBroker() override {
    if (stream) stream->set_events(nullptr);
  }

  void on_bytes(Bytes bytes) override {
    while (!bytes.empty()) {
      const auto frame = parser.next(bytes);
      REQUIRE(frame);
      if (*frame && (*frame)->type == FrameType::kHello) welcome((*frame)->id);
    }
  }

  void on_sent() override {}

  void on_end(const Error& /*why*/) override { timer.stop(); }

  void welcome(std::uint64_t id) {
    const auto answer = encode(HelloAnswer{.node = "thin", .heartbeat_ms = kHeartbeatMs});
    stream->send(Slice::copy(encode_frame_header(FrameType::kHello, id, answer.size())));
    stream->send(Slice::copy(answer));
    stream->send(Slice::copy(encode_frame_header(FrameType::kData, 1'000, kSlowBytes)));
    timer.start(kByteMs, kByteMs, [this] {
      stream->send(Slice::copy(Buffer(1)));
      if (++sent == kSlowBytes) timer.stop();
    });
  }

  Loop& loop;
  std::unique_ptr<Sockets> sockets = make_tcp_sockets(loop, 10);
  Address address{.host = "127.0.0.1", .port = 0};
  std::shared_ptr<Stream> stream;
  FrameParser parser;
  Timer timer;
  std::size_t sent = 0;
};

TEST_CASE("session: bytes of a frame that is still arriving are a sign of life") {
  Loop loop;
  SystemClock clock;
  Random random(7);
  ThinBroker broker(loop);
  const auto network = make_tcp_client(loop, {});
  std::vector<Error> lost;
  std::optional<std::size_t> arrived;
  ClientSession session({loop, *network, clock, random, Logger::none()},
                        {.brokers = {broker.address}, .client_id = "c", .backoff_ms = 60'000},
                        {.ready = {},
                         .lost = [&](const Error& why) { lost.push_back(why); },
                         .frame = [&](const Frame& frame) { arrived = frame.payload.bytes.size(); },
                         .writable = {}});
  session.start();
  REQUIRE(run_until(loop, [&] { return arrived || !lost.empty(); }));
  CHECK(lost.empty());
  CHECK(arrived == kSlowBytes);
  REQUIRE(run_until(loop, [&] { return !lost.empty(); }));  // from then on it is silent
  CHECK(lost.front().code() == Errc::kTimeout);
}

}  // namespace
}  // namespace xylem::network
