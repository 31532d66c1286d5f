// One SUBSCRIBE of one connection: pushes batches of a topic's partitions, in order, as credit
// allows.
//
// Credit is in bytes of batches; a push needs some and may overdraw it by one batch. A consumer
// that stops acknowledging costs its cursors. Partitions take turns.
//
// With a filter, what does not match is looked at and not sent (filtered_batches.h); one push looks
// at kFilteredBytesMax and one batch more, unpacked, so that the loop has its turn.
//
// Where deliveries to a group are counted, it knows of each partition what was pushed and is not
// acknowledged: the first record of that is what a consumer failed at that is lost. While a dead
// letter is being stored nothing is pushed; one that is stored is left out.
//
// What of the topic is not here is named in the answer, with its leader.
//
// A cursor that is below the log's start, at the beginning or later, is told a GAP and moves to
// that start, where the consumer takes gaps; it is next in line then.
//
// Who asked for every partition, and gets them all here, takes part in refreshes: a replay of the
// topic is pushed beside live data, of the same credit, of which it leaves some.
//
// Threads: the loop's.
#pragma once

#include "broker/delivery/client_context.h"
#include "broker/delivery/group_reader.h"
#include "broker/delivery/record_filter.h"
#include "broker/refresh/refresh_consumer.h"
#include "broker/refresh/refresh_seat.h"
#include "common/ids.h"
#include "common/result.h"
#include "network/protocol/messages.h"
#include "network/transport/transport.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace xylem::broker {

class Subscription final : public RefreshConsumer {
 public:
  // Small enough that a turn of the loop, which ends in the kernel's copy of all that is queued,
  // does not keep the other consumers waiting.
  static constexpr std::size_t kPushBytesMax = 512ULL * 1024;  // of one DATA frame
  static constexpr std::int64_t kLiveCreditShare = 4;  // of credit, a fourth, is no replay's
  static constexpr std::size_t kQueuedBytesMax = 512ULL * 1024;  // waiting in the connection
  static constexpr std::size_t kFilteredBytesMax = 256ULL * 1024;  // looked at in one push

  // kInvalidRequest (a filter that is none), kUnknownTopicOrPartition (no such topic),
  // kOffsetOutOfRange (an offset asked for that is not
  // here), kStaleGeneration (a cursor of another incarnation).
  static Result<Subscription> open(ClientContext& context,
                                   network::Connection& connection,
                                   std::uint64_t id,
                                   network::Subscribe request);

  [[nodiscard]] network::SubscribeAnswer answer() const;

  // Sends what it may. True: there is more, for the next turn of the loop. An error ends the
  // subscription: the caller tells the client and drops it.
  Result<bool> push();

  // kUnknownTopicOrPartition: an acknowledgement for what was never subscribed.
  Status on_ack(const network::DeliveryAck& ack);

  [[nodiscard]] bool follows(const LogId& log) const;

  // What was not acknowledged of a partition, when the consumer was lost.
  struct Head {
    PartitionId partition;
    Incarnation incarnation;
    Offset next;    // acknowledged below
    Offset record;  // the first one that was pushed
  };

  // Of the partitions where there is such a record, if deliveries are counted.
  [[nodiscard]] std::vector<Head> heads() const;

  // nullopt: that record was not pushed, or nothing is counted. Else up to where the partition is
  // acknowledged.
  [[nodiscard]] std::optional<Offset> pushed(PartitionId partition,
                                             const Incarnation& incarnation,
                                             Offset offset) const;

  [[nodiscard]] bool is_counted() const { return dead_letter_after_ > 0; }

  // Nothing will ever be pushed.
  [[nodiscard]] bool is_empty() const { return places_.empty() && !request_.every; }

  [[nodiscard]] const network::Subscribe& request() const { return request_; }

  [[nodiscard]] std::uint64_t id() const { return id_; }

  [[nodiscard]] GroupReader reader() const {
    return {request_.group, request_.member, request_.instance};
  }

