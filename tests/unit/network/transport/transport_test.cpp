// One suite of behaviour for both transports.
#include "network/transport/transport.h"

#include "network/protocol/messages.h"
#include "tests/support/run_until.h"

#include <doctest/doctest.h>

#include <optional>
#include <vector>

namespace xylem::network {
namespace {

using testing::run_until;

// One end, as a test sees it.
struct End final : ConnectionHandler {
  std::shared_ptr<Connection> connection;
  std::vector<Frame> frames;
  std::optional<Error> closed;
  int closed_count = 0;
  int writable_count = 0;
  std::function<void(End&)> then;  // after each frame

  void take(std::shared_ptr<Connection> given) {
    connection = std::move(given);
    connection->set_handler(this);
  }

  void send(FrameType type, std::uint64_t id, std::string_view text) {
    const Slice piece = Slice::copy(bytes_of(text));
    connection->send(type, id, {&piece, 1});
  }

  void on_frame(Frame frame) override {
    frames.push_back(std::move(frame));
    if (then) then(*this);
  }

  void on_closed(const Error& why) override {
    closed = why;
    ++closed_count;
  }

  void on_writable() override { ++writable_count; }

  [[nodiscard]] Errc why() const { return closed ? closed->code() : Errc::kNotFound; }
};

struct Tcp {
  std::unique_ptr<NetworkServer> server(const TransportLimits& limits) {
    return make_tcp_server(loop, limits);
  }

  std::unique_ptr<NetworkClient> client(const TransportLimits& limits) {
    return make_tcp_client(loop, limits);
  }

  Loop loop;
};

struct Memory {
  std::unique_ptr<NetworkServer> server(const TransportLimits& limits) {
    return hub.make_server(limits);
  }

  std::unique_ptr<NetworkClient> client(const TransportLimits& limits) {
    return hub.make_client(limits);
  }

  Loop loop;
  MemoryHub hub{loop};
};

// A server that keeps whoever comes, and a client.
template <class Kind>
struct Net {
  explicit Net(const TransportLimits& limits = {})
      : server(kind.server(limits)), client(kind.client(limits)) {
    const auto got = server->listen({"127.0.0.1", 0}, [this](std::shared_ptr<Connection> one) {
      accepted.push_back(std::make_unique<End>());
      accepted.back()->take(std::move(one));
    });
    REQUIRE(got);
    port = *got;
  }

  std::unique_ptr<End> connect() {
    auto end = std::make_unique<End>();
    const std::size_t before = accepted.size();
    bool is_inside = true;
    client->connect({"127.0.0.1", port}, 5'000, [&](Result<std::shared_ptr<Connection>> result) {
      CHECK_FALSE(is_inside);
      REQUIRE(result);
      end->take(std::move(*result));
    });
    is_inside = false;
    REQUIRE(run_until(kind.loop, [&] { return end->connection && accepted.size() > before; }));
    return end;
  }

  End& far() { return *accepted.back(); }

  bool until(const std::function<bool()>& condition) { return run_until(kind.loop, condition); }

