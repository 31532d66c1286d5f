// One topic at one broker: subscribes, again after every loss, and routes what is pushed to the
// topic.
//
// The broker's answer says where each partition begins. Where it is not what was asked for (history
// is gone), that is reported, never silent.
//
// Threads: the loop's. Must live as long as its session.
#pragma once

#include "common/timer.h"
#include "network/client/client_session.h"
#include "network/client/consumed_topic.h"
#include "network/client/consumer.h"
#include "network/client/partition_delivery.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <vector>

namespace xylem::network {

class Subscription {
 public:
  // How long a member waits that was told that its instance is another one's: longer than its
  // group's coordinator takes to say so too.
  static constexpr std::uint64_t kOutdoneWaitMs = 5'000;

  using Partitions = std::set<PartitionId>;

  struct Hooks {
    // The broker has answered, and these are elsewhere.
    std::function<void(const std::vector<PartitionElsewhere>&)> answered;
    // The broker was lost, or it refused or ended the subscription.
    std::function<void()> failed;
  };

  // `only`: of the topic; nullopt: all that the options say, also later ones.
  Subscription(const ClientContext& context,
               ClientSession& session,
               const Consumer::Options& options,
               const Consumer::Handlers& handlers,
               ConsumedTopic& topic,
               std::optional<Partitions> only,
               Hooks hooks);

  ~Subscription() { topic_.release(*this); }

  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  void connected() { subscribe(); }

  // What the topic was assigned has changed.
  void assigned() { subscribe(); }

  void disconnected();

  // From now on only these; subscribes again unless it has exactly them.
  void want(Partitions only);

  // After a back-off, unless everything is served by then.
  void subscribe_later();

  // A frame of ours (by id or by topic) that answers no request; false: somebody else's.
  bool on_frame(const Frame& frame);

  // Of what the broker answered last.
  [[nodiscard]] const Incarnation& incarnation() const { return incarnation_; }

  [[nodiscard]] bool is_wanted() const { return !only_ || !only_->empty(); }

  [[nodiscard]] bool is_connected() const { return session_.is_ready(); }

  // The broker counts what it delivers.
  [[nodiscard]] bool is_counted() const { return is_counted_; }

  // Nothing waits to be sent.
  [[nodiscard]] bool is_sent() const { return session_.queued_bytes() == 0; }

  // Only while is_connected().
  void commit(PartitionId partition, Offset next, std::function<void(Status)> done);
  void tell_failure(PartitionId partition,
                    const Cursor& at,
                    const Error& why,
                    PartitionDelivery::Judged judged);
  void give_credit(PartitionId partition,
                   const Cursor& next,
                   std::size_t credit_bytes,
                   std::uint64_t refresh_id);
  void send_acknowledgement(FrameType type, const Refresh& refresh);

 private:
  void subscribe();
  void ask_partitions();
  [[nodiscard]] bool starts_at_committed() const;
  [[nodiscard]] bool needs_committed() const;
  void ask_committed();
  void send_subscribe();
  [[nodiscard]] std::vector<PartitionId> listed() const;
  [[nodiscard]] TakesGaps takes_gaps() const;
  [[nodiscard]] SubscribePartition first_start() const;  // where no cursor is known
  [[nodiscard]] SubscribePartition start_of(PartitionId partition) const;
  void find_out_of_range(const TopicMetadata& topic);
  void on_answer(const Result<Frame>& answer);
  void take_position(const SubscribedPartition& answer);
  void on_error(const Error& why, bool is_refused);
  void outdone(const Error& why);
  void on_data(const Frame& frame);
  void on_gap(const Frame& frame);
  void drop();

  ClientContext context_;
  ClientSession& session_;
  const Consumer::Options& options_;
  const Consumer::Handlers& handlers_;
  ConsumedTopic& topic_;
  std::optional<Partitions> only_;
  Hooks hooks_;
  std::uint64_t id_ = 0;  // of SUBSCRIBE; 0: none on this connection
  Incarnation incarnation_;
  std::vector<SubscribePartition> asked_;  // by the last SUBSCRIBE
  bool is_counted_ = false;
  bool is_whole_ = false;         // nothing that was asked for is elsewhere
  bool is_out_of_range_ = false;  // some cursor was refused; which one is not known yet
  Partitions reset_;              // begin where Options::reset says
  bool from_reset_ = false;       // all of them do
  Timer retry_;
};

}  // namespace xylem::network
