// What HTTP refuses, and whom it stops waiting for.
#include "tests/unit/network/http/http_fixture.h"

#include <vector>

namespace xylem::network {
namespace {

using testing::HttpFixture;
using testing::request_line;

const std::string kHead = "POST /in HTTP/1.1\r\nHost: x\r\n";

struct Refused {
  std::string what;
  std::string request;
  int status;
};

void accept_all(HttpServer& server) {
  for (const auto* method : {"GET", "POST"})
    server.route(method, "/{path*}", [](const HttpRequest&, HttpReplyPtr reply) {
      reply->send(HttpResponse::text(200, "fine"));
    });
}

std::string headers(std::size_t count) {
  std::string all = request_line("GET", "/");
  for (std::size_t i = 1; i < count; ++i) all += "H" + std::to_string(i) + ": v\r\n";
  return all;
}

TEST_CASE("http limits: every malformed request gets its status, a problem and a close") {
  HttpFixture http;
  accept_all(*http.server);
  const std::vector<Refused> table = {
      {"both lengths", kHead + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"both, other order", kHead + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 400},
      {"two lengths", kHead + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
      {"a list of lengths", kHead + "Content-Length: 1, 1\r\n\r\na", 400},
      {"signed length", kHead + "Content-Length: +1\r\n\r\na", 400},
      {"negative length", kHead + "Content-Length: -1\r\n\r\n", 400},
      {"overflowing length", kHead + "Content-Length: 18446744073709551617\r\n\r\n", 400},
      {"length with a space in its name", kHead + "Content-Length : 1\r\n\r\na", 400},
      {"folded header", kHead + "A: b\r\n c\r\n\r\n", 400},
      {"bare LF", "GET / HTTP/1.1\nHost: x\r\n\r\n", 400},
      {"bare LF in a header", kHead + "A: b\nContent-Length: 1\r\n\r\n", 400},
      {"bare CR in a header", kHead + "A: b\rc\r\n\r\n", 400},
      {"NUL in a header", kHead + std::string("A: b\0c\r\n\r\n", 10), 400},
      {"no name", kHead + ": b\r\n\r\n", 400},
      {"no colon", kHead + "A\r\n\r\n", 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", kHead + "Host: y\r\n\r\n", 400},
      {"empty first line", "\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"no target", "GET HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"target is no path", "GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"bad percent", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"cut percent", "GET /%4 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"NUL by percent", "GET /%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"bad percent in the query", "GET /?a=%g1 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"gzip", kHead + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"chunked twice", kHead + "Transfer-Encoding: chunked, chunked\r\n\r\n", 501},
      {"two encodings", kHead + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"chunks in 1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"bad chunk size", kHead + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n", 400},
      {"huge chunk size", kHead + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n\r\n",
       400},
      {"chunk without its CRLF", kHead + "Transfer-Encoding: chunked\r\n\r\n1\r\naXX0\r\n\r\n",
       400},
      {"quotes across a chunk's lines",
       kHead + "Transfer-Encoding: chunked\r\n\r\n1;a=\"b\r\nc\"\r\n0\r\n\r\n", 400},
      {"quotes across the last chunk's lines",
       kHead + "Transfer-Encoding: chunked\r\n\r\n0;a=\"b\r\n\r\n", 400},
      {"bare LF in a chunk", kHead + "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n", 400},
      {"endless chunk extension",
       kHead + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(20'000, 'e'), 400},
      {"version 2", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505},
      {"a TLS hello", std::string("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 11), 400},
      {"65 headers", headers(65) + "\r\n", 431},
      {"long head", request_line("GET", "/") + "A: " + std::string(17'000, 'a'), 431},
      {"endless first line", std::string(17'000, 'G'), 431},
      {"unknown expectation", kHead + "Expect: magic\r\n\r\n", 417},
      {"body over the limit", kHead + "Content-Length: 999999999\r\n\r\n", 413},
      {"chunk over the limit", kHead + "Transfer-Encoding: chunked\r\n\r\n3fffffff\r\n", 413},
  };
  for (const auto& one : table) {
    CAPTURE(one.what);
    const auto answer = http.exchange(one.request);
    CHECK(answer.starts_with("HTTP/1.1 " + std::to_string(one.status) + " "));
    CHECK(answer.find("Content-Type: application/problem+json\r\n") != std::string::npos);
    CHECK(answer.find("Connection: close\r\n") != std::string::npos);
    CHECK(answer.find("fine") == std::string::npos);
  }
}

TEST_CASE("http limits: what lies just within is served") {
  HttpFixture http(HttpServer::Limits{.body_bytes_max = 10});
  accept_all(*http.server);
  const std::string close = "Connection: close\r\n\r\n";
  for (const std::string& request :
       {headers(63) + close,
        request_line("GET", "/") + "A: " + std::string(16'000, 'a') + "\r\n" + close,
        kHead + "Content-Length: 10\r\n" + close + "0123456789",
        kHead + "Transfer-Encoding: chunked\r\n" + close + "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n",
        std::string("GET http://x/a HTTP/1.1\r\nHost: x\r\n") + close}) {
    CAPTURE(request.substr(0, 60));
    CHECK(http.exchange(request).ends_with("fine"));
  }
}

TEST_CASE("http limits: chunks that add up to more than the limit are refused") {
  HttpFixture http(HttpServer::Limits{.body_bytes_max = 10});
  accept_all(*http.server);
  const auto answer =
      http.exchange(kHead + "Transfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n5\r\n56789\r\n");
  CHECK(answer.starts_with("HTTP/1.1 413 "));
}

TEST_CASE("http limits: the answer reaches a peer that goes on sending a refused body") {
  HttpFixture http(HttpServer::Limits{.body_bytes_max = 10});
  accept_all(*http.server);
  const auto answer =
      http.exchange(kHead + "Content-Length: 3000000\r\n\r\n" + std::string(3'000'000, 'x'));
  CHECK(answer.starts_with("HTTP/1.1 413 "));
}

TEST_CASE("http limits: a slow head is given up, whatever trickles in") {
  HttpFixture http(HttpServer::Limits{.head_timeout_ms = 1'000});
  accept_all(*http.server);
  const auto peer = http.connect();
  std::size_t sent = 0;
  const std::string head = request_line("GET", "/") + "A: " + std::string(1'000, 'a');
  Timer trickle(http.loop);
  trickle.start(5, 5, [&] { peer->send(head.substr(sent++, 1)); });
  REQUIRE(http.until([&] { return peer->has_ended; }));
  CHECK(peer->received.starts_with("HTTP/1.1 408 "));
  CHECK(sent < head.size());
}

TEST_CASE("http limits: a slow body is given up") {
  HttpFixture http(HttpServer::Limits{.body_timeout_ms = 50});
  accept_all(*http.server);
  CHECK(http.exchange(kHead + "Content-Length: 10\r\n\r\nabc").starts_with("HTTP/1.1 408 "));
}

TEST_CASE("http limits: who says nothing is closed without a word") {
  HttpFixture http(HttpServer::Limits{.head_timeout_ms = 2'000, .idle_timeout_ms = 30});
  accept_all(*http.server);
  CHECK(http.exchange("").empty());
  CHECK(http.exchange(request_line("GET", "/") + "\r\n").ends_with("fine"));
}

TEST_CASE("http limits: slow senders do not hold up others") {
  HttpFixture http;
  accept_all(*http.server);
  std::vector<std::unique_ptr<testing::RawPeer>> slow;
  for (int i = 0; i < 50; ++i) {
    slow.push_back(http.connect());
    slow.back()->send("GET / HT");
  }
  CHECK(http.get("/").ends_with("fine"));
}

TEST_CASE("http limits: connections beyond the limit are closed, those within served") {
  HttpFixture http(HttpServer::Limits{.connections_max = 2});
  accept_all(*http.server);
  const auto first = http.connect();
  const auto second = http.connect();
  CHECK(http.exchange("").empty());
  first->send(request_line("GET", "/") + "\r\n");
  REQUIRE(http.until([&] { return first->has("fine"); }));
}

TEST_CASE("http limits: a flood of pipelined requests that nobody reads stays bounded") {
  HttpFixture http;
  constexpr int kRequests = 300;
  int served = 0;
  http.server->route("GET", "/", [&](const HttpRequest&, HttpReplyPtr reply) {
    ++served;
    reply->send(HttpResponse::text(200, std::string(100'000, 'x')));
  });
  const auto peer = http.connect();
  peer->stream->pause_reading(true);
  std::string flood;
  for (int i = 0; i < kRequests; ++i) flood += request_line("GET", "/") + "\r\n";
  peer->send(flood);
  REQUIRE(http.until([&] { return served > 2; }));
  xylem::testing::run_for(http.loop, 50);
  CHECK(served < kRequests);
  peer->stream->pause_reading(false);
  REQUIRE(http.until([&] { return served == kRequests; }));
}

}  // namespace
}  // namespace xylem::network
