// One topic of a Consumer on whatever connection there is: subscribes (again), routes what is
// pushed to its partitions, and answers refreshes.
//
// The broker's answer says where each partition begins. Where it is not what was asked for (history
// is gone), that is reported, never silent.
//
// Threads: the loop's.
#pragma once

#include "common/timer.h"
#include "network/client/client_session.h"
#include "network/client/consumer.h"
#include "network/client/partition_delivery.h"
#include "network/client/refresh_state.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace xylem::network {

class Subscription {
 public:
  Subscription(const ClientContext& context,
               ClientSession& session,
               const Consumer::Options& options,
               const Consumer::Handlers& handlers,
               std::string topic,
               std::string member);

  void connected();
  void disconnected();

  // A frame of ours (by id or by topic) that answers no request; false: somebody else's.
  bool on_frame(const Frame& frame);

  void commit(PartitionId partition, Offset next, std::function<void(Status)> done);
  void acknowledge(FrameType type, const Refresh& refresh);
  void pause();
  void resume();

 private:
  void subscribe();
  void ask_partitions();
  void send_subscribe(const std::vector<PartitionId>& listed);
  [[nodiscard]] SubscribePartition first_start() const;  // where no cursor is known
  [[nodiscard]] SubscribePartition start_of(PartitionId partition) const;
  void find_out_of_range(const TopicMetadata& topic);
  void on_answer(const Result<Frame>& answer);
  void take_position(const SubscribedPartition& answer);
  PartitionDelivery& delivery_of(PartitionId partition);
  void on_error(const Error& why, bool is_refused);
  void subscribe_later();
  void drop_undelivered();

  void on_data(const Frame& frame);
  void on_reset(const Refresh& reset);
  void on_ready(const Refresh& ready);
  void tell_ready_once_drained();
  void send_acknowledgement(FrameType type, const Refresh& refresh);
  void give_credit(PartitionId partition,
                   Offset next,
                   const Incarnation& incarnation,
                   std::size_t credit_bytes);
  void report(const Error& why);
  void report_once(const Error& why);  // as long as nothing else happens

  ClientContext context_;
  ClientSession& session_;
  const Consumer::Options& options_;
  const Consumer::Handlers& handlers_;
  std::string topic_;
  std::string member_;
  std::uint64_t id_ = 0;  // of SUBSCRIBE; 0: none on this connection
  Incarnation incarnation_;
  std::vector<SubscribePartition> asked_;  // by the last SUBSCRIBE
  std::map<PartitionId, std::unique_ptr<PartitionDelivery>> deliveries_;
  bool is_out_of_range_ = false;  // some cursor was refused; which one is not known yet
  std::set<PartitionId> reset_;   // begin where Options::reset says
  bool from_reset_ = false;       // all of them do
  bool is_paused_ = false;
  RefreshState refresh_;
  std::optional<Refresh> ready_;  // to tell once everything before it is handled
  std::optional<Errc> reported_;  // the last error, so that waiting says it once
  Backoff backoff_;
  Timer retry_;
};

}  // namespace xylem::network
