#include "network/http/http_server.h"

#include "tests/unit/network/http/http_fixture.h"

#include <vector>

namespace xylem::network {
namespace {

using testing::HttpFixture;
using testing::request_line;

void echo(const HttpRequest& request, const HttpReplyPtr& reply) {
  reply->send(HttpResponse::text(
      200, request.method + " " + request.path + " [" + std::string(text_of(request.body)) + "]"));
}

TEST_CASE("http: a request is answered and the connection kept") {
  HttpFixture http;
  http.server->route("GET", "/hello", echo);
  const auto peer = http.connect();
  for (std::size_t i = 1; i <= 3; ++i) {
    peer->send(request_line("GET", "/hello") + "\r\n");
    REQUIRE(http.until([&] { return peer->count("GET /hello []") == i; }));
  }
  CHECK_FALSE(peer->has_ended);
  CHECK(peer->received.substr(0, peer->received.size() / 3) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n\r\n"
        "GET /hello []");
}

TEST_CASE("http: bodies by length and by chunks, in one piece and byte by byte") {
  HttpFixture http;
  http.server->route("POST", "/in", echo);
  const std::string by_length = request_line("POST", "/in") + "Content-Length: 5\r\n\r\nhello";
  const std::string by_chunks =
      request_line("POST", "/in") +
      "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: t\r\n\r\n";
  const std::string nothing =
      request_line("POST", "/in") + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
  const auto peer = http.connect();
  peer->send(by_length + nothing + by_chunks);
  REQUIRE(http.until([&] { return peer->count("[hello]") == 2; }));
  for (const char c : by_length + nothing + by_chunks) {
    peer->send(std::string_view(&c, 1));
    xylem::testing::run_for(http.loop, 1);
  }
  REQUIRE(http.until([&] { return peer->count("[hello]") == 4; }));
  CHECK(peer->count("[]") == 2);
}

TEST_CASE("http: pipelined requests are answered one after the other, in order") {
  HttpFixture http;
  std::vector<HttpReplyPtr> waiting;
  http.server->route("GET", "/later/{n}", [&](const HttpRequest&, HttpReplyPtr reply) {
    waiting.push_back(std::move(reply));
  });
  http.server->route("GET", "/now", echo);
  const auto peer = http.connect();
  peer->send(request_line("GET", "/later/1") + "\r\n" + request_line("GET", "/now") + "\r\n" +
             request_line("GET", "/later/2") + "\r\n");
  REQUIRE(http.until([&] { return waiting.size() == 1; }));
  xylem::testing::run_for(http.loop, 5);
  CHECK(waiting.size() == 1);
  CHECK(peer->received.empty());
  waiting[0]->send(HttpResponse::text(200, "first"));
  REQUIRE(http.until([&] { return waiting.size() == 2; }));
  waiting[1]->send(HttpResponse::text(200, "third"));
  REQUIRE(http.until([&] { return peer->answers() == 3; }));
  CHECK(peer->received.find("first") < peer->received.find("GET /now"));
  CHECK(peer->received.find("GET /now") < peer->received.find("third"));
}

TEST_CASE("http: no path, another method, HEAD") {
  HttpFixture http;
  http.server->route("GET", "/a", echo);
  http.server->route("DELETE", "/a", echo);
  CHECK(http.get("/b").starts_with("HTTP/1.1 404 Not Found\r\n"));
  const auto refused = http.exchange(request_line("POST", "/a") + "Connection: close\r\n\r\n");
  CHECK(refused.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
  CHECK(refused.find("Allow: DELETE, GET, HEAD\r\n") != std::string::npos);
  const auto head = http.exchange(request_line("HEAD", "/a") + "Connection: close\r\n\r\n");
  CHECK(head.find("Content-Length: 10\r\n") != std::string::npos);
  CHECK(head.ends_with("\r\n\r\n"));
}

TEST_CASE("http: a reply dropped unanswered is 500") {
  HttpFixture http;
  http.server->route("GET", "/dropped", [](const HttpRequest&, const HttpReplyPtr&) {});
  CHECK(http.get("/dropped").starts_with("HTTP/1.1 500 "));
}

TEST_CASE("http: arguments of path and query are decoded; an encoded slash splits nothing") {
  HttpFixture http;
  HttpRequest seen;
  http.server->route("GET", "/keys/{key}", [&](const HttpRequest& request, HttpReplyPtr reply) {
    seen = request;
    reply->send({.status = 204});
  });
  const auto answer = http.get("/keys/a%2Fb%20c?x=1%2B1&y=a+b&x=2&flag");
  CHECK(answer.starts_with("HTTP/1.1 204 No Content\r\n"));
  CHECK(answer.find("Content-Length") == std::string::npos);
  CHECK(seen.path_args.at("key") == "a/b c");
  CHECK(seen.path == "/keys/a/b c");
  CHECK(seen.argument("x") == "2");
  CHECK(seen.argument("y") == "a b");
  CHECK(seen.query.contains("flag"));
  CHECK(seen.header("host") == "x");
  CHECK(seen.peer.starts_with("127.0.0.1:"));
}

TEST_CASE("http: an answer of HTTP/1.0, with and without keep-alive") {
  HttpFixture http;
  http.server->route("GET", "/", echo);
  const auto closed = http.exchange("GET / HTTP/1.0\r\n\r\n");
  CHECK(closed.find("Connection: close\r\n") != std::string::npos);
  const auto peer = http.connect();
  peer->send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  REQUIRE(http.until([&] { return peer->has("GET / []"); }));
  CHECK(peer->has("Connection: keep-alive\r\n"));
  CHECK_FALSE(peer->has_ended);
}

TEST_CASE("http: 100-continue comes before the body, once") {
  HttpFixture http;
  http.server->route("PUT", "/in", echo);
  const auto peer = http.connect();
  peer->send(request_line("PUT", "/in") + "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  REQUIRE(http.until([&] { return peer->has("\r\n\r\n"); }));
  CHECK(peer->received == "HTTP/1.1 100 Continue\r\n\r\n");
  peer->send("bo");
  xylem::testing::run_for(http.loop, 5);
  peer->send("dy");
  REQUIRE(http.until([&] { return peer->has("PUT /in [body]"); }));
  CHECK(peer->count("100 Continue") == 1);
}

TEST_CASE("http: header values cannot end the head") {
  HttpFixture http;
  http.server->route("GET", "/", [](const HttpRequest&, HttpReplyPtr reply) {
    reply->send({.headers = {{"Location", "/x\r\nSet-Cookie: a=b"}}});
  });
  CHECK(http.get("/").find("Location: /x  Set-Cookie: a=b\r\n") != std::string::npos);
}

TEST_CASE("http: a large answer arrives whole") {
  HttpFixture http;
  const std::string large(5'000'000, 'x');
  http.server->route("GET", "/", [&](const HttpRequest&, HttpReplyPtr reply) {
    reply->send(HttpResponse::text(200, large));
  });
  CHECK(http.get("/").ends_with("\r\n\r\n" + large));
}

TEST_CASE("http: the server tells the routes that it was given, in their order") {
  HttpFixture http;
  const auto nothing = [](const HttpRequest&, const HttpReplyPtr&) {};
  http.server->route("PUT", "/b/{name}", nothing);
  http.server->route("GET", "/a", nothing);
  CHECK(http.server->routes() == std::vector<HttpRoute>{{"PUT", "/b/{name}"}, {"GET", "/a"}});
}

}  // namespace
}  // namespace xylem::network
