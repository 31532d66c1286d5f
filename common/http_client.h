// One HTTP/1.1 exchange at a time with one server; the connection is kept open between them.
//
// It blocks: use it on a Worker or a thread of its own. cancel() makes a running exchange return
// kCancelled soon.
//
// Limits: an answer larger than `body_bytes_max` is kMessageTooLarge and closes the connection.
// Threads: one exchange at a time; cancel() from any thread.
// Errors: kUnavailable (refused, reset, unreachable), kTimeout, kCancelled, kMessageTooLarge. An
// HTTP status is not an error here: callers look at it.
#pragma once

#include "common/bytes.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
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
    // When set, gets the body piece by piece instead of `HttpAnswer::body`; false ends it.
    std::function<bool(Bytes)> on_body;
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

// "a b/c" -> "a%20b%2Fc" (RFC 3986, unreserved characters kept).
std::string percent_encode(std::string_view text);

// kInvalidRequest: a '%' without two hexadecimal digits. '+' stays '+'.
Result<std::string> percent_decode(std::string_view text);

}  // namespace xylem
