#include "network/client/group_coordinator.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace xylem::network {
namespace {

constexpr std::uint64_t kRetryMaxMs = 1'000;  // how late a new coordinator is noticed

}  // namespace

GroupCoordinator::GroupCoordinator(const ClientContext& context,
                                   const Consumer::Options& options,
                                   std::string member,
                                   Hooks hooks)
    : context_(context),
      options_(options),
      member_(std::move(member)),
      hooks_(std::move(hooks)),
      backoff_(options.backoff_ms, std::min(options.backoff_max_ms, kRetryMaxMs)),
      retry_(context.loop),
      commit_timer_(context.loop) {}

GroupCoordinator::~GroupCoordinator() { send_commits(); }

void GroupCoordinator::connected(ClientSession& main, const HelloAnswer& hello) {
  main_ = &main;
  is_needed_ = hello.has_coordinators && !options_.group.empty() &&
               options_.commit != Consumer::Commit::kOwnCursors;
  if (is_needed_) return seek();
  hooks_.reached();
}

ClientSession* GroupCoordinator::session() const {
  auto* session = is_needed_ ? session_.get() : main_;
  return session != nullptr && session->is_ready() ? session : nullptr;
}

void GroupCoordinator::seek() {
  if (is_known_ || is_seeking_ || main_ == nullptr || !main_->is_ready()) return;
  is_seeking_ = true;
  const MetadataRequest request{.topics = {}, .group = options_.group};
  main_->request(FrameType::kMetadata, payload_of(request), options_.request_timeout_ms,
                 [this](const Result<Frame>& answer) {
                   is_seeking_ = false;
                   const auto metadata = answer_as<MetadataAnswer>(FrameType::kMetadata, answer);
                   if (!metadata) return try_again();
                   const auto address = Address::parse(metadata->coordinator_address);
                   if (address) return follow(*address);
                   for (const auto& [topic, question] : questions_)
                     hooks_.report(topic, Error(Errc::kUnavailable, "no coordinator is known"));
                   try_again();
                 });
}

void GroupCoordinator::follow(const Address& address) {
  const bool is_there =
      session_ != nullptr && session_->is_ready() && session_->address() == address;
  if (session_ != nullptr && !is_there)  // whoever waits for an answer gets one
    session_->reconnect(Error(Errc::kUnavailable, "the group has another coordinator"));
  is_known_ = true;
  if (is_there) return go_on();
  ClientSession::Handlers handlers;
  handlers.ready = [this](const HelloAnswer&) {
    hooks_.reached();
    go_on();
  };
  handlers.frame = [this](const Frame& frame) { hooks_.frame(frame); };
  handlers.lost = [this](const Error&) {
    is_known_ = false;
    try_again();
  };
  session_ = std::make_unique<ClientSession>(
      context_,
      ClientSession::Options{.brokers = {address},
                             .client_id = options_.client_id,
                             .token = {},
                             .connect_timeout_ms = options_.connect_timeout_ms,
                             .backoff_ms = options_.backoff_ms,
                             .backoff_max_ms = options_.backoff_max_ms},
      std::move(handlers));
  session_->start();
}

void GroupCoordinator::try_again() {
  if (retry_.is_active()) return;
  retry_.start(backoff_.next_ms(context_.random), 0, [this] {
    seek();
    go_on();
  });
}

void GroupCoordinator::go_on() {
  commits_.expire(context_.clock.monotonic_ms());
  ask();
  send_commits();
  const bool is_stuck = session_ == nullptr || !session_->is_ready();
  if (is_stuck && (!is_known_ || commits_.is_waiting() || !questions_.empty())) try_again();
}

void GroupCoordinator::find(const std::string& topic, Found found) {
  questions_[topic].found = std::move(found);
  ask();
}

void GroupCoordinator::ask() {
  if (session_ == nullptr || !session_->is_ready()) return;
  for (auto& [topic, question] : questions_) {
    if (std::exchange(question.is_asked, true)) continue;
    const MetadataRequest request{.topics = {topic},
                                  .group = options_.group,
                                  .with_offsets = true,
                                  .member = member_,
                                  .instance = options_.instance};
    session_->request(FrameType::kMetadata, payload_of(request), options_.request_timeout_ms,
                      [this, topic](const Result<Frame>& answer) { on_found(topic, answer); });
  }
}

void GroupCoordinator::on_found(const std::string& topic, const Result<Frame>& answer) {
  const auto asked = questions_.find(topic);
  asked->second.is_asked = false;
  const auto metadata = answer_as<MetadataAnswer>(FrameType::kMetadata, answer);
  if (!metadata) {
    // A move is no trouble.
    if (metadata.error().code() != Errc::kNotLeader) hooks_.report(topic, metadata.error());
    return on_trouble(metadata.error());
  }
  backoff_.reset();
  const auto found = std::move(asked->second.found);
  questions_.erase(asked);
  const auto known = std::ranges::find(metadata->topics, topic, &TopicMetadata::name);
  if (known == metadata->topics.end())
    return found(fail(Errc::kUnknownTopicOrPartition, "there is no topic " + topic));
  found(*known);
}

void GroupCoordinator::acknowledged(const std::string& topic,
                                    PartitionId partition,
                                    const Cursor& next) {
  const bool is_before = options_.commit == Consumer::Commit::kBeforeHandler;
  if (!is_needed_ || (!is_before && options_.commit != Consumer::Commit::kAutomatic)) return;
  if (auto added = commits_.add({topic, partition}, next, nullptr, 0); !added)
    return hooks_.report(topic, added.error());
  if (is_before) return send_commits();
  if (!commit_timer_.is_active())
    commit_timer_.start(kCommitEveryMs, 0, [this] { send_commits(); });
}

Status GroupCoordinator::commit(const std::string& topic,
                                PartitionId partition,
                                const Cursor& next,
                                OffsetCommits::Done done) {
  const auto until_ms =
      context_.clock.monotonic_ms() + static_cast<std::int64_t>(options_.request_timeout_ms);
  if (auto added = commits_.add({topic, partition}, next, std::move(done), until_ms); !added)
    return added;
  send_commits();
  if (session_ == nullptr || !session_->is_ready()) try_again();
  return {};
}

void GroupCoordinator::send_commits() {
  if (session_ == nullptr || !session_->is_ready()) return;
  for (const auto& commit : commits_.take_due()) {
    const CommitOffset message{.group = options_.group,
                               .member = member_,
                               .topic = commit.where.topic,
                               .partition = commit.where.partition,
                               .incarnation = commit.next.incarnation,
                               .next_offset = commit.next.offset,
                               .instance = options_.instance};
    session_->request(FrameType::kCommitOffset, payload_of(message), options_.request_timeout_ms,
                      [this, commit](const Result<Frame>& answer) {
                        on_committed(commit, expect_type(answer, FrameType::kCommitOffset));
                      });
  }
}

void GroupCoordinator::on_committed(const OffsetCommits::Commit& sent, const Status& outcome) {
  const bool is_unheard = commits_.settle(sent, outcome);
  if (outcome) return backoff_.reset();
  if (is_unheard) return hooks_.report(sent.where.topic, outcome.error());
  if (!OffsetCommits::is_refused(outcome.error())) on_trouble(outcome.error());
}

void GroupCoordinator::on_trouble(const Error& why) {
  if (why.code() == Errc::kNotLeader) is_known_ = false;
  try_again();
}

}  // namespace xylem::network
