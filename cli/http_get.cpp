#include "cli/http_get.h"

#include "cli/json_document.h"
#include "common/http_client.h"

#include <utility>

namespace xylem::cli {
namespace {

constexpr int kOk = 200;
constexpr int kMissing = 404;
constexpr int kNotNow = 503;

Error refused(const std::string& url, const HttpAnswer& answer, const std::string& body) {
  std::string what = url + " answered " + std::to_string(answer.status);
  if (const auto problem = parse_document(body)) {
    const auto detail = text_at(*problem, "detail");
    what += ": " + (detail.empty() ? text_at(*problem, "title") : detail);
  }
  if (answer.status == kMissing) return {Errc::kNotFound, what};
  if (answer.status == kNotNow) return {Errc::kUnavailable, what};
  return {Errc::kIo, what};
}

}  // namespace

Result<std::string> http_get(const std::string& base_url, const std::string& target) {
  auto client = HttpClient::create({.base_url = base_url});
  if (!client) return pass(client);
  auto answer = (*client)->exchange({.target = target});
  if (!answer) return pass(answer, "ask " + base_url);
  std::string body(text_of(answer->body));
  if (answer->status != kOk) return std::unexpected(refused(base_url + target, *answer, body));
  return body;
}

}  // namespace xylem::cli
