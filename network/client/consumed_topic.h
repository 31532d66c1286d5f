// One topic of a Consumer, whichever brokers serve its partitions: who serves each, a delivery with
// its cursor for each, the refresh that runs.
//
// Partitions move between brokers; what was not handled then comes again from the next one, from
// the cursor on.
//
// Threads: the loop's.
#pragma once

#include "common/backoff.h"
#include "network/client/consumer.h"
#include "network/client/context.h"
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

class GroupCoordinator;
class Subscription;

class ConsumedTopic {
 public:
  ConsumedTopic(const ClientContext& context,
                const Consumer::Options& options,
                const Consumer::Handlers& handlers,
                GroupCoordinator& coordinator,
                std::string name,
                std::string member);

  [[nodiscard]] const std::string& name() const { return name_; }

  [[nodiscard]] const std::string& member() const { return member_; }

  [[nodiscard]] GroupCoordinator& coordinator() const { return coordinator_; }

  // What the group's coordinator said of all partitions.
  void know_committed(const TopicMetadata& topic);
  [[nodiscard]] std::optional<Cursor> committed(PartitionId partition) const;

  // nullopt: it was never served.
  [[nodiscard]] std::optional<Cursor> cursor(PartitionId partition) const;

  // Of its cursor; of what `asked` said where it was never served.
  [[nodiscard]] Incarnation incarnation_of(PartitionId partition, const Subscription& asked) const;

  // Partitions that are known, in order.
  [[nodiscard]] std::vector<PartitionId> partitions() const;

  // Of a group's member: only these, from now on; what else was served is given up.
  void assign(std::set<PartitionId> partitions);

  // nullopt: it is no member, and has all.
  [[nodiscard]] const std::optional<std::set<PartitionId>>& assigned() const { return assigned_; }

  // They belong to the topic; nobody need serve them yet.
  void note(PartitionId partition) { servers_.try_emplace(partition); }

  // From now on `server`, which has `told` this of the partition, pushes it, and nobody else; the
  // cursor is `at`.
  void serve(Subscription& server, const SubscribedPartition& told, const Cursor& at);

  // `server` pushes nothing any more.
  void release(const Subscription& server);

  // Null: nobody.
  [[nodiscard]] Subscription* server_of(PartitionId partition) const;

  // Every known partition is.
  [[nodiscard]] bool is_served() const;

  // A broker has answered: tells the handler what is served now and what is not.
  void tell_subscribed(const Incarnation& incarnation);

  // How long to wait before the next attempt at what is not served. Grows until everything is.
  std::uint64_t retry_in_ms() { return backoff_.next_ms(context_.random); }

  // An error: what `from` sends cannot be trusted any more.
  Status on_data(Subscription& from, const Data& data);
  Status on_gap(Subscription& from, const Gap& gap);
  void on_reset(Subscription& from, const Refresh& reset);
  void on_ready(Subscription& from, const Refresh& ready);
  // What the caller has seen to, to be sent to the broker.
  void acknowledged(FrameType type, const Refresh& refresh);

  // Nothing is subscribed to any more.
  void stop() { is_stopped_ = true; }

  [[nodiscard]] bool is_stopped() const { return is_stopped_; }

  void pause();
  void resume();

  void report(const Error& why);
  void report_once(const Error& why);  // as long as nothing else happens

 private:
  struct Server {
    Subscription* subscription = nullptr;
    SubscribedPartition told;
  };

  // At most once: answered when it is durable.
  void commit_before(PartitionId partition,
                     const Cursor& next,
                     std::function<void(const Status&)> done);
  PartitionDelivery& delivery_of(PartitionId partition);
  void tell_gap(const Gap& gap) const;
  void tell_ready_once_drained();

  ClientContext context_;
  const Consumer::Options& options_;
  const Consumer::Handlers& handlers_;
  GroupCoordinator& coordinator_;
  std::string name_;
  std::string member_;
  std::map<PartitionId, Server> servers_;
  std::map<PartitionId, std::unique_ptr<PartitionDelivery>> deliveries_;
  std::map<PartitionId, Cursor> committed_;
  std::optional<std::set<PartitionId>> assigned_;
  bool is_paused_ = false;
  bool is_stopped_ = false;  // another consumer has its instance
  RefreshState refresh_;
  Subscription* refreshed_by_ = nullptr;  // whose RESET or READY was the last
  std::optional<Refresh> ready_;          // to tell once everything before it is handled
  std::optional<Errc> reported_;          // the last error, so that waiting says it once
  Backoff backoff_;
};

}  // namespace xylem::network
