#include "network/client/consumer.h"

#include "common/check.h"
#include "common/timer.h"
#include "network/client/consumed_topic.h"
#include "network/client/consumer_lane.h"
#include "network/client/group_coordinator.h"
#include "network/client/group_member.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace xylem::network {

namespace {

constexpr std::size_t kSideLanesMax = 100;

}  // namespace

// The main lane roams over the configured brokers and is asked for everything. What it says is
// elsewhere, a side lane to that broker is asked for; whatever fails there, main is asked again.
class Consumer::Impl {
 public:
  Impl(const Context& context, Options options, Handlers handlers)
      : context_(context),
        options_(std::move(options)),
        handlers_(std::move(handlers)),
        member_(options_.client_id + "-" + Uuid::random(context.random).text()),
        coordinator_(context, options_, member_, coordinator_hooks()),
        main_(context, options_.brokers, options_, handlers_, main_hooks()) {
    XYLEM_CHECK(handlers_.batch || handlers_.message);
    const bool is_member = !options_.group.empty() && options_.shares && !options_.partition &&
                           options_.commit != Commit::kOwnCursors;
    for (const auto& name : options_.topics) {
      const auto [topic, is_new] =
          topics_.try_emplace(name, context, options_, handlers_, coordinator_, name, member_);
      if (is_member) topic->second.assign({});
      if (is_new) main_.add(topic->second, std::nullopt);
    }
    if (is_member) membership_.emplace(context, options_, member_, member_hooks());
  }

  void start() { main_.start(); }

  void commit(std::string_view name,
              PartitionId partition,
              Offset next,
              std::function<void(Status)> done) {
    context_.loop.check_here();
    auto* topic = find(name);
    if (topic == nullptr || options_.group.empty())
      return fail_later(Error(Errc::kInvalidRequest, "no group, or not subscribed to that topic"),
                        std::move(done));
    auto* server = topic->server_of(partition);
    if (server == nullptr) server = main_.subscription(*topic);
    if (coordinator_.is_needed()) {
      const Cursor to{next, topic->incarnation_of(partition, *server)};
      auto kept = coordinator_.commit(topic->name(), partition, to, done);
      if (!kept) fail_later(kept.error(), std::move(done));
      return;
    }
    if (!server->is_connected())
      return fail_later(Error(Errc::kUnavailable, "not connected"), std::move(done));
    server->commit(partition, next, std::move(done));
  }

  void acknowledge(FrameType type, const Refresh& refresh) {
    context_.loop.check_here();
    XYLEM_CHECK(type == FrameType::kResetAck || type == FrameType::kReadyAck);
    if (auto* topic = find(refresh.topic)) topic->acknowledged(type, refresh);
  }

  void pause() {
    context_.loop.check_here();
    for (auto& [name, topic] : topics_) topic.pause();
  }

  void resume() {
    context_.loop.check_here();
    for (auto& [name, topic] : topics_) topic.resume();
  }

  [[nodiscard]] bool is_connected() const { return main_.is_ready(); }

 private:
  ConsumerLane::Hooks main_hooks() {
    return {.connected = [this](ClientSession& session,
                                const auto& hello) { coordinator_.connected(session, hello); },
            .answered = [this](ConsumedTopic& topic,
                               const auto& elsewhere) { place(topic, elsewhere); },
            .failed = [this](ConsumedTopic& topic) { ask_again(topic); },
            .lost = [this](const Error& why) { report(why); },
            .other = [this](const Frame& frame) { on_pushed(frame); }};
  }

  ConsumerLane::Hooks side_hooks() {
    auto hooks = main_hooks();
    hooks.other = [](const Frame&) {};
    hooks.connected = [](ClientSession&, const HelloAnswer&) {};
    hooks.answered = [this](ConsumedTopic& topic, const auto& elsewhere) {
      if (!elsewhere.empty()) ask_again(topic);
    };
    return hooks;
  }

  GroupCoordinator::Hooks coordinator_hooks() {
    return {.report = [this](const auto& topic, const Error& why) { report_once(topic, why); },
            .reached =
                [this] {
                  if (membership_) membership_->reached();
                },
            .frame = [this](const Frame& frame) { on_pushed(frame); }};
  }

  GroupMember::Hooks member_hooks() {
    return {.coordinator = [this] { return coordinator_.session(); },
            .refused = [this](const Error& why) { coordinator_.refused(why); },
            .assigned = [this](const auto& assigned) { assign(assigned); },
            .commit = [this] { coordinator_.send_commits(); },
            .report = [this](const Error& why) { report(why); }};
  }

  void on_pushed(const Frame& frame) {
    if (membership_) membership_->on_frame(frame);
  }

  // Side lanes let go of what main does not name any more; what is nobody's now they let go of
  // first.
  void assign(const GroupMember::Assigned& assigned) {
    for (auto& [name, topic] : topics_) {
      const auto found = assigned.find(name);
      const auto partitions = found == assigned.end() ? std::set<PartitionId>() : found->second;
      if (topic.assigned() == partitions) continue;
      topic.assign(partitions);
      if (partitions.empty()) place(topic, {});
      main_.subscription(topic)->assigned();
    }
  }

  // Each side lane gets what main has named its broker for, and those without anything go.
  void place(ConsumedTopic& topic, const std::vector<PartitionElsewhere>& elsewhere) {
    std::map<Address, Subscription::Partitions> wanted;
    bool is_known = true;
    for (const auto& [partition, leader] : elsewhere) {
      const auto address = Address::parse(leader);
      if (address) wanted[*address].insert(partition);
      is_known = is_known && address;
    }
    for (const auto& [address, partitions] : wanted) {
      if (sides_.contains(address)) continue;
      if (sides_.size() >= kSideLanesMax) {
        is_known = false;
        break;
      }
      auto lane = std::make_unique<ConsumerLane>(context_, std::vector{address}, options_,
                                                 handlers_, side_hooks());
      lane->start();
      sides_.emplace(address, std::move(lane));
    }
    for (auto& [address, lane] : sides_) lane->want(topic, std::move(wanted[address]));
    std::erase_if(sides_, [](const auto& side) { return side.second->is_unused(); });
    if (is_known) return;
    topic.report_once(Error(Errc::kNotLeader, "nobody is known to serve some partitions"));
    ask_again(topic);
  }

  void ask_again(ConsumedTopic& topic) { main_.subscription(topic)->subscribe_later(); }

  void report(const Error& why) {
    if (handlers_.error) handlers_.error(why);
  }

  void report_once(const std::string& name, const Error& why) {
    if (auto* topic = find(name)) topic->report_once(why);
  }

  ConsumedTopic* find(std::string_view name) {
    const auto found = topics_.find(name);
    return found == topics_.end() ? nullptr : &found->second;
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
  std::string member_;
  GroupCoordinator coordinator_;
  std::map<std::string, ConsumedTopic, std::less<>> topics_;
  ConsumerLane main_;
  std::map<Address, std::unique_ptr<ConsumerLane>> sides_;
  std::optional<GroupMember> membership_;
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
