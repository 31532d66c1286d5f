#include "registry/root_client.h"

#include "registry/json_fields.h"

#include <algorithm>

namespace xylem::registry {
namespace {

// The root that a NOT_LEADER problem names, when it is one of ours.
std::string leader_named_by(const HttpAnswer& answer, const std::vector<std::string>& roots) {
  if (answer.status < 400) return {};
  auto document = JsonDocument::parse(answer.body);
  if (!document) return {};
  auto fields = document->fields();
  constexpr std::size_t kHintMax = 256;
  if (fields.text("code", kHintMax) != to_string(Errc::kNotLeader)) return {};
  const auto hint = fields.text("hint", kHintMax);
  const auto found = std::ranges::find(roots, hint);
  return found == roots.end() ? std::string() : *found;
}

}  // namespace

Result<HttpAnswer> RootClient::exchange(const RootRequest& request) {
  Result<HttpAnswer> answer = fail(Errc::kUnavailable, "no broker of the root tier is registered",
                                   "start one: xylem-broker with the role ROOT");
  for (const auto& root : request.roots) {
    answer = exchange_with(root, request);
    if (answer) {
      const auto leader = leader_named_by(*answer, request.roots);
      return leader.empty() || leader == root ? std::move(answer) : exchange_with(leader, request);
    }
    if (request.method != "GET" || answer.error().code() == Errc::kCancelled) break;
  }
  return answer;
}

Result<HttpAnswer> RootClient::exchange_with(const std::string& root, const RootRequest& request) {
  auto client = client_of(root);
  if (!client) return pass(client, "root " + root);
  HttpClient::Exchange exchange{.method = request.method,
                                .target = request.target,
                                .body = request.body,
                                .timeout_ms = kTimeoutMs};
  if (!request.content_type.empty())
    exchange.headers.emplace_back("content-type", request.content_type);
  auto answer = (*client)->exchange(exchange);
  if (!answer) return pass(answer, "root " + root);
  return answer;
}

Result<HttpClient*> RootClient::client_of(const std::string& root) {
  const std::lock_guard lock(mutex_);
  if (is_closed_) return fail(Errc::kCancelled, "the registry is stopping");
  auto& client = clients_[root];
  if (client == nullptr) {
    auto made =
        HttpClient::create({.base_url = "http://" + root, .body_bytes_max = kAnswerBytesMax});
    if (!made) return pass(made);
    client = *std::move(made);
  }
  return client.get();
}

void RootClient::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  for (auto& [root, client] : clients_)
    if (client != nullptr) client->cancel();
}

}  // namespace xylem::registry
