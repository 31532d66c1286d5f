#include "network/http/router.h"

#include "common/url.h"

#include <algorithm>
#include <set>
#include <utility>

namespace xylem::network {
namespace {

std::vector<std::string_view> split(std::string_view path) {
  XYLEM_CHECK(path.starts_with('/'));
  std::vector<std::string_view> segments;
  path.remove_prefix(1);
  for (;;) {
    const auto slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

void HttpRouter::add(std::string_view method, std::string_view pattern, HttpHandler handler) {
  Route route{.method = std::string(method), .segments = {}, .handler = std::move(handler)};
  for (auto text : split(pattern)) {
    Segment segment;
    if (text.starts_with('{')) {
      XYLEM_CHECK(text.ends_with('}'));
      text = text.substr(1, text.size() - 2);
      segment.kind = text.ends_with('*') ? Kind::kRest : Kind::kArgument;
      if (segment.kind == Kind::kRest) text.remove_suffix(1);
    }
    segment.text = text;
    XYLEM_CHECK(route.segments.empty() || route.segments.back().kind != Kind::kRest);
    route.segments.push_back(std::move(segment));
  }
  routes_.push_back(std::move(route));
}

bool HttpRouter::matches(const Route& route, const std::vector<std::string_view>& path) {
  for (std::size_t i = 0; i < route.segments.size(); ++i) {
    const auto& segment = route.segments[i];
    if (segment.kind == Kind::kRest) return true;
    if (i >= path.size()) return false;
    if (segment.kind == Kind::kLiteral ? segment.text != path[i] : path[i].empty()) return false;
  }
  return route.segments.size() == path.size();
}

bool HttpRouter::is_better(const Route& left, const Route& right) {
  return std::ranges::lexicographical_compare(left.segments, right.segments, {}, &Segment::kind,
                                              &Segment::kind);
}

Status HttpRouter::bind(const Route& route,
                        const std::vector<std::string_view>& path,
                        std::map<std::string, std::string>& args) {
  for (std::size_t i = 0; i < route.segments.size(); ++i) {
    const auto& segment = route.segments[i];
    if (segment.kind == Kind::kLiteral) continue;
    std::string value;
    const std::size_t last = segment.kind == Kind::kRest ? path.size() : i + 1;
    for (std::size_t at = i; at < last; ++at) {
      auto decoded = percent_decode(path[at]);
      if (!decoded) return pass(decoded);
      if (at > i) value += '/';
      value += *decoded;
    }
    args.insert_or_assign(segment.text, std::move(value));
  }
  return {};
}

Result<HttpRouter::Found> HttpRouter::find(std::string_view method,
                                           std::string_view raw_path) const {
  const auto path = split(raw_path);
  Found found;
  const Route* best = nullptr;
  std::set<std::string> allowed;
  for (const auto& route : routes_) {
    if (!matches(route, path)) continue;
    allowed.insert(route.method);
    if (route.method == "GET") allowed.insert("HEAD");
    if (route.method != (method == "HEAD" ? "GET" : method)) continue;
    if (best == nullptr || is_better(route, *best)) best = &route;
  }
  for (const auto& one : allowed) found.allow += (found.allow.empty() ? "" : ", ") + one;
  if (best == nullptr) return found;
  found.handler = &best->handler;
  if (auto bound = bind(*best, path, found.args); !bound) return pass(bound);
  return found;
}

}  // namespace xylem::network
