#include "common/http_client.h"

#include "tests/support/scripted_server.h"

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace xylem {
namespace {

std::unique_ptr<HttpClient> client_of(const ScriptedServer& server,
                                      HttpClient::Options options = {}) {
  options.base_url = server.url();
  auto client = HttpClient::create(std::move(options));
  REQUIRE(client);
  return std::move(*client);
}

// Answers every request of every connection with `answer`.
ScriptedServer::Script answer_all(std::string answer) {
  return [answer](ScriptedConnection& connection) {
    while (!connection.read_until("\r\n\r\n").empty() && connection.write(answer)) {
    }
  };
}

Errc error_of(HttpClient& client, const HttpClient::Exchange& exchange) {
  const auto answer = client.exchange(exchange);
  REQUIRE_FALSE(answer);
  return answer.error().code();
}

TEST_CASE("http client: sends what it was given and gives what came") {
  std::promise<std::string> request;
  ScriptedServer server([&](ScriptedConnection& connection) {
    request.set_value(connection.read_until("body!"));
    connection.write("HTTP/1.1 201 Created\r\nX-Some: Thing\r\nContent-Length: 3\r\n\r\nyes");
  });
  const auto answer = client_of(server)->exchange({.method = "POST",
                                                   .target = "/a%20b?c=%2F",
                                                   .headers = {{"X-Name", "value"}},
                                                   .body = bytes_of("body!")});
  REQUIRE(answer);
  CHECK(answer->status == 201);
  CHECK(answer->header("x-some") == "Thing");
  CHECK(answer->header("x-other").empty());
  CHECK(text_of(answer->body) == "yes");
  const auto text = request.get_future().get();
  CHECK(text.starts_with("POST /a%20b?c=%2F HTTP/1.1\r\n"));
  CHECK(text.find("X-Name: value\r\n") != std::string::npos);
  CHECK(text.find("Content-Length: 5\r\n") != std::string::npos);
}

TEST_CASE("http client: keeps the connection, also after a 304 or 204 without a body's length") {
  ScriptedServer server([](ScriptedConnection& connection) {
    connection.read_until("\r\n\r\n");
    connection.write("HTTP/1.1 204 No Content\r\n\r\n");
    connection.read_until("\r\n\r\n");
    connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
    connection.read_until("\r\n\r\n");
    connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n12\r\n0\r\n\r\n");
    connection.read_until("\r\n\r\n");
    connection.write("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    connection.wait_for_end();
  });
  auto client = client_of(server);
  CHECK(client->exchange({.target = "/1"})->status == 204);
  CHECK(text_of(client->exchange({.target = "/2"})->body) == "1");
  CHECK(text_of(client->exchange({.target = "/3"})->body) == "12");
  CHECK(client->exchange({.target = "/4"})->status == 404);
  CHECK(server.connections() == 1);
}

TEST_CASE("http client: a long body comes whole, into the memory that it is given") {
  std::string body(3'000'000, ' ');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 23);
  ScriptedServer server(answer_all(
      "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body));
  auto client = client_of(server);
  Buffer room(body.size());
  const auto* memory = room.data();
  for (int i = 0; i < 2; ++i) {
    auto answer = client->exchange(
        {.target = "/", .room = [&room] { return std::exchange(room, Buffer()); }});
    REQUIRE(answer);
    CHECK((text_of(answer->body) == body));
    CHECK(answer->body.data() == memory);
    room = std::move(answer->body);
  }
}

TEST_CASE("http client: a 304 has no body, whatever its headers say") {
  ScriptedServer server(
      answer_all("HTTP/1.1 304 Not Modified\r\nETag: \"7\"\r\nContent-Length: 100\r\n\r\n"));
  auto client = client_of(server);
  for (int i = 0; i < 2; ++i) {
    const auto answer = client->exchange({.target = "/", .timeout_ms = 60'000});
    REQUIRE(answer);
    CHECK(answer->status == 304);
    CHECK(answer->header("etag") == "\"7\"");
    CHECK(answer->body.empty());
  }
}

TEST_CASE("http client: connects anew when the server closed in between") {
  ScriptedServer server([](ScriptedConnection& connection) {
    connection.read_until("\r\n\r\n");
    connection.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n1");
  });
  auto client = client_of(server);
  CHECK(client->exchange({.target = "/"}));
  CHECK(client->exchange({.target = "/"}));
  CHECK(server.connections() == 2);
}

TEST_CASE("http client: refused is kUnavailable, at once") {
  std::string url;
  {
    const ScriptedServer gone(nullptr);
    url = gone.url();
  }
  auto client = HttpClient::create({.base_url = url});
  REQUIRE(client);
  CHECK(error_of(**client, {.target = "/"}) == Errc::kUnavailable);
}

TEST_CASE("http client: reset, cut and nonsense are kUnavailable") {
  const std::vector<ScriptedServer::Script> scripts = {
      [](ScriptedConnection& connection) {
        connection.read_until("\r\n\r\n");
        connection.reset_on_close();
      },
      [](ScriptedConnection& connection) { connection.read_until("\r\n\r\n"); },
      [](ScriptedConnection& connection) {
        connection.read_until("\r\n\r\n");
        connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
      },
      [](ScriptedConnection& connection) {
        connection.read_until("\r\n\r\n");
        connection.write("220 mail.example ESMTP\r\n\r\n");
      },
  };
  for (const auto& script : scripts) {
    ScriptedServer server(script);
    CHECK(error_of(*client_of(server), {.target = "/"}) == Errc::kUnavailable);
  }
}

TEST_CASE("http client: a silent server is kTimeout, before the head and within the body") {
  for (const auto* said : {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"}) {
    ScriptedServer server([said](ScriptedConnection& connection) {
      connection.read_until("\r\n\r\n");
      connection.write(said);
      connection.wait_for_end();
    });
    CHECK(error_of(*client_of(server), {.target = "/", .timeout_ms = 20}) == Errc::kTimeout);
  }
}

// A listener that accepts nothing, with its backlog full: further SYNs are dropped.
struct FullBacklog {
  ScriptedServer server{nullptr, 0};
  std::vector<int> waiting;

  FullBacklog() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 4; ++i) {
      waiting.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      connect(waiting.back(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
  }

  ~FullBacklog() {
    for (const int socket : waiting) close(socket);
  }

  FullBacklog(const FullBacklog&) = delete;
  FullBacklog& operator=(const FullBacklog&) = delete;
};

TEST_CASE("http client: a connection that cannot be made is kTimeout") {
  const FullBacklog full;
  auto client = client_of(full.server, {.connect_timeout_ms = 50});
  CHECK(error_of(*client, {.target = "/"}) == Errc::kTimeout);
}

TEST_CASE("http client: a body over the limit is refused, announced or not") {
  const std::string body(1'001, 'x');
  for (const auto& answer :
       {"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + body,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + body + "\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body,
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n")}) {
    ScriptedServer server(answer_all(answer));
    auto client = client_of(server, {.body_bytes_max = 1'000});
    CHECK(error_of(*client, {.target = "/"}) == Errc::kMessageTooLarge);
  }
  ScriptedServer server(answer_all("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + body));
  CHECK(text_of(client_of(server, {.body_bytes_max = 1'001})->exchange({.target = "/"})->body) ==
        body);
}

TEST_CASE("http client: a reader gets the pieces, without the limit, and may end them") {
  ScriptedServer server(
      answer_all("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                 "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"));
  auto client = client_of(server, {.body_bytes_max = 1});
  std::string got;
  const auto answer = client->exchange({.target = "/", .on_body = [&](Bytes piece) {
                                          got += text_of(piece);
                                          return true;
                                        }});
  REQUIRE(answer);
  CHECK(answer->body.empty());
  CHECK(got == "abcdef");
  CHECK(error_of(*client, {.target = "/", .on_body = [](Bytes) { return false; }}) ==
        Errc::kCancelled);
}

TEST_CASE("http client: cancel from another thread ends an exchange, and all later ones") {
  std::promise<void> asked;
  ScriptedServer server([&](ScriptedConnection& connection) {
    connection.read_until("\r\n\r\n");
    asked.set_value();
    connection.wait_for_end();
  });
  auto client = client_of(server);
  auto running = std::async(std::launch::async, [&] {
    return client->exchange({.target = "/", .timeout_ms = 600'000}).error().code();
  });
  asked.get_future().wait();
  client->cancel();
  CHECK(running.get() == Errc::kCancelled);
  CHECK(error_of(*client, {.target = "/"}) == Errc::kCancelled);
  CHECK(server.connections() == 1);
}

TEST_CASE("http client: cancel ends an exchange that is still connecting") {
  const FullBacklog full;
  auto client = client_of(full.server, {.connect_timeout_ms = 600'000});
  auto running = std::async(std::launch::async, [&] {
    return client->exchange({.target = "/", .timeout_ms = 600'000}).error().code();
  });
  while (running.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready)
    client->cancel();
  CHECK(running.get() == Errc::kCancelled);
}

TEST_CASE("http client: refuses what would break a request's lines") {
  const ScriptedServer server(nullptr);
  auto client = client_of(server);
  for (const auto* target : {"", "a", "/a b", "/a\r\nX: y", "/a\nb"})
    CHECK(error_of(*client, {.target = target}) == Errc::kInvalidRequest);
  CHECK(error_of(*client, {.target = "/", .headers = {{"X", "y\r\nZ: 1"}}}) ==
        Errc::kInvalidRequest);
  CHECK(error_of(*client, {.target = "/", .headers = {{"X\n", "y"}}}) == Errc::kInvalidRequest);
  CHECK(HttpClient::create({.base_url = "ftp://host"}).error().code() == Errc::kInvalidRequest);
}

}  // namespace
}  // namespace xylem
