// The refreshes of this broker: those that run, and the last that have ended.
//
// Threads: the loop's.
#pragma once

#include "broker/refresh/refresh_status.h"
#include "common/result.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xylem::broker {

class Refreshes {
 public:
  using Hook = std::function<void(const RefreshStatus&)>;

  // Starts one, and is done with the older one of that topic, which ends ABORTED. `id`: the
  // caller's: not 0, above those of the topic's older ones; one that is known is answered as it
  // stands. Without, the next one is taken. `by`: who wants it, for the record.
  // kUnknownTopicOrPartition, kInvalidRequest (a broker's own topic; an id below an older one),
  // kUnavailable (not all of the topic is here), kQuotaExceeded (too many run).
  Result<RefreshStatus> start(const std::string& topic,
                              const std::string& reason,
                              std::optional<std::uint64_t> id,
                              const std::string& by = {});

  // Ends it: consumers keep the copies they have. kNotFound: there is no such refresh;
  // kInvalidRequest: it has ended.
  Status abort(std::uint64_t id, const std::string& why);

  // The newest first.
  [[nodiscard]] std::vector<RefreshStatus> list() const;

  [[nodiscard]] std::optional<RefreshStatus> find(std::uint64_t id) const;

  // Told of every change of state, after it is on disk.
  void on_change(Hook hook) { hooks_.push_back(std::move(hook)); }

 private:
  std::map<std::uint64_t, RefreshStatus> all_;
  std::vector<Hook> hooks_;
};

}  // namespace xylem::broker
