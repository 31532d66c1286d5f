#include "network/client/consumer.h"

#include "common/check.h"
#include "common/timer.h"
#include "network/client/client_session.h"
#include "network/client/subscription.h"

#include <map>
#include <utility>

namespace xylem::network {

class Consumer::Impl {
 public:
  Impl(const Context& context, Options options, Handlers handlers)
      : context_(context),
        options_(std::move(options)),
        handlers_(std::move(handlers)),
        session_(context, session_options(), session_handlers()) {
    XYLEM_CHECK(handlers_.batch || handlers_.message);
    const auto member = options_.client_id + "-" + Uuid::random(context.random).text();
    for (const auto& topic : options_.topics)
      subscriptions_.try_emplace(topic, context, session_, options_, handlers_, topic, member);
  }

  void start() { session_.start(); }

  void commit(std::string_view topic,
              PartitionId partition,
              Offset next,
              std::function<void(Status)> done) {
    context_.loop.check_here();
    const auto found = subscriptions_.find(topic);
    if (found == subscriptions_.end() || options_.group.empty())
      return fail_later(Error(Errc::kInvalidRequest, "no group, or not subscribed to that topic"),
                        std::move(done));
    if (!session_.is_ready())
      return fail_later(Error(Errc::kUnavailable, "not connected"), std::move(done));
    found->second.commit(partition, next, std::move(done));
  }

  void acknowledge(FrameType type, const Refresh& refresh) {
    context_.loop.check_here();
    XYLEM_CHECK(type == FrameType::kResetAck || type == FrameType::kReadyAck);
    const auto found = subscriptions_.find(refresh.topic);
    if (found != subscriptions_.end()) found->second.acknowledge(type, refresh);
  }

  void pause() {
    context_.loop.check_here();
    for (auto& [topic, subscription] : subscriptions_) subscription.pause();
  }

  void resume() {
    context_.loop.check_here();
    for (auto& [topic, subscription] : subscriptions_) subscription.resume();
  }

  [[nodiscard]] bool is_connected() const { return session_.is_ready(); }

 private:
  [[nodiscard]] ClientSession::Options session_options() const {
    return {.brokers = options_.brokers,
            .client_id = options_.client_id,
            .token = {},
            .connect_timeout_ms = options_.connect_timeout_ms,
            .backoff_ms = options_.backoff_ms,
            .backoff_max_ms = options_.backoff_max_ms};
  }

  ClientSession::Handlers session_handlers() {
    ClientSession::Handlers handlers;
    handlers.ready = [this](const HelloAnswer&) {
      for (auto& [topic, subscription] : subscriptions_) subscription.connected();
    };
    handlers.lost = [this](const Error& why) {
      for (auto& [topic, subscription] : subscriptions_) subscription.disconnected();
      if (handlers_.error) handlers_.error(why);
    };
    handlers.frame = [this](const Frame& frame) {
      for (auto& [topic, subscription] : subscriptions_)
        if (subscription.on_frame(frame)) return;
    };
    return handlers;
  }

  void fail_later(const Error& why, std::function<void(Status)> done) {
    if (!done) return;
    failures_.emplace_back(std::move(done), why);
    fail_.start(0, 0, [this] {
      for (auto& [failed, error] : std::exchange(failures_, {})) failed(std::unexpected(error));
    });
  }

  Context context_;
  Options options_;
  Handlers handlers_;
  ClientSession session_;
  std::map<std::string, Subscription, std::less<>> subscriptions_;
  std::vector<std::pair<std::function<void(Status)>, Error>> failures_;
  Timer fail_{context_.loop};
};

Consumer::Consumer(const Context& context, Options options, Handlers handlers)
    : impl_(std::make_unique<Impl>(context, std::move(options), std::move(handlers))) {}

Consumer::~Consumer() = default;

void Consumer::start() { impl_->start(); }

void Consumer::commit(std::string_view topic,
                      PartitionId partition,
                      Offset next,
                      std::function<void(Status)> done) {
  impl_->commit(topic, partition, next, std::move(done));
}

void Consumer::acknowledge(FrameType type, const Refresh& refresh) {
  impl_->acknowledge(type, refresh);
}

void Consumer::pause() { impl_->pause(); }

void Consumer::resume() { impl_->resume(); }

bool Consumer::is_connected() const { return impl_->is_connected(); }

}  // namespace xylem::network
