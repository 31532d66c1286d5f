// One HTTP/1.1 exchange at a time with one server; the connection is kept open between them.
//
// It blocks: use it on a Worker or a thread of its own. cancel() is final: it never blocks, and the
// running exchange and all later ones return kCancelled soon (a name look-up is waited for).
// Redirects are not followed, bodies not decompressed. SIGPIPE is ignored from the first client on.
//
// Limits: a body over `body_bytes_max` is kMessageTooLarge and closes the connection.
// Threads: one exchange at a time; cancel() from any thread.
// Errors: kUnavailable (refused, reset, unreachable), kTimeout (silent), kCancelled,
// kMessageTooLarge, kInvalidRequest (a line break in the target or a header). An HTTP status is
// not an error here: callers look at it.
#pragma once

#include "common/bytes.h"
#include "common/result.h"
#include "common/url.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem {

struct HttpAnswer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  Buffer body;

  // The first header of that lower-case name, or "".
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

class HttpClient {
 public:
  struct Options {
    std::string base_url;  // http://host:port
    std::int64_t connect_timeout_ms = 2'000;
    std::size_t body_bytes_max = 64ULL * 1024 * 1024;
  };

  struct Exchange {
    std::string method = "GET";
    std::string target;  // path and query, percent-encoded
    std::vector<std::pair<std::string, std::string>> headers;
    Bytes body;
    std::int64_t timeout_ms = 10'000;  // of silence
    // When set, gets the body piece by piece, without a limit, instead of `HttpAnswer::body`; false
    // ends the exchange with kCancelled.
    std::function<bool(Bytes)> on_body;
    // Memory for `HttpAnswer::body`, asked for when a body comes; none: fresh.
    std::function<Buffer()> room;
  };

  // kInvalidRequest: not an http:// URL with a host.
  static Result<std::unique_ptr<HttpClient>> create(Options options);

  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  Result<HttpAnswer> exchange(const Exchange& exchange);
  void cancel();

 private:
  class Impl;
  explicit HttpClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace xylem
