#include "network/client/client_session.h"

#include "common/check.h"

#include <algorithm>

namespace xylem::network {

ClientSession::ClientSession(const ClientContext& context, Options options, Handlers handlers)
    : context_(context),
      options_(std::move(options)),
      handlers_(std::move(handlers)),
      backoff_(options_.backoff_ms, options_.backoff_max_ms),
      retry_(context.loop),
      heartbeat_(context.loop),
      timeout_(context.loop),
      alive_(std::make_shared<const bool>(true)) {
  XYLEM_CHECK(!options_.brokers.empty());
  address_ = options_.brokers.front();
}

ClientSession::~ClientSession() {
  context_.loop.check_here();
  if (connection_ == nullptr) return;
  connection_->set_handler(nullptr);
  // On purpose: what was delivered and is not acknowledged did not fail.
  if (is_ready()) connection_->send(FrameType::kDisconnect, 0, payload_of(ErrorMessage()));
  connection_->close();
}

void ClientSession::start() {
  context_.loop.check_here();
  connect_after(0);
}

bool ClientSession::is_writable() const {
  return is_ready() && connection_->queued_bytes() < kOutputHighBytes;
}

std::uint64_t ClientSession::request(FrameType type,
                                     std::span<const Slice> pieces,
                                     std::uint64_t timeout_ms,
                                     Answered answered) {
  context_.loop.check_here();
  XYLEM_CHECK(is_ready());
  return ask(type, pieces, timeout_ms, std::move(answered));
}

void ClientSession::send(FrameType type, std::uint64_t id, std::span<const Slice> pieces) {
  context_.loop.check_here();
  if (is_ready()) connection_->send(type, id, pieces);
}

void ClientSession::reconnect(const Error& why) {
  context_.loop.check_here();
  if (connection_ != nullptr) lose(why);
}

void ClientSession::redirect(const Address& address, const Error& why) {
  context_.loop.check_here();
  redirected_ = address;
  if (connection_ != nullptr) lose(why);
}

void ClientSession::connect_after(std::uint64_t delay_ms) {
  retry_.start(delay_ms, 0, [this] { connect(); });
}

void ClientSession::connect() {
  retired_.clear();
  if (redirected_) {
    address_ = *std::exchange(redirected_, std::nullopt);
  } else {
    address_ = options_.brokers[next_broker_];
    next_broker_ = (next_broker_ + 1) % options_.brokers.size();
  }
  const std::weak_ptr<const bool> alive = alive_;
  context_.network.connect(address_, options_.connect_timeout_ms,
                           [this, alive](Result<std::shared_ptr<Connection>> connected) {
                             if (alive.expired()) return;
                             if (!connected) return lose(connected.error());
                             greet(std::move(*connected));
                           });
}

void ClientSession::greet(std::shared_ptr<Connection> connection) {
  connection_ = std::move(connection);
  connection_->set_handler(this);
  const Hello hello{.client_id = options_.client_id, .token = options_.token};
  ask(FrameType::kHello, payload_of(hello), options_.connect_timeout_ms,
      [this](auto answer) { welcome(std::move(answer)); });
}

void ClientSession::welcome(Result<Frame> answer) {
  if (connection_ == nullptr) return;  // lost: lose() told everybody
  auto hello = answer_as<HelloAnswer>(FrameType::kHello, answer);
  if (!hello) return lose(std::move(hello).error().within("HELLO to " + address_.text()));
  if (hello->version != kProtocolVersion)
    return lose(Error(Errc::kUnsupportedVersion, address_.text() + " speaks another version"));
  connection_->allow_large_payloads();
  hello_ = *hello;
  silence_ = {};
  ready_since_ms_ = context_.clock.monotonic_ms();
  if (const auto every_ms = hello->heartbeat_ms; every_ms != 0)
    heartbeat_.start(every_ms, every_ms, [this] { beat(); });
  context_.logger.debug("client.connected", {{"broker", address_.text()}, {"node", hello->node}});
  if (handlers_.ready) handlers_.ready(*hello);
}

void ClientSession::beat() {
  if (silence_.tick(connection_->received_bytes()) >= kSilentBeatsMax)
    return lose(Error(Errc::kTimeout, address_.text() + " is silent"));
  connection_->send(FrameType::kHeartbeat, 0, {});
}

void ClientSession::lose(const Error& why) {
  if (connection_ != nullptr) {
    connection_->set_handler(nullptr);
    connection_->close();
    retired_.push_back(std::move(connection_));
    connection_ = nullptr;
  }
  const auto now_ms = context_.clock.monotonic_ms();
  const auto long_enough_ms = static_cast<std::int64_t>(options_.backoff_max_ms);
  if (is_ready() && now_ms - ready_since_ms_ >= long_enough_ms) backoff_.reset();
  hello_.reset();
  heartbeat_.stop();
  timeout_.stop();
  armed_for_ms_ = 0;
  deadlines_.clear();
  connect_after(redirected_ ? 0 : backoff_.next_ms(context_.random));
  context_.logger.debug("client.lost", {{"broker", address_.text()}, {"error", why.what()}});
  for (auto& [id, pending] : std::exchange(pending_, {}))
    pending.answered(fail(Errc::kUnavailable, "connection lost: " + why.what()));
  if (handlers_.lost) handlers_.lost(why);
}

void ClientSession::on_frame(Frame frame) {
  if (frame.type == FrameType::kHeartbeat) return;  // theirs; ours go by our own timer
  if (frame.type == FrameType::kDisconnect) {
    const auto message = decode<ErrorMessage>(frame.payload.bytes);
    return lose(message ? to_error(*message) : Error(Errc::kUnavailable, "disconnected"));
  }
  const auto found = pending_.find(frame.id);
  if (found == pending_.end()) {
    if (is_ready() && handlers_.frame) handlers_.frame(frame);
    return;
  }
  auto pending = std::move(found->second);
  pending_.erase(found);
  deadlines_.erase({pending.deadline_ms, frame.id});
  if (frame.type != FrameType::kError) return pending.answered(std::move(frame));
  auto message = decode<ErrorMessage>(frame.payload.bytes);
  pending.answered(std::unexpected(message ? to_error(*message) : message.error()));
}

void ClientSession::on_closed(const Error& why) { lose(why); }

void ClientSession::on_writable() {
  if (is_ready() && handlers_.writable) handlers_.writable();
}

std::uint64_t ClientSession::ask(FrameType type,
                                 std::span<const Slice> pieces,
                                 std::uint64_t timeout_ms,
                                 Answered answered) {
  const auto id = next_id();
  const auto now_ms = context_.clock.monotonic_ms();
  const auto deadline_ms = now_ms + static_cast<std::int64_t>(timeout_ms);
  pending_.emplace(id, Pending{deadline_ms, std::move(answered)});
  deadlines_.emplace(deadline_ms, id);
  connection_->send(type, id, pieces);
  arm_timeout();
  return id;
}

void ClientSession::arm_timeout() {
  if (deadlines_.empty()) return;
  const auto deadline_ms = deadlines_.begin()->first;
  if (armed_for_ms_ != 0 && armed_for_ms_ <= deadline_ms) return;
  armed_for_ms_ = deadline_ms;
  const auto left_ms = std::max<std::int64_t>(1, deadline_ms - context_.clock.monotonic_ms());
  timeout_.start(static_cast<std::uint64_t>(left_ms), 0, [this] { check_timeouts(); });
}

void ClientSession::check_timeouts() {
  armed_for_ms_ = 0;
  const auto now_ms = context_.clock.monotonic_ms();
  if (deadlines_.empty() || deadlines_.begin()->first > now_ms) return arm_timeout();
  const auto id = deadlines_.begin()->second;
  auto late = std::move(pending_.extract(id).mapped());
  const Error why(Errc::kTimeout, "no answer from " + address_.text() + " in time");
  lose(why);
  late.answered(std::unexpected(why));
}

Status expect_type(const Result<Frame>& answer, FrameType type) {
  if (!answer) return std::unexpected(answer.error());
  if (answer->type != type) return fail(Errc::kInvalidRequest, "an answer of another type");
  return {};
}

}  // namespace xylem::network
