#include "network/http/http_server.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <utility>

namespace xylem::network {
namespace {

std::string_view found_in(const std::map<std::string, std::string>& map, std::string_view name) {
  const auto found = map.find(std::string(name));
  return found == map.end() ? std::string_view() : found->second;
}

using Reason = std::pair<int, std::string_view>;

constexpr auto kReasons = std::to_array<Reason>({
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
});

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

HttpHandler with_arguments(std::vector<std::string> known, HttpHandler handler) {
  return [known = std::move(known), handler = std::move(handler)](const HttpRequest& request,
                                                                  HttpReplyPtr reply) {
    for (const auto& [name, value] : request.query) {
      if (std::ranges::find(known, name) != known.end()) continue;
      std::string hint = known.empty() ? "there are none" : "known:";
      for (const auto& one : known) hint += " " + one;
      return reply->send_error(
          Error(Errc::kInvalidRequest, "unknown query argument \"" + name + "\"", hint));
    }
    handler(request, std::move(reply));
  };
}

HttpResponse HttpResponse::json(int status, std::string text) {
  HttpResponse response;
  response.status = status;
  const auto owned = std::make_shared<const std::string>(std::move(text));
  response.body.push_back(Slice{owned, bytes_of(*owned)});
  return response;
}

HttpResponse HttpResponse::text(int status, std::string text) {
  auto response = json(status, std::move(text));
  response.content_type = "text/plain; charset=utf-8";
  return response;
}

std::string_view reason_phrase(int status) noexcept {
  const auto* found = std::ranges::find(kReasons, status, &Reason::first);
  return found == kReasons.end() ? "Status" : found->second;
}

}  // namespace xylem::network
