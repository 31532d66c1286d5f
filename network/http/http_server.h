// HTTP/1.1 on a Loop: strict parsing (Boost.Beast), routes, long poll, streamed answers,
// server-sent events.
//
//   server.route("GET", "/api/v1/topics/{name}", [](const HttpRequest& request, HttpReplyPtr reply)
//   {
//     reply->send({.status = 200, .body = ...}); });
//
// A handler answers now or later: whoever holds the reply may answer it, on the loop, once. A reply
// that is dropped unanswered sends 500. Requests of one connection are answered one after the other
// (pipelined ones wait).
//
// Limits (DESIGN section 15): head 16 KiB within 5 s, 64 headers, body `body_bytes_max` (413
// above); both lengths, two lengths, obs-fold, bare LF -> 400 and close; a sender slower than
// `body_timeout_ms` is closed by deadline.
// Errors to clients are RFC 9457 problem documents.
// Threads: the loop's.
#pragma once

#include "common/bytes.h"
#include "common/loop.h"
#include "common/result.h"
#include "network/transport/transport.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem::network {

struct HttpRequest {
  std::string method;
  std::string path;                              // decoded, without the query
  std::map<std::string, std::string> query;      // decoded; the last of a repeated name wins
  std::map<std::string, std::string> headers;    // names in lower case
  std::map<std::string, std::string> path_args;  // {name} of the route
  Buffer body;
  std::string peer;

  // "" when absent.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  [[nodiscard]] std::string_view argument(std::string_view name) const;  // of the query

  // A number of the query within [min, max]; kInvalidRequest names the argument. Absent:
  // `fallback`.
  [[nodiscard]] Result<std::int64_t> number(std::string_view name,
                                            std::int64_t fallback,
                                            std::int64_t min,
                                            std::int64_t max) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<Slice> body;

  static HttpResponse json(int status, std::string text);
  static HttpResponse text(int status, std::string text);
};

class HttpReply {
 public:
  virtual ~HttpReply() = default;

  virtual void send(HttpResponse response) = 0;
  virtual void send_error(const Error& error) = 0;  // status by code, problem document

  // A chunked answer: start, any number of writes, end. write() answers how many bytes now wait;
  // a caller stops above its own bound until on_drained calls back (each time all of it has left).
  // After start() a reply that is dropped cuts the connection: half an answer never looks whole.
  virtual void start(HttpResponse head) = 0;
  virtual std::size_t write(Slice piece) = 0;
  virtual void end() = 0;
  virtual void on_drained(std::function<void()> callback) = 0;

  // Called once when the peer went away before the answer was finished.
  virtual void on_gone(std::function<void()> callback) = 0;
  [[nodiscard]] virtual bool is_gone() const = 0;
};

using HttpReplyPtr = std::shared_ptr<HttpReply>;
using HttpHandler = std::function<void(const HttpRequest&, HttpReplyPtr)>;

// `handler`, for requests whose query names nothing but `known`; others get 400, which says what is
// not known and what is.
HttpHandler with_arguments(std::vector<std::string> known, HttpHandler handler);

struct HttpRoute {
  std::string method;
  std::string pattern;

  auto operator<=>(const HttpRoute&) const = default;
};

class HttpServer {
 public:
  struct Limits {
    std::size_t connections_max = 12'000;
    std::size_t head_bytes_max = 16ULL * 1024;
    std::size_t headers_max = 64;
    std::size_t body_bytes_max = 16ULL * 1024 * 1024;
    std::uint64_t head_timeout_ms = 5'000;
    std::uint64_t body_timeout_ms = 30'000;
    std::uint64_t idle_timeout_ms = 120'000;  // between requests
    std::uint64_t write_timeout_ms = 60'000;  // without progress
  };

  HttpServer(Loop& loop, const Limits& limits);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // `pattern` segments in braces match one segment; a last segment "{name*}" matches the rest.
  // No match: 404; a path with other methods: 405 with Allow. GET's handler answers HEAD too. Not
  // to be called by a handler.
  void route(std::string_view method, std::string_view pattern, HttpHandler handler);

  // What route() was told, in that order.
  [[nodiscard]] std::vector<HttpRoute> routes() const;

  // Port 0: any free one; the answer is the port it got.
  Result<std::uint16_t> listen(const Address& address);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// One server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html); `data`
// may hold line feeds.
Slice sse_event(std::string_view event, std::string_view data, std::string_view id = {});
void append_sse_event(std::string_view event,
                      std::string_view data,
                      std::string_view id,
                      std::string& out);

// The status an error code answers with, and its RFC 9457 document:
// {"type","title","status","detail","code","hint"}, and `members` of the problem's own, as JSON:
// "\"start\":5".
int http_status(Errc code) noexcept;
HttpResponse problem(const Error& error, std::string_view members = {});
HttpResponse problem(int status, const Error& error, std::string_view members = {});
std::string_view reason_phrase(int status) noexcept;

}  // namespace xylem::network
