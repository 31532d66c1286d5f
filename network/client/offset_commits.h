// What a consumer has to commit: of each partition the newest, which covers all below it. No I/O.
//
// What was sent and came to nothing is due again, as long as nothing newer is.
//
// Threads: one.
#pragma once

#include "common/ids.h"
#include "common/result.h"
#include "network/client/consumer.h"

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace xylem::network {

class OffsetCommits {
 public:
  using Done = std::function<void(Status)>;

  struct Place {
    std::string topic;
    PartitionId partition;

    auto operator<=>(const Place&) const = default;
  };

  struct Commit {
    Place where;
    Cursor next;
  };

  // `done`, where there is one, hears what became of it, at the latest after `until_ms`.
  // kInvalidRequest: it is below an earlier one.
  Status add(const Place& where, const Cursor& next, Done done, std::int64_t until_ms);

  // To be sent now; not due any more.
  [[nodiscard]] std::vector<Commit> take_due();

  [[nodiscard]] bool is_waiting() const;

  // The broker has answered. True: nobody waits to hear why it refused.
  bool settle(const Commit& sent, const Status& outcome);

  // Whoever waits longer than it wanted is told.
  void expire(std::int64_t now_ms);

  // No use in trying again.
  [[nodiscard]] static bool is_refused(const Error& why);

 private:
  struct Waiting {
    Cursor next;
    Done done;
    std::int64_t until_ms;
  };

  struct Partition {
    Cursor newest;
    bool is_due = false;
    std::vector<Waiting> waiting;
  };

  std::map<Place, Partition> partitions_;
};

}  // namespace xylem::network
