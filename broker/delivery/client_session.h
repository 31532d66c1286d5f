// One client connection: HELLO, then produce, subscribe, fetch, commit, metadata, administration.
//
// A request that is wrong is answered by ERROR with its id; a frame that breaks the protocol (no
// HELLO first, a payload that does not decode, a type only servers send) ends the connection with
// an ERROR that says so. While more than kProducedBytesMax wait for their commit, the socket is not
// read.
//
// Threads: the loop's.
#pragma once

#include "broker/delivery/client_context.h"
#include "broker/delivery/delivery_failures.h"
#include "broker/delivery/group_reader.h"
#include "broker/delivery/subscription.h"
#include "common/result.h"
#include "common/timer.h"
#include "network/protocol/messages.h"
#include "network/transport/silence.h"
#include "network/transport/transport.h"

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace xylem::broker {

class ClientSession final : public network::ConnectionHandler {
 public:
  static constexpr std::size_t kProducedBytesMax = 16ULL * 1024 * 1024;
  static constexpr std::size_t kSubscriptionsMax = 1'000;
  static constexpr std::size_t kWaitingFetchesMax = 100;
  static constexpr std::size_t kFirstUsesMax = 100;  // topics that one METADATA may create
  static constexpr std::uint32_t kFetchWaitMsMax = 60'000;
  static constexpr std::uint32_t kHeartbeatMs = 3'000;
  static constexpr int kSilentTicksMax = 3;  // of kHeartbeatMs

  struct Hooks {
    std::function<void(ClientSession*)> closed;
    // There is a new subscription; nothing is pushed yet.
    std::function<void(const ClientSession*, const Subscription&)> subscribed;
  };

  ClientSession(ClientContext& context,
                std::shared_ptr<network::Connection> connection,
                Hooks hooks);
  ~ClientSession() override;
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;

  void on_frame(network::Frame frame) override;
  void on_closed(const Error& why) override;

  void on_writable() override { push_all(); }

  void on_partition_moved(const Partition& partition);
  // Something of the topic may be pushed now that might not before.
  void push_topic(const std::string& topic);
  void on_topic_changed(const TopicDefinition& topic, bool removed);

  // What the consumer of `newer`, on another connection, has open here ends.
  void yield_to(const Subscription& newer);

  // To be called every kHeartbeatMs. Closes it when kSilentTicksMax in a row brought nothing.
  void check_alive();

  [[nodiscard]] bool is_consumer() const { return !subscriptions_.empty(); }

 private:
  struct WaitingFetch {
    std::uint64_t id;
    network::Fetch request;
    LogId log;
    std::unique_ptr<Timer> timer;
  };

  void dispatch(const network::Frame& frame);
  void on_hello(const network::Frame& frame);
  void on_produce(const network::Frame& frame);
  void on_ack(const network::Frame& frame);
  void on_refresh_answer(const network::Frame& frame);
  void on_subscribe(const network::Frame& frame);
  void on_commit(const network::Frame& frame);
  void on_fetch(const network::Frame& frame);
  void on_beat(const network::Frame& frame);
  void on_metadata(const network::Frame& frame);
  void on_admin(const network::Frame& frame);
  void on_failure(const network::Frame& frame);

  void produce(const network::Frame& frame,
               const network::Data& data,
               const TopicDefinition& topic);
  // Bytes that wait for their commit.
  void hold(std::size_t bytes);
  void release(std::size_t bytes);
  void acknowledge(std::uint64_t id,
                   std::int8_t acks,
                   const Incarnation& incarnation,
                   const Result<Partition::Appended>& appended);
  // `done` runs only while this is there.
  void commit(const GroupReader& reader,
              const TopicPartition& where,
              const CommittedOffset& offset,
              std::function<void(const Status&)> done);
  Result<bool> try_fetch(std::uint64_t id, const network::Fetch& request, const LogId& log);
  void answer_metadata(std::uint64_t id, const network::MetadataRequest& request);
  [[nodiscard]] network::TopicMetadata describe(const TopicDefinition& topic) const;
  void add_committed(const GroupReader& reader,
                     const TopicDefinition& topic,
                     network::TopicMetadata& metadata) const;
  void push_all();
  void push(std::uint64_t subscription);
  void push_next_turn(std::uint64_t subscription);
  void drop_subscription(std::uint64_t id, const Error& why);
  void send(network::FrameType type, std::uint64_t id, Buffer payload);
  void send_error(std::uint64_t id, const Error& error);
  [[nodiscard]] Error not_owner(const std::string& topic) const;
  void break_off(const Error& why);

  [[nodiscard]] bool is_paused() const { return produced_bytes_ > kProducedBytesMax; }

  ClientContext& context_;
  std::shared_ptr<network::Connection> connection_;
  Hooks hooks_;
  bool greeted_ = false;
  bool has_said_goodbye_ = false;
  std::string client_id_;
  std::optional<Error> broken_off_;
  network::Silence silence_;
  bool has_had_beat_ = false;  // since the last tick; it was answered
  std::size_t produced_bytes_ = 0;
  Subscriptions subscriptions_;
  std::set<std::uint64_t> unfinished_;  // subscriptions that go on in the next turn
  Timer next_turn_;
  std::list<WaitingFetch> fetches_;
  std::shared_ptr<ClientSession*> self_;  // what callbacks hold: null once this is gone
};

}  // namespace xylem::broker
