// The registry's orders to refresh topics, carried out by this broker.
//
// Orders come in the answer to every heartbeat for as long as they hold, so carrying one out twice
// changes nothing; what became of them is in the next report. An order that cannot be carried out
// is reported as an aborted refresh, and not tried again; but what may pass is: too many refreshes,
// not all there yet, and, just after the start, a topic that is not known.
//
// Limits: kOrdersMax orders an answer; kReportedMax refreshes a report, those that run first;
// kPutOffMs.
// Errors: kInvalidRequest names the field that is missing or wrong.
// Threads: the loop's.
#pragma once

#include "broker/refresh/refresh_status.h"
#include "broker/topology/node_report.h"
#include "common/clock.h"
#include "common/logger.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::broker {

inline constexpr std::size_t kOrdersMax = 64;
inline constexpr std::size_t kOrderReasonMax = 500;  // bytes

struct RefreshOrder {
  std::uint64_t id = 0;
  std::string topic;
  std::string reason;  // empty: not said
  bool stop = false;

  bool operator==(const RefreshOrder&) const = default;
};

// The field `refreshes` of an answer; none without it.
Result<std::vector<RefreshOrder>> refresh_orders_from_json(std::string_view answer);

class RefreshOrders {
 public:
  static constexpr std::size_t kReportedMax = 64;
  static constexpr std::int64_t kTopicsComeMs = 30'000;  // after the start
  // How long an order is tried again: the registry hears why before it gives up on the node.
  static constexpr std::int64_t kPutOffMs = 45'000;

  // What this broker does with them.
  struct Hooks {
    std::function<Status(const RefreshOrder&)> start;
    std::function<Status(std::uint64_t id)> abort;
    std::function<std::vector<RefreshStatus>()> list;  // the newest first
    std::function<std::optional<RefreshStatus>(std::uint64_t id)> find;
    std::function<void()> hurry;  // there is something to report
  };

  // Made when the broker starts.
  RefreshOrders(Logger& logger, const Clock& clock, Hooks hooks);

  // All that hold now.
  void take(const std::vector<RefreshOrder>& orders);

  // A refresh of this broker has changed its state.
  void on_change(const RefreshStatus& status);

  [[nodiscard]] std::vector<ReportedRefresh> report() const;

 private:
  void start(const RefreshOrder& order);
  void stop(const RefreshOrder& order);
  void refuse(const RefreshOrder& order, const std::string& why);
  [[nodiscard]] bool may_pass(const Error& why) const;
  bool put_off(const RefreshOrder& order, const Error& why);

  Logger& logger_;
  const Clock& clock_;
  Hooks hooks_;
  std::vector<RefreshOrder> orders_;                  // that held last
  std::map<std::uint64_t, ReportedRefresh> refused_;  // of these
  std::map<std::uint64_t, std::int64_t> put_off_;     // of these, since when
  std::int64_t began_ms_;
};

}  // namespace xylem::broker
