#include "network/http/request_parser.h"

#include "common/url.h"
#include "network/http/head_rules.h"
#include "network/http/url.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cctype>
#include <optional>
#include <set>
#include <span>
#include <utility>

namespace xylem::network {
namespace {

namespace beast = boost::beast;
using beast::error_code;

constexpr std::string_view kHeadEnd = "\r\n\r\n";
// Where Beast has seen a last chunk's line it asserts that it sees what must follow in one piece.
constexpr std::string_view kLastChunk = "0\r\n";
constexpr std::size_t kTrailerBytesMin = 2;

// Told twice, these mean two different requests to two readers.
const std::set<std::string, std::less<>>& single_headers() {
  static const std::set<std::string, std::less<>> kNames{
      "authorization", "content-length", "content-type", "expect", "host", "transfer-encoding"};
  return kNames;
}

std::string_view view_of(beast::string_view text) { return {text.data(), text.size()}; }

std::string lower(beast::string_view text) {
  std::string lowered(text.data(), text.size());
  std::ranges::transform(lowered, lowered.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lowered;
}

HttpRefusal refusal_of(const error_code& code) {
  using beast::http::error;
  if (code == error::body_limit) return {413, "the body is too long"};
  if (code == error::header_limit) return {431, "the head is too long"};
  if (code == error::bad_version) return {505, "not HTTP/1.0 or HTTP/1.1"};
  return {400, "malformed request: " + code.message()};
}

// Beast looks for the end of a quoted chunk extension beyond its line, and what it then says
// depends on what has arrived. `rest` is what it left and wants more of: whether a chunk's line is
// whole in it, and all that belongs to it.
bool is_line_overrun(std::string_view rest) {
  if (rest.starts_with("\r\n")) rest.remove_prefix(2);  // the end of the chunk before
  const auto line_end = rest.find("\r\n");
  if (line_end == std::string_view::npos) return false;
  const auto after_zeroes = rest.find_first_not_of('0');  // the line's end, if nothing else
  const bool is_last =
      after_zeroes > 0 && std::isxdigit(static_cast<unsigned char>(rest[after_zeroes])) == 0;
  return !is_last || rest.find(kHeadEnd, line_end) != std::string_view::npos;
}

}  // namespace

// Beast's parser, filling an HttpRequest. A rule of ours that fails is kept in `refusal`.
class HttpRequestParser::Message final : public beast::http::basic_parser<true> {
 public:
  explicit Message(std::size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {
    eager(true);
    header_limit(UINT32_MAX);  // the gathered head is bounded already
    body_limit(body_bytes_max);
  }

  HttpRequest request;
  std::string raw_path;
  std::optional<HttpRefusal> refusal;
  bool is_http10 = false;

 private:
  void refuse(int status, std::string why, error_code& error) {
    refusal = HttpRefusal{status, std::move(why)};
    error = beast::http::error::bad_value;
  }

  void on_request_impl(beast::http::verb /*verb*/,
                       beast::string_view method,
                       beast::string_view target,
                       int version,
                       error_code& error) override {
    is_http10 = version == 10;
    request.method = view_of(method);
    const auto parts = split_target(view_of(target));
    if (!parts) return refuse(parts.error().status, parts.error().why, error);
    raw_path = parts->path;
    auto path = percent_decode(parts->path);
    auto query = parse_query(parts->query);
    if (!path) return refuse(400, path.error().what(), error);
    if (!query) return refuse(400, query.error().what(), error);
    request.path = std::move(*path);
    request.query = std::move(*query);
  }

  void on_response_impl(int /*status*/,
                        beast::string_view /*reason*/,
                        int /*version*/,
                        error_code& /*error*/) override {}

  void on_field_impl(beast::http::field /*name*/,
                     beast::string_view name,
                     beast::string_view value,
                     error_code& error) override {
    if (is_head_done_) return;  // a trailer: allowed, and worth nothing
    const auto [at, is_new] = request.headers.emplace(lower(name), view_of(value));
    if (is_new) return;
    if (single_headers().contains(at->first))
      return refuse(400, "more than one " + at->first, error);
    at->second += ", ";
    at->second += view_of(value);
  }

  void on_header_impl(error_code& error) override {
    is_head_done_ = true;
    const bool has_length = request.headers.contains("content-length");
    const bool has_encoding = request.headers.contains("transfer-encoding");
    if (has_length && has_encoding) return refuse(400, "two lengths of one body", error);
    if (request.header("content-length").find_first_not_of("0123456789") != std::string_view::npos)
      return refuse(400, "a length that is not one number", error);
    if (has_encoding && is_http10) return refuse(400, "chunks in HTTP/1.0", error);
    if (has_encoding && lower({request.header("transfer-encoding").data(),
                               request.header("transfer-encoding").size()}) != "chunked")
      return refuse(501, "only the transfer encoding \"chunked\" is known", error);
    if (!is_http10 && !request.headers.contains("host"))
      return refuse(400, "no Host header", error);
    const auto expect = request.header("expect");
    if (!expect.empty() && lower({expect.data(), expect.size()}) != "100-continue")
      return refuse(417, "only \"100-continue\" can be expected", error);
    if (const auto length = content_length(); length && *length > body_bytes_max_)
      return refuse(413, "the body is too long", error);
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& /*length*/,
                         error_code& error) override {
    error = {};
  }

  std::size_t on_body_impl(beast::string_view body, error_code& error) override {
    error = {};
    append(bytes_of(view_of(body)), request.body);
    return body.size();
  }

  void on_chunk_header_impl(std::uint64_t /*size*/,
                            beast::string_view /*extensions*/,
                            error_code& error) override {
    error = {};
  }

  std::size_t on_chunk_body_impl(std::uint64_t /*remain*/,
                                 beast::string_view body,
                                 error_code& error) override {
    return on_body_impl(body, error);
  }

  void on_finish_impl(error_code& error) override { error = {}; }

  std::size_t body_bytes_max_;
  bool is_head_done_ = false;
};

HttpRequestParser::HttpRequestParser(const HttpServer::Limits& limits)
    : limits_(limits), message_(std::make_unique<Message>(limits.body_bytes_max)) {}

HttpRequestParser::~HttpRequestParser() = default;

std::expected<void, HttpRefusal> HttpRequestParser::feed(Bytes& bytes) {
  if (!has_head()) {
    if (auto gathered = gather_head(bytes); !gathered) return gathered;
  }
  return has_head() && !is_whole() ? feed_body(bytes) : std::expected<void, HttpRefusal>();
}

std::expected<void, HttpRefusal> HttpRequestParser::gather_head(Bytes& bytes) {
  const std::size_t before = pending_.size();
  const std::size_t room = limits_.head_bytes_max - std::min(before, limits_.head_bytes_max);
  append(bytes.first(std::min(bytes.size(), room)), pending_);
  const auto text = text_of(pending_);
  const auto end = text.find(kHeadEnd, before < 3 ? 0 : before - 3);
  if (end == std::string_view::npos) {
    bytes = bytes.subspan(pending_.size() - before);
    if (pending_.size() < limits_.head_bytes_max) return {};
    return std::unexpected(HttpRefusal{431, "the head is too long"});
  }
  const std::size_t head_bytes = end + kHeadEnd.size();
  bytes = bytes.subspan(head_bytes - before);
  const auto head = text.substr(0, head_bytes);
  if (auto checked = check_head_lines(head, limits_.headers_max); !checked) return checked;
  error_code error;
  message_->put(boost::asio::buffer(head.data(), head.size()), error);
  pending_.clear();
  if (const auto& refusal = message_->refusal) return std::unexpected(*refusal);
  if (error || !message_->is_header_done()) return std::unexpected(refusal_of(error));
  return {};
}

std::expected<void, HttpRefusal> HttpRequestParser::feed_body(Bytes& bytes) {
  if (bytes.empty()) return {};
  // Beast wants what it did not take again, together with what follows.
  const bool has_held = !pending_.empty();
  const bool is_last_chunk = text_of(pending_) == kLastChunk;
  if (has_held) append(bytes, pending_);
  if (is_last_chunk && pending_.size() < kLastChunk.size() + kTrailerBytesMin) {
    bytes = {};
    return {};
  }
  const Bytes given = has_held ? Bytes(pending_) : bytes;
  error_code error;
  const std::size_t taken = message_->put(boost::asio::buffer(given.data(), given.size()), error);
  if (error && error != beast::http::error::need_more) return std::unexpected(refusal_of(error));
  const Bytes rest = given.subspan(taken);
  if (message_->is_done()) {
    bytes = bytes.last(rest.size());
    pending_.clear();
    return {};
  }
  if (is_line_overrun(text_of(rest)))
    return std::unexpected(HttpRefusal{400, "a chunk's extension goes beyond its line"});
  if (rest.size() > limits_.head_bytes_max)
    return std::unexpected(HttpRefusal{400, "a chunk's header is too long"});
  pending_ = Buffer(rest.begin(), rest.end());
  bytes = {};
  return {};
}

bool HttpRequestParser::has_head() const { return message_->is_header_done(); }

bool HttpRequestParser::is_whole() const { return message_->is_done(); }

bool HttpRequestParser::expects_continue() const {
  return !message_->is_http10 && message_->request.headers.contains("expect");
}

bool HttpRequestParser::keeps_alive() const { return message_->keep_alive(); }

bool HttpRequestParser::is_http10() const { return message_->is_http10; }

std::string_view HttpRequestParser::raw_path() const { return message_->raw_path; }

HttpRequest& HttpRequestParser::request() { return message_->request; }

}  // namespace xylem::network
