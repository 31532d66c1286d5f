#include "broker/topology/refresh_orders.h"

#include "broker/json/json_text.h"
#include "common/ids.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <numeric>
#include <set>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;

std::unexpected<Error> wrong(std::string_view what) {
  return fail(Errc::kInvalidRequest, "field \"refreshes\": " + std::string(what));
}

// At most INT64_MAX: a parent may tell any offsets.
std::int64_t sum(const std::vector<Offset>& offsets) {
  return std::accumulate(offsets.begin(), offsets.end(), std::int64_t{0},
                         [](std::int64_t all, Offset one) {
                           const auto more = std::max<std::int64_t>(0, one.value());
                           return all + std::min(more, INT64_MAX - all);
                         });
}

ReportedRefresh reported(const RefreshStatus& status) {
  return {.id = refresh_id_text(status.id),
          .topic = status.topic,
          .state = std::string(to_string(status.state)),
          .consumers = static_cast<std::int64_t>(status.consumers),
          .consumers_reset = static_cast<std::int64_t>(status.consumers_reset),
          .consumers_ready = static_cast<std::int64_t>(status.consumers_ready),
          .replayed = sum(status.replayed),
          .to_replay = sum(status.barrier),
          .failure = status.failure};
}

Result<RefreshOrder> order_of(const Json& item) {
  if (!item.is_object()) return wrong("an order is an object");
  const auto id = item.find("id");
  const auto topic = item.find("topic");
  if (id == item.end() || !id->is_string()) return wrong("an order has an id");
  auto number = refresh_id_of(id->get_ref<const std::string&>());
  if (!number) return pass(number, "field \"refreshes\"");
  if (topic == item.end() || !topic->is_string()) return wrong("an order has a topic");
  RefreshOrder order{.id = *number, .topic = topic->get<std::string>()};
  if (auto good = check_topic_name(order.topic); !good) return pass(good, "field \"refreshes\"");
  if (const auto reason = item.find("reason"); reason != item.end() && reason->is_string())
    order.reason = reason->get<std::string>();
  if (order.reason.size() > kOrderReasonMax)
    return wrong("a reason has at most " + std::to_string(kOrderReasonMax) + " bytes");
  const auto stop = item.find("stop");
  order.stop = stop != item.end() && stop->is_boolean() && stop->get<bool>();
  return order;
}

}  // namespace

Result<std::vector<RefreshOrder>> refresh_orders_from_json(std::string_view answer) {
  auto object = parse_json_object(answer, "the registry's answer");
  if (!object) return pass(object);
  std::vector<RefreshOrder> orders;
  const auto found = object->find("refreshes");
  if (found == object->end()) return orders;
  if (!found->is_array() || found->size() > kOrdersMax)
    return wrong("is no list of at most " + std::to_string(kOrdersMax) + " orders");
  for (const auto& item : *found) {
    auto order = order_of(item);
    if (!order) return pass(order);
    orders.push_back(*std::move(order));
  }
  return orders;
}

RefreshOrders::RefreshOrders(Logger& logger, const Clock& clock, Hooks hooks)
    : logger_(logger), clock_(clock), hooks_(std::move(hooks)), began_ms_(clock.monotonic_ms()) {}

void RefreshOrders::take(const std::vector<RefreshOrder>& orders) {
  std::set<std::uint64_t> held;
  for (const auto& order : orders) held.insert(order.id);
  std::erase_if(refused_, [&](const auto& refused) { return !held.contains(refused.first); });
  std::erase_if(put_off_, [&](const auto& since) { return !held.contains(since.first); });
  orders_ = orders;
  for (const auto& order : orders) {
    if (order.stop) {
      stop(order);
    } else {
      start(order);
    }
  }
}

void RefreshOrders::start(const RefreshOrder& order) {
  if (refused_.contains(order.id) || hooks_.find(order.id)) return;
  if (!put_off_.contains(order.id))
    logger_.info("refresh.ordered", {{"id", refresh_id_text(order.id)}, {"topic", order.topic}});
  if (auto started = hooks_.start(order); !started) {
    if (!put_off(order, started.error())) refuse(order, started.error().what());
    return;
  }
  put_off_.erase(order.id);
  hooks_.hurry();
}

bool RefreshOrders::may_pass(const Error& why) const {
  if (why.code() == Errc::kUnknownTopicOrPartition)
    return clock_.monotonic_ms() - began_ms_ < kTopicsComeMs;
  return why.code() == Errc::kUnavailable || why.code() == Errc::kQuotaExceeded;
}

// True: the next answer says it again.
bool RefreshOrders::put_off(const RefreshOrder& order, const Error& why) {
  if (!may_pass(why)) return false;
  const auto now_ms = clock_.monotonic_ms();
  const auto [since, is_first] = put_off_.emplace(order.id, now_ms);
  if (now_ms - since->second >= kPutOffMs) return false;
  if (is_first)
    logger_.info("refresh.put_off",
                 {{"id", refresh_id_text(order.id)}, {"topic", order.topic}, {"why", why.what()}});
  return true;
}

void RefreshOrders::stop(const RefreshOrder& order) {
  const auto status = hooks_.find(order.id);
  if (!status) {
    if (!refused_.contains(order.id)) refuse(order, "it was stopped before it began");
    return;
  }
  if (is_over(status->state)) return;
  if (auto stopped = hooks_.abort(order.id); !stopped)
    logger_.warn("refresh.not_stopped",
                 {{"id", refresh_id_text(order.id)}, {"error", stopped.error().what()}});
}

void RefreshOrders::refuse(const RefreshOrder& order, const std::string& why) {
  logger_.warn("refresh.refused",
               {{"id", refresh_id_text(order.id)}, {"topic", order.topic}, {"error", why}});
  put_off_.erase(order.id);
  refused_[order.id] = {.id = refresh_id_text(order.id),
                        .topic = order.topic,
                        .state = std::string(to_string(RefreshState::kAborted)),
                        .failure = why};
  hooks_.hurry();
}

void RefreshOrders::on_change(const RefreshStatus& status) {
  if (std::ranges::find(orders_, status.id, &RefreshOrder::id) != orders_.end()) hooks_.hurry();
}

std::vector<ReportedRefresh> RefreshOrders::report() const {
  auto all = hooks_.list();
  std::ranges::stable_partition(all, [](const auto& status) { return !is_over(status.state); });
  std::vector<ReportedRefresh> reports;
  for (const auto& [id, refused] : refused_) reports.push_back(refused);
  for (const auto& status : all) {
    if (reports.size() >= kReportedMax) break;
    reports.push_back(reported(status));
  }
  return reports;
}

}  // namespace xylem::broker
