// One connection to one of a list of brokers, kept up: HELLO, requests paired with their answers,
// heartbeats, and the next broker when it is lost.
//
// Every request has a timeout. When one passes, the whole connection is given up: on a stream that
// keeps order, nothing behind a lost answer could be trusted. A connection is dead, too, when
// nothing was heard for three of the heartbeat intervals that the server named.
//
// Threads: the loop's. Callbacks run on the loop, never inside the call that caused them, and must
// not destroy the session.
// Errors: an ERROR frame is the answer's Error; kTimeout; kUnavailable: the connection was lost
// first, and what was asked may or may not have been done.
#pragma once

#include "common/backoff.h"
#include "common/timer.h"
#include "network/client/context.h"
#include "network/protocol/messages.h"
#include "network/transport/silence.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace xylem::network {

class ClientSession final : private ConnectionHandler {
 public:
  static constexpr std::size_t kOutputHighBytes = 8ULL * 1024 * 1024;
  static constexpr int kSilentBeatsMax = 3;

  struct Options {
    std::vector<Address> brokers;  // tried in turn; at least one
    std::string client_id;
    std::string token;
    std::uint64_t connect_timeout_ms = 5'000;  // also for the answer to HELLO
    std::uint64_t backoff_ms = 100;
    std::uint64_t backoff_max_ms = 5'000;
  };

  struct Handlers {
    std::function<void(const HelloAnswer&)> ready;
    std::function<void(const Error&)> lost;   // a connection, or an attempt at one, has ended
    std::function<void(const Frame&)> frame;  // what answers no request: pushes, and their ERRORs
    std::function<void()> writable;           // is_writable() again
  };

  using Answered = std::function<void(Result<Frame>)>;

  ClientSession(const ClientContext& context, Options options, Handlers handlers);
  ~ClientSession() override;  // says DISCONNECT; open requests are dropped without a call
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;

  void start();

  [[nodiscard]] bool is_ready() const { return hello_.has_value(); }

  [[nodiscard]] bool is_writable() const;

  // That the kernel has not taken yet.
  [[nodiscard]] std::size_t queued_bytes() const {
    return connection_ == nullptr ? 0 : connection_->queued_bytes();
  }

  // Some request has no answer yet.
  [[nodiscard]] bool is_waiting() const { return !pending_.empty(); }

  // The broker it is connected or connecting to.
  [[nodiscard]] const Address& address() const { return address_; }

  // Only while is_ready(). The answer is the message id used.
  std::uint64_t request(FrameType type,
                        std::span<const Slice> pieces,
                        std::uint64_t timeout_ms,
                        Answered answered);

  // Without an answer; dropped while not ready.
  void send(FrameType type, std::uint64_t id, std::span<const Slice> pieces);

  std::uint64_t next_id() { return ++last_id_; }

  // Gives the connection up and goes to the next broker, after a back-off.
  void reconnect(const Error& why);

  // Goes to `address` now; when it is lost, back to the list.
  void redirect(const Address& address, const Error& why);

 private:
  struct Pending {
    std::int64_t deadline_ms;
    Answered answered;
  };

  void on_frame(Frame frame) override;
  void on_closed(const Error& why) override;
  void on_writable() override;

  void connect();
  void greet(std::shared_ptr<Connection> connection);
  void welcome(Result<Frame> answer);
  void lose(const Error& why);
  void connect_after(std::uint64_t delay_ms);
  void beat();

  std::uint64_t ask(FrameType type,
                    std::span<const Slice> pieces,
                    std::uint64_t timeout_ms,
                    Answered answered);
  void arm_timeout();
  void check_timeouts();

  ClientContext context_;
  Options options_;
  Handlers handlers_;
  Backoff backoff_;
  Timer retry_;
  Timer heartbeat_;
  Timer timeout_;
  std::size_t next_broker_ = 0;
  Address address_;
  std::optional<Address> redirected_;
  std::shared_ptr<Connection> connection_;
  std::vector<std::shared_ptr<Connection>> retired_;  // until no callback of theirs can be running
  std::optional<HelloAnswer> hello_;
  std::int64_t ready_since_ms_ = 0;
  Silence silence_;
  std::uint64_t last_id_ = 0;
  std::map<std::uint64_t, Pending> pending_;
  std::set<std::pair<std::int64_t, std::uint64_t>> deadlines_;  // (deadline, id)
  std::int64_t armed_for_ms_ = 0;
  std::shared_ptr<const bool> alive_;  // weakly held by connects in flight
};

// The answer as the message it must be.
Status expect_type(const Result<Frame>& answer, FrameType type);

template <class Message>
Result<Message> answer_as(FrameType type, const Result<Frame>& answer) {
  if (auto expected = expect_type(answer, type); !expected) return pass(expected);
  return decode<Message>(answer->payload.bytes);
}

template <class Message>
std::vector<Slice> payload_of(const Message& message) {
  return {Slice::own(encode(message))};
}

}  // namespace xylem::network