  // Some partition is pushed by both.
  [[nodiscard]] bool overlaps(const Subscription& other) const;

  // Whose place in the partition it moves: the group's, or of a broadcast topic its instance's.
  [[nodiscard]] GroupPartition group_at(PartitionId partition) const {
    return {request_.group, request_.topic, partition, instance_};
  }

  // The topic may have more partitions than before. False: one that belongs to this subscription is
  // not here, or deliveries are counted from now on, or not any more: the client must ask again.
  [[nodiscard]] bool extend(const TopicDefinition& topic);

  // Takes part in refreshes from now on, where it may; it must stay where it is. `name`: the
  // client's; `wake` asks for push() soon.
  void sit_down(std::string name, std::function<void()> wake);

  [[nodiscard]] const RefreshSeat& seat() const { return seat_; }

  void send_refresh(network::FrameType type, const network::Refresh& refresh) override;
  std::vector<Offset> begin_replay(std::uint64_t refresh_id) override;
  Result<std::size_t> push_replay() override;
  [[nodiscard]] std::vector<Offset> replayed() const override;
  [[nodiscard]] std::vector<Offset> live() const override;
  void hold_live() override;
  void end_replay(bool has_swapped) override;

 private:
  struct Place {
    LogId log;
    Offset cursor;
    Offset next;  // acknowledged below
    network::TakesGaps takes_gaps = network::TakesGaps::kNo;
  };

  Subscription(ClientContext& context,
               network::Connection& connection,
               std::uint64_t id,
               network::Subscribe request);

  [[nodiscard]] Result<Offset> resolve(const TopicDefinition& topic,
                                       const Partition& partition,
                                       const network::SubscribePartition& wish) const;
  Status add(const TopicDefinition& topic, const network::SubscribePartition& wish);
  [[nodiscard]] Offset committed_or_reset(const TopicDefinition& topic,
                                          const Partition& partition,
                                          const network::SubscribePartition& wish) const;
  Status tell_gap(Place& place, const Partition& partition);
  Result<bool> push_live();
  // `refresh_id`: 0: live data.
  Result<bool> push_one(Place& place, std::int64_t credit_bytes, std::uint64_t refresh_id);
  void send(const Place& place,
            const Partition& partition,
            std::vector<Slice> slices,
            std::uint64_t refresh_id);
  [[nodiscard]] bool is_whole() const;
  [[nodiscard]] bool is_fresh() const;
  static std::vector<Offset> cursors_of(const std::vector<Place>& places);

  void note_handled(Place& place, const network::DeliveryAck& ack) const;
  [[nodiscard]] bool may_push(const Place& place) const;
  [[nodiscard]] std::optional<Offset> left_out(const Place& place) const;
  [[nodiscard]] std::uint32_t dead_letter_after(const TopicDefinition& topic) const;
  [[nodiscard]] std::optional<Offset> first_pushed(const Place& place) const;

  ClientContext* context_;
  network::Connection* connection_;
  std::uint64_t id_;
  network::Subscribe request_;
  Incarnation incarnation_;
  std::string instance_;  // of a broadcast topic
  std::vector<Place> places_;
  std::vector<network::PartitionElsewhere> elsewhere_;
  std::int32_t partitions_known_ = 0;  // of the topic
  std::size_t turn_ = 0;
  std::int64_t credit_bytes_ = 0;
  std::optional<RecordFilter> filter_;
  std::uint64_t refresh_id_ = 0;  // of the replay; 0: none
  std::vector<Place> replay_;
  std::size_t replay_turn_ = 0;
  bool is_live_held_ = false;
  std::function<void()> wake_;
  RefreshSeat seat_;
  std::uint32_t dead_letter_after_ = 0;  // 0: deliveries are not counted
};

// How many batches a read gave.
std::uint32_t count_batches(std::span<const Slice> slices);

}  // namespace xylem::broker
