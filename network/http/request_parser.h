// One HTTP/1.1 request from a stream of bytes, by Boost.Beast's parser behind stricter rules.
//
// A head is gathered until its empty line, checked line by line (what proxies disagree about is
// refused: bare CR or LF, folded lines, both or repeated lengths), and only then parsed. Bodies go
// straight into place, growing with what has arrived, not with what was announced.
//
// Sources: RFC 9110, RFC 9112.
#pragma once

#include "network/http/http_server.h"

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace xylem::network {

// Why a request is not served. What follows it on the connection cannot be trusted.
struct HttpRefusal {
  int status = 400;
  std::string why;
};

class HttpRequestParser {
 public:
  explicit HttpRequestParser(const HttpServer::Limits& limits);
  ~HttpRequestParser();
  HttpRequestParser(const HttpRequestParser&) = delete;
  HttpRequestParser& operator=(const HttpRequestParser&) = delete;

  // Takes bytes from the front of `bytes`, none beyond the end of this request.
  std::expected<void, HttpRefusal> feed(Bytes& bytes);

  [[nodiscard]] bool has_head() const;
  [[nodiscard]] bool is_whole() const;

  // Of the head.
  [[nodiscard]] bool expects_continue() const;
  [[nodiscard]] bool keeps_alive() const;
  [[nodiscard]] bool is_http10() const;
  [[nodiscard]] std::string_view raw_path() const;  // as sent, without the query

  [[nodiscard]] HttpRequest& request();

 private:
  class Message;

  std::expected<void, HttpRefusal> gather_head(Bytes& bytes);
  std::expected<void, HttpRefusal> feed_body(Bytes& bytes);

  HttpServer::Limits limits_;
  Buffer pending_;  // a head or a chunk's header that is not whole yet
  std::unique_ptr<Message> message_;
};

}  // namespace xylem::network
