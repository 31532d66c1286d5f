#include "pipe/route_table.h"

#include <algorithm>

namespace xylem::pipe {

RouteTable::RouteTable(const Options& options, const Clock& clock, Random& random)
    : options_(options), clock_(clock), random_(random) {}

void RouteTable::add(const LogId& log) { routes_.try_emplace(log); }

void RouteTable::remove(const LogId& log) {
  const auto found = routes_.find(log);
  if (found == routes_.end()) return;
  leave(found->second.at);
  routes_.erase(found);
  plans_.erase(log);
}

const Parent* RouteTable::at(const LogId& log) const {
  const auto found = routes_.find(log);
  return found == routes_.end() ? nullptr : &found->second.at;
}

void RouteTable::served(const LogId& log) {
  const auto found = routes_.find(log);
  if (found == routes_.end()) return;
  found->second.misses = 0;
  const auto planned = plans_.find(log);
  if (planned != plans_.end() && planned->second.due_ms > now_ms()) plans_.erase(planned);
}

void RouteTable::redirect(const LogId& log, const Parent& to, Epoch epoch) {
  const auto found = routes_.find(log);
  if (found == routes_.end()) return;
  auto& route = found->second;
  const bool is_news = epoch > route.epoch;
  if (is_news) {
    route.epoch = epoch;
    route.misses = 0;
  } else if (route.at != home()) {
    ++route.misses;
  }
  if (to == route.at) {
    plans_.erase(log);
    return;
  }
  const auto planned = plans_.find(log);
  if (!is_news && planned != plans_.end() && planned->second.to == to) return;
  plan(log, to, to == home() ? 0 : delay_ms(route.misses));
}

void RouteTable::doubt(const LogId& log) {
  const auto* where = at(log);
  if (where == nullptr || *where == home() || plans_.contains(log)) return;
  plan(log, home(), static_cast<std::int64_t>(options_.doubt_ms));
}

void RouteTable::answered(const Parent& leader) {
  if (const auto found = leaders_.find(leader); found != leaders_.end()) found->second.failures = 0;
}

void RouteTable::failed(const Parent& leader) {
  const auto found = leaders_.find(leader);
  if (found == leaders_.end()) return;
  found->second.retry_at_ms = now_ms() + delay_ms(++found->second.failures);
  for (const auto& [log, route] : routes_) {
    if (route.at == leader) plan(log, home(), 0);
  }
}

void RouteTable::recall() {
  plans_.clear();
  for (const auto& [log, route] : routes_) {
    if (route.at != home()) plan(log, home(), 0);
  }
}

std::vector<RouteTable::Move> RouteTable::take_due() {
  const std::int64_t now = now_ms();
  std::vector<Move> moves;
  for (auto next = plans_.begin(); next != plans_.end();) {
    const auto planned = next++;
    auto& [to, due_ms] = planned->second;
    if (due_ms > now) continue;
    auto& route = routes_.at(planned->first);
    due_ms = open_at_ms(to, route);
    if (due_ms > now) continue;
    moves.push_back({planned->first, route.at, to});
    leave(route.at);
    route.at = to;
    if (to != home()) ++leaders_[to].logs;
    plans_.erase(planned);
  }
  return moves;
}

std::optional<std::int64_t> RouteTable::due_at_ms() const {
  std::optional<std::int64_t> due;
  for (const auto& [log, planned] : plans_)
    due = std::min(due.value_or(planned.due_ms), planned.due_ms);
  return due;
}

std::size_t RouteTable::logs_at(const Parent& leader) const {
  const auto found = leaders_.find(leader);
  return found == leaders_.end() ? 0 : found->second.logs;
}

std::int64_t RouteTable::delay_ms(std::uint32_t failures) {
  if (failures == 0) return 0;
  return static_cast<std::int64_t>(options_.backoff.delay_ms(failures, random_));
}

// What is due already stands; of what is not, the latest news count, and the shorter wait.
void RouteTable::plan(const LogId& log, const Parent& to, std::int64_t after_ms) {
  const std::int64_t now = now_ms();
  const auto [known, is_new] = plans_.try_emplace(log, Plan{to, now + after_ms});
  if (is_new || known->second.due_ms <= now) return;
  known->second = {to, std::min(known->second.due_ms, now + after_ms)};
}

// When `to` may be asked; in the past: now.
std::int64_t RouteTable::open_at_ms(const Parent& to, Route& route) {
  if (to == home()) return 0;
  if (const auto known = leaders_.find(to); known != leaders_.end())
    return known->second.retry_at_ms;
  return make_room() ? 0 : now_ms() + std::max<std::int64_t>(delay_ms(++route.misses), 1);
}

// For one more leader: at the cost of one that nobody asks.
bool RouteTable::make_room() {
  if (leaders_.size() < options_.leaders_max) return true;
  const auto idle = std::ranges::find_if(leaders_, [now = now_ms()](const auto& entry) {
    return entry.second.logs == 0 && entry.second.retry_at_ms <= now;
  });
  if (idle == leaders_.end()) return false;
  leaders_.erase(idle);
  return true;
}

void RouteTable::leave(const Parent& from) {
  if (const auto found = leaders_.find(from); found != leaders_.end()) --found->second.logs;
}

}  // namespace xylem::pipe
