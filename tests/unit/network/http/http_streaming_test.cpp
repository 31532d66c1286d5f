// Answers that come late or in pieces, and peers that leave before.
#include "tests/unit/network/http/http_fixture.h"

namespace xylem::network {
namespace {

using testing::HttpFixture;
using testing::request_line;

const std::string kAsk = request_line("GET", "/") + "\r\n";

// A server whose one route leaves its reply to the test.
struct Held : HttpFixture {
  explicit Held(const HttpServer::Limits& limits = {}) : HttpFixture(limits) {
    server->route("GET", "/", [this](const HttpRequest&, HttpReplyPtr given) {
      reply = std::move(given);
      reply->on_gone([this] { ++gone; });
    });
  }

  std::unique_ptr<testing::RawPeer> ask(std::string_view request = kAsk) {
    auto peer = connect();
    peer->send(request);
    REQUIRE(until([&] { return reply != nullptr; }));
    return peer;
  }

  HttpReplyPtr reply;
  int gone = 0;
};

Slice piece(std::string_view text) { return Slice::copy(bytes_of(text)); }

TEST_CASE("http streaming: a long poll is answered later, beyond the limits of requests") {
  Held http(HttpServer::Limits{.head_timeout_ms = 2'000, .idle_timeout_ms = 1});
  const auto peer = http.ask();
  const auto silent = http.connect();
  REQUIRE(http.until([&] { return silent->has_ended; }));
  CHECK_FALSE(peer->has_ended);
  http.reply->send(HttpResponse::text(200, "at last"));
  REQUIRE(http.until([&] { return peer->has("at last"); }));
  CHECK(http.gone == 0);
}

TEST_CASE("http streaming: a peer that leaves a long poll is noticed, once") {
  Held http;
  auto peer = http.ask();
  CHECK_FALSE(http.reply->is_gone());
  peer.reset();
  REQUIRE(http.until([&] { return http.gone == 1; }));
  CHECK(http.reply->is_gone());
  http.reply->send(HttpResponse::text(200, "nobody hears"));
  http.reply.reset();
  CHECK(http.gone == 1);
}

TEST_CASE("http streaming: a reply outlives its server") {
  Held http;
  const auto peer = http.ask();
  const auto reply = http.reply;
  http.server.reset();
  CHECK(reply->is_gone());
  reply->send(HttpResponse::text(200, "nobody hears"));
}

TEST_CASE("http streaming: chunks arrive as they are written, and the connection goes on") {
  Held http;
  const auto peer = http.ask();
  http.reply->start({.status = 200, .content_type = "text/event-stream"});
  http.reply->write(sse_event("tree", "one"));
  REQUIRE(http.until([&] { return peer->has("data: one"); }));
  http.reply->write(piece(std::string(10'000, 'x')));
  http.reply->end();
  http.reply.reset();
  REQUIRE(http.until([&] { return peer->has("0\r\n\r\n"); }));
  CHECK(peer->received ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        "17\r\nevent: tree\ndata: one\n\n\r\n2710\r\n" +
            std::string(10'000, 'x') + "\r\n0\r\n\r\n");
  peer->received.clear();
  peer->send(kAsk);
  REQUIRE(http.until([&] { return http.reply != nullptr; }));
}

TEST_CASE("http streaming: to HTTP/1.0 the end is the close; to HEAD nothing but the head") {
  Held old;
  const auto peer = old.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  old.reply->start({.status = 200});
  old.reply->write(piece("body"));
  old.reply->end();
  REQUIRE(old.until([&] { return peer->has_ended; }));
  CHECK(peer->received.ends_with("Connection: close\r\n\r\nbody"));

  Held head;
  const auto other = head.ask(request_line("HEAD", "/") + "Connection: close\r\n\r\n");
  head.reply->start({.status = 200});
  head.reply->write(piece("body"));
  head.reply->end();
  REQUIRE(head.until([&] { return other->has_ended; }));
  CHECK(other->received.ends_with("\r\n\r\n"));
}

TEST_CASE("http streaming: a dropped half answer cuts the connection instead of ending it") {
  Held http;
  const auto peer = http.ask();
  http.reply->start({.status = 200});
  http.reply->write(piece("half"));
  http.reply.reset();
  REQUIRE(http.until([&] { return peer->has_ended; }));
  CHECK_FALSE(peer->has("0\r\n\r\n"));
}

TEST_CASE("http streaming: a slow reader holds what is written; draining calls back") {
  Held http;
  const auto peer = http.ask();
  peer->stream->pause_reading(true);
  int drained = 0;
  http.reply->on_drained([&] { ++drained; });
  http.reply->start({.status = 200});
  const std::string block(1'000'000, 'x');
  std::size_t queued = 0;
  int written = 0;
  while (queued < 8'000'000) {
    queued = http.reply->write(piece(block));
    ++written;
    xylem::testing::run_for(http.loop, 2);
  }
  const int before = drained;
  CHECK(http.gone == 0);
  peer->stream->pause_reading(false);
  REQUIRE(http.until([&] { return drained > before; }));
  http.reply->end();
  REQUIRE(http.until([&] { return peer->has("\r\n0\r\n\r\n"); }));
  CHECK(peer->received.size() > block.size() * static_cast<std::size_t>(written));
}

TEST_CASE("http streaming: a reader that takes nothing is cut off and its stream told") {
  Held http(HttpServer::Limits{.write_timeout_ms = 50});
  const auto peer = http.ask();
  peer->stream->pause_reading(true);
  http.reply->start({.status = 200});
  std::size_t queued = 0;
  while (queued < 8'000'000 && http.gone == 0) {
    queued = http.reply->write(piece(std::string(1'000'000, 'x')));
    xylem::testing::run_for(http.loop, 2);
  }
  REQUIRE(http.until([&] { return http.gone == 1; }));
  CHECK(http.reply->write(piece("more")) == 0);
}

TEST_CASE("http streaming: an event may have an id, several lines, and nothing that ends it") {
  CHECK(text_of(sse_event("a\nb", "x\r\ny\n", "7").bytes) ==
        "id: 7\nevent: a b\ndata: x\ndata: y\ndata: \n\n");
  CHECK(text_of(sse_event("", "").bytes) == "data: \n\n");
}

}  // namespace
}  // namespace xylem::network