  Kind kind;
  std::unique_ptr<NetworkServer> server;
  std::unique_ptr<NetworkClient> client;
  std::vector<std::unique_ptr<End>> accepted;
  std::uint16_t port = 0;
};

TEST_CASE_TEMPLATE("transport: frames arrive whole and in order, both ways", Kind, Tcp, Memory) {
  Net<Kind> net;
  const auto near = net.connect();
  near->connection->allow_large_payloads();
  net.far().connection->allow_large_payloads();
  const std::string large(3'000'000, 'x');
  for (std::uint64_t id = 0; id < 200; ++id) {
    near->send(FrameType::kHeartbeat, id, "ping");
    net.far().send(FrameType::kAck, id, id == 100 ? large : "pong");
  }
  CHECK(net.far().frames.empty());  // never inside the call
  REQUIRE(net.until([&] { return near->frames.size() == 200 && net.far().frames.size() == 200; }));
  for (std::uint64_t id = 0; id < 200; ++id) {
    CHECK(near->frames[id].id == id);
    CHECK(near->frames[id].payload.bytes.size() == (id == 100 ? large.size() : 4));
    CHECK(net.far().frames[id].id == id);
    CHECK(text_of(net.far().frames[id].payload.bytes) == "ping");
  }
  CHECK(near->connection->queued_bytes() == 0);
  CHECK_FALSE(near->connection->peer().empty());
}

TEST_CASE_TEMPLATE("transport: a frame of many pieces is one payload", Kind, Tcp, Memory) {
  Net<Kind> net;
  const auto near = net.connect();
  net.far().connection->allow_large_payloads();
  std::vector<Slice> pieces;
  std::string whole;
  for (int i = 0; i < 3'000; ++i) {  // more than one system call takes
    pieces.push_back(Slice::copy(bytes_of(std::to_string(i))));
    whole += std::to_string(i);
  }
  near->connection->send(FrameType::kData, 7, pieces);
  REQUIRE(net.until([&] { return !net.far().frames.empty(); }));
  CHECK(text_of(net.far().frames[0].payload.bytes) == whole);
}

TEST_CASE_TEMPLATE("transport: close sends what is queued; each side learns it once",
                   Kind,
                   Tcp,
                   Memory) {
  Net<Kind> net;
  const auto near = net.connect();
  near->send(FrameType::kDisconnect, 1, "bye");
  near->connection->close();
  near->send(FrameType::kHeartbeat, 2, "never sent");
  CHECK_FALSE(near->closed);
  REQUIRE(net.until([&] { return near->closed && net.far().closed; }));
  CHECK(near->why() == Errc::kCancelled);
  CHECK(net.far().why() == Errc::kUnavailable);
  REQUIRE(net.far().frames.size() == 1);
  CHECK(text_of(net.far().frames[0].payload.bytes) == "bye");
  near->connection->close();
  testing::run_for(net.kind.loop, 5);
  CHECK(near->closed_count == 1);
  CHECK(net.far().closed_count == 1);
}

TEST_CASE_TEMPLATE("transport: dropping a connection closes it without a callback",
                   Kind,
                   Tcp,
                   Memory) {
  Net<Kind> net;
  auto near = net.connect();
  near->send(FrameType::kDisconnect, 1, "bye");
  near.reset();
  REQUIRE(net.until([&] { return net.far().closed.has_value(); }));
  CHECK(net.far().frames.size() == 1);
}

TEST_CASE_TEMPLATE("transport: a handler may drop its connection from within a frame",
                   Kind,
                   Tcp,
                   Memory) {
  Net<Kind> net;
  const auto near = net.connect();
  net.far().then = [](End& end) { end.connection.reset(); };
  for (std::uint64_t id = 0; id < 3; ++id) near->send(FrameType::kHeartbeat, id, "");
  REQUIRE(net.until([&] { return near->closed.has_value(); }));
  CHECK(near->why() == Errc::kUnavailable);
  CHECK(net.far().frames.size() == 1);
  CHECK_FALSE(net.far().closed);
}

TEST_CASE_TEMPLATE("transport: without a handler nothing is called any more", Kind, Tcp, Memory) {
  Net<Kind> net;
  const auto near = net.connect();
  net.far().then = [](End& end) { end.connection->set_handler(nullptr); };
  near->send(FrameType::kHeartbeat, 1, "");
  near->send(FrameType::kHeartbeat, 2, "");
  near->connection->close();
  REQUIRE(net.until([&] { return near->closed.has_value(); }));
  testing::run_for(net.kind.loop, 5);
  CHECK(net.far().frames.size() == 1);
  CHECK_FALSE(net.far().closed);
}

TEST_CASE_TEMPLATE("transport: a paused reader holds the sender's output; resuming drains it",
                   Kind,
                   Tcp,
                   Memory) {
  Net<Kind> net(TransportLimits{.output_low_bytes = 100'000});
  const auto near = net.connect();
  auto& far = net.far();
  far.connection->allow_large_payloads();
  far.connection->pause_reading(true);
  const std::string payload(1'000'000, 'x');
  for (std::uint64_t id = 0; id < 20; ++id) near->send(FrameType::kData, id, payload);
  testing::run_for(net.kind.loop, 20);
  CHECK(far.frames.size() < 20);
  CHECK(near->connection->queued_bytes() > 100'000);
  CHECK(near->writable_count == 0);
  far.connection->pause_reading(false);
  REQUIRE(net.until([&] { return far.frames.size() == 20 && near->writable_count == 1; }));
  CHECK(near->connection->queued_bytes() == 0);
}

TEST_CASE_TEMPLATE("transport: output beyond its bound closes the connection", Kind, Tcp, Memory) {
  Net<Kind> net(TransportLimits{.output_bytes_max = 100'000});
  const auto near = net.connect();
  net.far().connection->pause_reading(true);
  const std::string payload(60'000, 'x');
  near->send(FrameType::kData, 1, payload);
  near->send(FrameType::kData, 2, payload);
  CHECK_FALSE(near->closed);
  REQUIRE(net.until([&] { return near->closed.has_value(); }));
  CHECK(near->why() == Errc::kQuotaExceeded);
}

TEST_CASE_TEMPLATE("transport: a payload over the limit gets an ERROR and a close",
                   Kind,
                   Tcp,
                   Memory) {
  Net<Kind> net;
  const auto near = net.connect();
  near->send(FrameType::kHello, 1, std::string(kPayloadBytesMaxBeforeHello, 'x'));
  near->send(FrameType::kHello, 2, std::string(kPayloadBytesMaxBeforeHello + 1, 'x'));
  REQUIRE(net.until([&] { return near->closed && net.far().closed; }));
  CHECK(net.far().why() == Errc::kMessageTooLarge);
  CHECK(net.far().frames.size() == 1);
  REQUIRE(near->frames.size() == 1);
  CHECK(near->frames[0].type == FrameType::kError);
  const auto message = decode<ErrorMessage>(near->frames[0].payload.bytes);
  REQUIRE(message);
  CHECK(to_error(*message).code() == Errc::kMessageTooLarge);
}

TEST_CASE_TEMPLATE("transport: a connection over the limit is closed, the others stay",
                   Kind,
                   Tcp,
                   Memory) {
  Net<Kind> net(TransportLimits{.connections_max = 2});
  const auto first = net.connect();
  const auto second = net.connect();
  End third;
  net.client->connect({"127.0.0.1", net.port}, 5'000,
                      [&](Result<std::shared_ptr<Connection>> result) {
                        REQUIRE(result);
                        third.take(std::move(*result));
                      });
  REQUIRE(net.until([&] { return third.closed.has_value(); }));
  CHECK(net.accepted.size() == 2);
  CHECK_FALSE(first->closed);
  CHECK_FALSE(second->closed);
}

TEST_CASE_TEMPLATE("transport: nobody listens: kUnavailable, later", Kind, Tcp, Memory) {
  Net<Kind> net;
  net.server.reset();
  std::optional<Errc> code;
  net.client->connect({"127.0.0.1", net.port}, 5'000,
                      [&](Result<std::shared_ptr<Connection>> result) {
                        REQUIRE_FALSE(result);
                        code = result.error().code();
                      });
  CHECK_FALSE(code);
  REQUIRE(net.until([&] { return code.has_value(); }));
  CHECK(*code == Errc::kUnavailable);
}

TEST_CASE_TEMPLATE("transport: a client that goes cancels its connects", Kind, Tcp, Memory) {
  Net<Kind> net;
  std::optional<Errc> code;
  net.client->connect({"127.0.0.1", net.port}, 5'000,
                      [&](Result<std::shared_ptr<Connection>> result) {
                        REQUIRE_FALSE(result);
                        code = result.error().code();
                      });
  net.client.reset();
  CHECK_FALSE(code);
  REQUIRE(net.until([&] { return code.has_value(); }));
  CHECK(*code == Errc::kCancelled);
}

TEST_CASE_TEMPLATE("transport: a server that goes closes its connections", Kind, Tcp, Memory) {
  Net<Kind> net;
  const auto near = net.connect();
  net.far().send(FrameType::kDisconnect, 1, "stopping");
  net.server.reset();
  CHECK_FALSE(net.far().closed);
  REQUIRE(net.until([&] { return near->closed && net.far().closed; }));
  CHECK(net.far().why() == Errc::kCancelled);
  CHECK(near->why() == Errc::kUnavailable);
}

TEST_CASE_TEMPLATE("transport: an address in use is refused", Kind, Tcp, Memory) {
  Net<Kind> net;
  const auto other = net.kind.server({});
  const auto port = other->listen({"127.0.0.1", net.port}, [](const auto&) {});
  REQUIRE_FALSE(port);
  CHECK(port.error().code() == Errc::kIo);
}

TEST_CASE("tcp: a connect that takes too long is kTimeout") {
  Net<Tcp> net;
  std::optional<Errc> code;
  net.client->connect({"127.0.0.1", net.port}, 0, [&](Result<std::shared_ptr<Connection>> result) {
    REQUIRE_FALSE(result);
    code = result.error().code();
  });
  REQUIRE(net.until([&] { return code.has_value(); }));
  CHECK(*code == Errc::kTimeout);
}

TEST_CASE("tcp: hosts by name and IPv6; an unknown name is kUnavailable") {
  Tcp tcp;
  const auto server = tcp.server({});
  std::vector<std::shared_ptr<Connection>> kept;
  const auto port = server->listen({"::", 0}, [&](auto one) { kept.push_back(std::move(one)); });
  REQUIRE(port);
  const auto client = tcp.client({});
  const auto code_of = [&](const std::string& host) {
    std::optional<Errc> code;
    client->connect({host, *port}, 5'000, [&](Result<std::shared_ptr<Connection>> result) {
      code = result ? Errc::kAlreadyExists : result.error().code();
    });
    REQUIRE(run_until(tcp.loop, [&] { return code.has_value(); }));
    return *code;
  };
  CHECK(code_of("localhost") == Errc::kAlreadyExists);
  CHECK(code_of("::1") == Errc::kAlreadyExists);
  CHECK(code_of("127.0.0.1") == Errc::kAlreadyExists);
  CHECK(code_of("no-such-host.invalid") == Errc::kUnavailable);
}

}  // namespace
}  // namespace xylem::network
