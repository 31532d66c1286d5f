// Peers that do not speak frames, or only half of one.
#include "network/protocol/messages.h"
#include "network/transport/tcp_sockets.h"
#include "tests/support/run_until.h"

#include <doctest/doctest.h>

#include <malloc.h>
#include <optional>
#include <string>
#include <vector>

namespace xylem::network {
namespace {

using testing::run_until;

// Raw bytes on one side of a connection.
struct Peer final : StreamEvents {
  std::shared_ptr<Stream> stream;
  Buffer received;
  bool has_ended = false;

  ~Peer() override {
    if (stream) stream->set_events(nullptr);
  }

  void on_bytes(Bytes bytes) override { append(bytes, received); }

  void on_sent() override {}

  void on_end(const Error& /*why*/) override { has_ended = true; }
};

struct Session final : ConnectionHandler {
  std::shared_ptr<Connection> connection;
  std::optional<Error> closed;
  int frames = 0;

  void on_frame(Frame /*frame*/) override { ++frames; }

  void on_closed(const Error& why) override { closed = why; }
};

struct Door {
  Door() {
    const auto got = server->listen({"127.0.0.1", 0}, [this](std::shared_ptr<Connection> one) {
      sessions.push_back(std::make_unique<Session>());
      sessions.back()->connection = std::move(one);
      sessions.back()->connection->set_handler(sessions.back().get());
    });
    REQUIRE(got);
    port = *got;
  }

  std::unique_ptr<Peer> connect() {
    auto peer = std::make_unique<Peer>();
    const std::size_t before = sessions.size();
    sockets->connect({"127.0.0.1", port}, 5'000, [&](Result<std::shared_ptr<Stream>> stream) {
      REQUIRE(stream);
      peer->stream = std::move(*stream);
      peer->stream->set_events(peer.get());
    });
    REQUIRE(run_until(loop, [&] { return peer->stream && sessions.size() > before; }));
    return peer;
  }

  Loop loop;
  std::unique_ptr<NetworkServer> server = make_tcp_server(loop, {});
  std::unique_ptr<Sockets> sockets = make_tcp_sockets(loop, 1'000);
  std::vector<std::unique_ptr<Session>> sessions;
  std::uint16_t port = 0;
};

TEST_CASE("hostile peer: what is no frame is answered by ERROR, and harms nobody") {
  const auto huge = encode_frame_header(FrameType::kData, 1, UINT32_MAX);
  const std::pair<std::string, Errc> cases[] = {
      {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", Errc::kInvalidRequest},
      {std::string(100'000, '\xFF'), Errc::kInvalidRequest},
      {std::string(13, '\0'), Errc::kInvalidRequest},
      {std::string(text_of(huge)), Errc::kMessageTooLarge},
  };
  Door door;
  const auto good = door.connect();
  for (const auto& [bytes, code] : cases) {
    CAPTURE(bytes.substr(0, 20));
    const auto peer = door.connect();
    peer->stream->send(Slice::copy(bytes_of(bytes)));
    REQUIRE(run_until(door.loop, [&] { return peer->has_ended; }));
    FrameParser parser;
    Bytes received(peer->received);
    const auto frame = parser.next(received);
    REQUIRE(frame);
    REQUIRE(*frame);
    CHECK((*frame)->type == FrameType::kError);
    const auto message = decode<ErrorMessage>((*frame)->payload.bytes);
    REQUIRE(message);
    CHECK(to_error(*message).code() == code);
    REQUIRE(door.sessions.back()->closed);
    CHECK(door.sessions.back()->closed->code() == code);
    CHECK(door.sessions.back()->frames == 0);
  }
  const auto heartbeat = encode_frame_header(FrameType::kHeartbeat, 1, 0);
  good->stream->send(Slice::copy(heartbeat));
  CHECK(run_until(door.loop, [&] { return door.sessions.front()->frames == 1; }));
}

TEST_CASE("hostile peer: half a frame and then nothing is a closed connection") {
  Door door;
  const auto peer = door.connect();
  peer->stream->send(Slice::copy(encode_frame_header(FrameType::kData, 1, 100)));
  peer->stream->close({Errc::kCancelled, "left"});
  REQUIRE(run_until(door.loop, [&] { return door.sessions.back()->closed.has_value(); }));
  CHECK(door.sessions.back()->connection->received_bytes() == kFrameHeaderBytes);
  CHECK(door.sessions.back()->closed->code() == Errc::kUnavailable);
  CHECK(door.sessions.back()->frames == 0);
}

TEST_CASE("hostile peer: idle connections are cheap") {
  constexpr std::size_t kConnections = 200;
  Door door;
  std::vector<std::unique_ptr<Peer>> peers;
  peers.push_back(door.connect());
  const std::size_t before = mallinfo2().uordblks;
  for (std::size_t i = 0; i < kConnections; ++i) peers.push_back(door.connect());
  const std::size_t bytes = (mallinfo2().uordblks - before) / kConnections;
  CAPTURE(bytes);
  CHECK(bytes < 8ULL * 1024);  // both ends; 32 KiB is the promise for one
}

}  // namespace
}  // namespace xylem::network
