// Sends one partition's batches to its leader and judges the answers: settled, or again later.
// Delayed ones go to the leader of where they wait [network/client/delayed_topic.h].
//
// Threads: the loop's. `settled` runs when an answer or a retry settled something, never inside a
// call; after pump() the caller looks at queue().has_settled() itself.
#pragma once

#include "common/backoff.h"
#include "common/timer.h"
#include "network/client/batch_queue.h"
#include "network/client/context.h"
#include "network/client/leader_directory.h"
#include "network/client/producer.h"

#include <cstdint>
#include <functional>
#include <string>

namespace xylem::network {

class PartitionSender {
 public:
  struct Target {
    std::string topic;
    PartitionId partition;
    bool is_delayed = false;
  };

  PartitionSender(const ClientContext& context,
                  const Producer::Options& options,
                  LeaderDirectory& leaders,
                  Target target,
                  const BatchProducer& first_number,
                  std::function<void(PartitionSender&)> settled);

  [[nodiscard]] PartitionId partition() const { return target_.partition; }

  [[nodiscard]] BatchQueue& queue() { return queue_; }

  // Sends what can be sent now.
  void pump();

  // What waits since `given_ms_max` or longer was not delivered.
  void expire(std::int64_t given_ms_max);

 private:
  // Whose leader takes the batches.
  struct Route {
    std::string topic;
    PartitionId partition;
  };

  [[nodiscard]] Route route() const;
  void send(OutgoingBatch& batch, ClientSession& session);
  void on_answer(std::uint64_t number, const Result<Frame>& answer);
  void on_failure(std::uint64_t number, const Error& why);
  [[nodiscard]] bool is_worth_retrying(const Error& why, const OutgoingBatch& batch) const;
  [[nodiscard]] std::int64_t age_ms(const OutgoingBatch& batch) const;

  ClientContext context_;
  const Producer::Options& options_;
  LeaderDirectory& leaders_;
  Target target_;
  std::function<void(PartitionSender&)> settled_;
  BatchQueue queue_;
  Backoff backoff_;
  Timer retry_;
};

}  // namespace xylem::network
