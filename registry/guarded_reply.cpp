#include "registry/guarded_reply.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace xylem::registry {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kHeaders{{
    {"content-security-policy", "default-src 'none'; frame-ancestors 'none'"},
    {"x-content-type-options", "nosniff"},
    {"x-frame-options", "DENY"},
    {"referrer-policy", "no-referrer"},
    {"cache-control", "no-store"},
}};

network::HttpResponse guarded(network::HttpResponse response) {
  for (const auto& [name, value] : kHeaders) {
    const bool is_set = std::ranges::any_of(
        response.headers, [&](const auto& header) { return header.first == name; });
    if (!is_set) response.headers.emplace_back(name, value);
  }
  return response;
}

}  // namespace

void GuardedReply::send(network::HttpResponse response) {
  reply_->send(guarded(std::move(response)));
}

void GuardedReply::send_error(const Error& error) { send(network::problem(error)); }

void GuardedReply::start(network::HttpResponse head) { reply_->start(guarded(std::move(head))); }

}  // namespace xylem::registry
