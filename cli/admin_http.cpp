#include "cli/admin_http.h"

#include "cli/json_document.h"
#include "common/http_client.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace xylem::cli {
namespace {

constexpr int kWrong = 400;
constexpr int kMissing = 404;
constexpr int kNotNow = 503;

Error refused(const std::string& url, const HttpAnswer& answer, const std::string& body) {
  std::string what = url + " answered " + std::to_string(answer.status);
  std::string hint;
  if (const auto problem = parse_document(body)) {
    const auto detail = text_at(*problem, "detail");
    what += ": " + (detail.empty() ? text_at(*problem, "title") : detail);
    hint = text_at(*problem, "hint");
  }
  if (answer.status == kWrong) return {Errc::kInvalidRequest, what, hint};
  if (answer.status == kMissing) return {Errc::kNotFound, what, hint};
  if (answer.status == kNotNow) return {Errc::kUnavailable, what, hint};
  return {Errc::kIo, what, hint};
}

Result<std::string> exchange(const std::string& base_url, const HttpClient::Exchange& request) {
  auto client = HttpClient::create({.base_url = base_url});
  if (!client) return pass(client);
  auto answer = (*client)->exchange(request);
  if (!answer) {
    const auto& error = answer.error();
    return fail(error.code(), "ask " + base_url + ": " + error.what(),
                "an HTTP port is needed: a broker's HTTP_PORT, the registry's REGISTRY_PORT");
  }
  std::string body(text_of(answer->body));
  if (const bool is_good = answer->status >= 200 && answer->status < 300; !is_good)
    return std::unexpected(refused(base_url + request.target, *answer, body));
  return body;
}

template <class Ask>
Result<std::string> first_that_answers(const std::vector<std::string>& urls, const Ask& ask) {
  Result<std::string> answer = fail(Errc::kInvalidRequest, "no broker is named");
  for (const auto& url : urls) {
    answer = ask(url);
    if (answer) return answer;
    const auto code = answer.error().code();
    if (code != Errc::kUnavailable && code != Errc::kTimeout) return answer;
  }
  return answer;
}

}  // namespace

Result<std::string> http_get(const std::string& base_url, const std::string& target) {
  return exchange(base_url, {.target = target});
}

Result<std::string> http_post(const std::string& base_url,
                              const std::string& target,
                              const std::string& body) {
  return exchange(base_url, {.method = "POST",
                             .target = target,
                             .headers = {{"content-type", "application/json"}},
                             .body = bytes_of(body)});
}

Result<std::string> http_delete(const std::string& base_url, const std::string& target) {
  return exchange(base_url, {.method = "DELETE", .target = target});
}

Result<std::string> AdminBrokers::get(const std::string& target) const {
  return first_that_answers(urls, [&](const auto& url) { return http_get(url, target); });
}

Result<std::string> AdminBrokers::post(const std::string& target, const std::string& body) const {
  return first_that_answers(urls, [&](const auto& url) { return http_post(url, target, body); });
}

Result<AdminBrokers> admin_brokers_of(const std::string& list) {
  AdminBrokers brokers;
  std::string_view left = list;
  while (!left.empty()) {
    const auto comma = std::min(left.find(','), left.size());
    std::string url(left.substr(0, comma));
    if (!url.starts_with("http://")) url.insert(0, "http://");
    brokers.urls.push_back(std::move(url));
    left.remove_prefix(std::min(comma + 1, left.size()));
  }
  if (brokers.urls.empty()) return fail(Errc::kInvalidRequest, "--broker names none");
  return brokers;
}

}  // namespace xylem::cli
