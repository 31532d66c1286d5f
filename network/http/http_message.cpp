#include "network/http/http_server.h"

#include <charconv>

namespace xylem::network {
namespace {

std::string_view found_in(const std::map<std::string, std::string>& map, std::string_view name) {
  const auto found = map.find(std::string(name));
  return found == map.end() ? std::string_view() : found->second;
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
  return found_in(headers, name);
}

std::string_view HttpRequest::argument(std::string_view name) const {
  return found_in(query, name);
}

Result<std::int64_t> HttpRequest::number(std::string_view name,
                                         std::int64_t fallback,
                                         std::int64_t min,
                                         std::int64_t max) const {
  const auto found = query.find(std::string(name));
  if (found == query.end()) return fallback;
  const auto& text = found->second;
  std::int64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stopped != end || value < min || value > max)
    return fail(Errc::kInvalidRequest, std::string(name) + " must be a number from " +
                                           std::to_string(min) + " to " + std::to_string(max));
  return value;
}

HttpResponse HttpResponse::json(int status, std::string text) {
  HttpResponse response;
  response.status = status;
  response.body.push_back(Slice::copy(bytes_of(text)));
  return response;
}

HttpResponse HttpResponse::text(int status, std::string text) {
  auto response = json(status, std::move(text));
  response.content_type = "text/plain; charset=utf-8";
  return response;
}

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Status";
  }
}

}  // namespace xylem::network
