// A server on a free port, and peers that send it raw bytes.
#pragma once

#include "network/http/http_server.h"
#include "network/transport/tcp_sockets.h"
#include "tests/support/run_until.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace xylem::network::testing {

class RawPeer final : public StreamEvents {
 public:
  std::string received;
  bool has_ended = false;
  std::shared_ptr<Stream> stream;

  ~RawPeer() override {
    if (stream) leave();
  }

  void send(std::string_view text) { stream->send(Slice::copy(bytes_of(text))); }

  void leave() {
    stream->set_events(nullptr);
    stream->abort({Errc::kCancelled, "left"});
    stream.reset();
  }

  // Answers that have begun to arrive.
  [[nodiscard]] std::size_t answers() const { return count("HTTP/1.1 "); }

  [[nodiscard]] std::size_t count(std::string_view text) const {
    std::size_t found = 0;
    for (auto at = received.find(text); at != std::string::npos; at = received.find(text, at + 1))
      ++found;
    return found;
  }

  [[nodiscard]] bool has(std::string_view text) const {
    return received.find(text) != std::string::npos;
  }

  void on_bytes(Bytes bytes) override { received += text_of(bytes); }

  void on_sent() override {}

  void on_end(const Error& /*why*/) override { has_ended = true; }
};

struct HttpFixture {
  explicit HttpFixture(const HttpServer::Limits& limits = {}) {
    server.emplace(loop, limits);
    const auto got = server->listen({"127.0.0.1", 0});
    REQUIRE(got);
    port = *got;
  }

  std::unique_ptr<RawPeer> connect() {
    auto peer = std::make_unique<RawPeer>();
    sockets->connect({"127.0.0.1", port}, 5'000, [&](Result<std::shared_ptr<Stream>> stream) {
      REQUIRE(stream);
      peer->stream = std::move(*stream);
      peer->stream->set_events(peer.get());
    });
    REQUIRE(until([&] { return peer->stream != nullptr; }));
    return peer;
  }

  // What comes back on a connection of its own until the server closes it.
  std::string exchange(std::string_view request) {
    const auto peer = connect();
    peer->send(request);
    REQUIRE(until([&] { return peer->has_ended; }));
    return peer->received;
  }

  // GET with "Connection: close".
  std::string get(std::string_view target) {
    return exchange("GET " + std::string(target) +
                    " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  }

  bool until(const std::function<bool()>& condition) {
    return xylem::testing::run_until(loop, condition);
  }

  Loop loop;
  std::optional<HttpServer> server;
  std::unique_ptr<Sockets> sockets = make_tcp_sockets(loop, 1'000);
  std::uint16_t port = 0;
};

inline std::string request_line(std::string_view method, std::string_view target) {
  return std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n";
}

}  // namespace xylem::network::testing
