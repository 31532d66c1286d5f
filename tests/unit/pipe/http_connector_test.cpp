#include "common/clock.h"
#include "pipe/pipe_connector.h"
#include "tests/support/run_until.h"
#include "tests/support/scripted_server.h"

#include <doctest/doctest.h>

#include <atomic>
#include <optional>
#include <string>

namespace xylem::pipe {
namespace {

using testing::run_until;

std::string http(const std::string& status, const std::string& type, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Type: " + type +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// What one fetch is answered.
Result<Slice> fetch_once(const std::string& url, std::uint64_t timeout_ms = 5'000) {
  Loop loop;
  const auto connector = make_http_connector(loop);
  const auto link = connector->link(url);
  std::optional<Result<Slice>> answer;
  link->fetch(Buffer(3, std::byte{'a'}), timeout_ms,
              [&](Result<Slice> result) { answer = std::move(result); });
  CHECK_FALSE(answer.has_value());  // never inside the call
  REQUIRE(run_until(loop, [&] { return answer.has_value(); }));
  return *answer;
}

TEST_CASE("http connector: posts the request and hands over the answer's body, again and again") {
  std::string head;
  ScriptedServer server([&](ScriptedConnection& connection) {
    for (int i = 0; i < 3; ++i) {
      head = connection.read_until("aaa");
      if (head.empty()) return;
      connection.write(http("200 OK", "application/vnd.xylem.pipe", "batches"));
    }
    connection.wait_for_end();
  });
  Loop loop;
  auto connector = make_http_connector(loop);
  auto link = connector->link(server.url());
  for (int i = 0; i < 3; ++i) {
    std::optional<Result<Slice>> answer;
    link->fetch(Buffer(3, std::byte{'a'}), 5'000,
                [&](Result<Slice> result) { answer = std::move(result); });
    REQUIRE(run_until(loop, [&] { return answer.has_value(); }));
    REQUIRE(answer->has_value());
    CHECK(text_of((*answer)->bytes) == "batches");
  }
  CHECK(server.connections() == 1);
  link.reset();
  connector.reset();
  CHECK(head.starts_with("POST /pipe/v1/fetch HTTP/1.1\r\n"));
  CHECK(head.find("application/vnd.xylem.pipe") != std::string::npos);
}

TEST_CASE("http connector: a problem document becomes its error") {
  struct Case {
    std::string answer;
    Errc code;
    std::string what;
    std::string hint;
  };

  for (const auto& [answer, code, what, hint] : {
           Case{http("429 Too Many Requests", "application/problem+json",
                     R"({"code":"QUOTA_EXCEEDED","detail":"too many","hint":"later"})"),
                Errc::kQuotaExceeded, "too many", "later"},
           Case{http("503 Service Unavailable", "application/problem+json", R"({"code":"NEWER"})"),
                Errc::kUnavailable, "HTTP status 503", ""},
           Case{http("404 Not Found", "text/html", "<h1>no</h1>"), Errc::kUnavailable,
                "HTTP status 404", ""},
           Case{http("400 Bad Request", "application/json", R"({"code":7,"detail":[]})"),
                Errc::kUnavailable, "HTTP status 400", ""},
       }) {
    CAPTURE(answer);
    ScriptedServer server([&answer = answer](ScriptedConnection& connection) {
      connection.read_until("aaa");
      connection.write(answer);
    });
    const auto result = fetch_once(server.url());
    REQUIRE_FALSE(result);
    CHECK(result.error().code() == code);
    CHECK(result.error().what() == what);
    CHECK(result.error().hint() == hint);
  }
}

TEST_CASE("http connector: refused, reset and silent") {
  std::string closed;
  {
    closed = ScriptedServer({}).url();
  }
  CHECK(fetch_once(closed).error().code() == Errc::kUnavailable);
  ScriptedServer resets([](ScriptedConnection& connection) {
    connection.read_until("aaa");
    connection.reset_on_close();
  });
  CHECK(fetch_once(resets.url()).error().code() == Errc::kUnavailable);
  ScriptedServer silent([](ScriptedConnection& connection) { connection.wait_for_end(); });
  CHECK(fetch_once(silent.url(), 50).error().code() == Errc::kTimeout);
  CHECK(fetch_once("nowhere").error().code() == Errc::kInvalidRequest);
}

TEST_CASE("http connector: a dropped link ends its exchange at once, and its callback never runs") {
  std::atomic<bool> is_asked{false};
  std::atomic<bool> is_over{false};
  ScriptedServer server([&](ScriptedConnection& connection) {
    connection.read_until("aaa");
    is_asked = true;
    connection.wait_for_end();
    is_over = true;
  });
  const SystemClock clock;
  const auto begin = clock.monotonic_ms();
  {
    Loop loop;
    const auto connector = make_http_connector(loop);
    auto link = connector->link(server.url());
    bool is_called = false;
    link->fetch(Buffer(3, std::byte{'a'}), 60'000, [&](const Result<Slice>&) { is_called = true; });
    REQUIRE(run_until(loop, [&] { return is_asked.load(); }));
    link.reset();
    REQUIRE(run_until(loop, [&] { return is_over.load(); }));
    CHECK_FALSE(is_called);
  }
  CHECK(clock.monotonic_ms() - begin < 10'000);
}

TEST_CASE("http connector: a probe asks for the status") {
  ScriptedServer server([](ScriptedConnection& connection) {
    const auto head = connection.read_until("\r\n\r\n");
    const bool is_status = head.starts_with("GET /pipe/v1/status ");
    connection.write(http(is_status ? "200 OK" : "500 Wrong", "application/json", "{}"));
  });
  Loop loop;
  const auto connector = make_http_connector(loop);
  const auto good = connector->link(server.url());
  std::optional<Status> status;
  good->probe(5'000, [&](Status answer) { status = std::move(answer); });
  REQUIRE(run_until(loop, [&] { return status.has_value(); }));
  CHECK(status->has_value());

  const auto bad = connector->link("http://127.0.0.1:1");
  status.reset();
  bad->probe(5'000, [&](Status answer) { status = std::move(answer); });
  REQUIRE(run_until(loop, [&] { return status.has_value(); }));
  CHECK(status->error().code() == Errc::kUnavailable);
}

}  // namespace
}  // namespace xylem::pipe
