#include "broker/cluster/cluster_topics.h"

#include "broker/catalog/topics_log.h"

#include <algorithm>
#include <array>
#include <utility>

namespace xylem::broker {
namespace {

constexpr std::uint64_t kTickMs = 250;
constexpr std::int64_t kRetryMs = 500;
constexpr std::size_t kChangesPerBatch = 1'000;

}  // namespace

ClusterTopics::ClusterTopics(const Context& context, std::size_t brokers)
    : context_(context), brokers_(static_cast<std::int32_t>(brokers)), ticker_(context.loop) {
  ticker_.start(kTickMs, kTickMs, [this] { tick(); });
}

ClusterTopics::~ClusterTopics() = default;

TopicDefinition ClusterTopics::completed(TopicDefinition topic) const {
  if (topic.replicas == 0)
    topic.replicas = std::max(std::min(kReplicas, brokers_), topic.min_insync);
  if (topic.min_insync == 0) topic.min_insync = std::min(kMinInsync, topic.replicas);
  return topic;
}

void ClusterTopics::create(TopicDefinition topic, Done done) {
  const auto wanted = completed(std::move(topic));
  const auto plan = plan_creation(context_.metadata.state(), wanted);
  if (!plan) return done(std::unexpected(plan.error()));
  propose(
      *plan,
      [this, incarnation = wanted.incarnation] {
        return context_.catalog.find(incarnation) != nullptr;
      },
      [wanted, done = std::move(done)](Status decided) {
        if (!decided) return done(pass(decided));
        done(wanted);
      });
}

void ClusterTopics::alter(TopicDefinition topic, Done done) {
  const auto plan = plan_alteration(context_.metadata.state(), topic);
  if (!plan) return done(std::unexpected(plan.error()));
  propose(
      *plan,
      [this, topic] {
        const auto* known = context_.catalog.find(topic.incarnation);
        return known != nullptr && *known == topic;
      },
      [topic, done = std::move(done)](Status decided) {
        if (!decided) return done(pass(decided));
        done(topic);
      });
}

void ClusterTopics::remove(const TopicDefinition& topic, Done done) {
  propose(
      DeleteTopic{topic.incarnation},
      [this, incarnation = topic.incarnation] {
        return context_.catalog.find(incarnation) == nullptr;
      },
      [topic, done = std::move(done)](Status decided) {
        if (!decided) return done(pass(decided));
        done(topic);
      });
}

Status ClusterTopics::is_current() const {
  if (context_.has_joined()) return {};
  return fail(Errc::kUnavailable, "this broker has not joined the root tier yet", "ask another");
}

void ClusterTopics::propose(const ClusterCommand& command,
                            std::function<bool()> is_seen,
                            std::function<void(Status)> done) {
  const auto until_ms = context_.clock.monotonic_ms() + kSeenMsMax;
  context_.metadata.propose(command, [this, is_seen = std::move(is_seen), done = std::move(done),
                                      until_ms](Status decided) {
    if (!decided || is_seen()) return done(std::move(decided));
    waiting_.push_back({is_seen, done, until_ms});
  });
}

void ClusterTopics::look_at_waiting() {
  const auto now_ms = context_.clock.monotonic_ms();
  for (auto& each : std::exchange(waiting_, {})) {
    if (each.is_seen())
      each.done({});
    else if (now_ms >= each.until_ms)
      each.done(fail(Errc::kTimeout, "decided, but not seen here yet", "look again"));
    else
      waiting_.push_back(std::move(each));
  }
}

void ClusterTopics::on_changes(const ClusterState::Changes& changes) {
  const auto& topics = context_.metadata.state().topics();
  for (const auto& name : changes.topics) {
    if (is_internal_name(name)) continue;
    const auto found = topics.find(name);
    if (found == topics.end()) {
      context_.catalog.erase(name);
      continue;
    }
    const auto& topic = found->second.topic;
    for (std::int32_t p = 0; p < topic.partitions; ++p)
      context_.partitions.apply(topic, PartitionId(p));
    context_.catalog.put(topic);
  }
  look_at_waiting();
  if (!changes.topics.empty()) is_published_ = false;
  publish();
}

void ClusterTopics::control() {
  const auto& state = context_.metadata.state();
  const std::array needed = {topics_topic(), group_offsets_topic(), delayed_topic()};
  const auto missing = std::ranges::find_if(
      needed, [&](const auto& topic) { return !state.topics().contains(topic.name); });
  if (missing == needed.end()) return;
  const auto now_ms = context_.clock.monotonic_ms();
  const auto alive =
      std::ranges::count_if(state.brokers(), [](const auto& each) { return each.second.is_alive; });
  auto topic = *missing;
  topic.replicas = topic.min_insync = 0;
  topic = completed(std::move(topic));
  if (alive < topic.replicas || now_ms - asked_ms_ < kRetryMs) return;
  asked_ms_ = now_ms;
  if (const auto plan = plan_creation(state, topic))
    context_.metadata.propose(*plan, [](const Status&) {});  // looked at again
}

void ClusterTopics::tick() {
  look_at_waiting();
  publish();
}

void ClusterTopics::note(const TopicChange& change) {
  if (change.json)
    published_[change.name] = *change.json;
  else
    published_.erase(change.name);
}

// True: `published_` is what the log holds.
bool ClusterTopics::read_published(const Partition& partition) {
  if (epoch_ == partition.epoch()) return true;
  const auto& log = *partition.log();
  if (log.written_end() < log.end_offset()) return false;  // soon
  published_.clear();
  is_published_ = false;
  const auto read = read_topic_changes(log, log.start_offset(), log.end_offset(),
                                       [this](const TopicChange& change) { note(change); });
  if (!read) {
    context_.logger.error("topics.unreadable", {{"error", read.error().what()}});
    return false;
  }
  epoch_ = partition.epoch();
  return true;
}

std::vector<TopicChange> ClusterTopics::unpublished() const {
  std::vector<TopicChange> changes;
  const auto& topics = context_.metadata.state().topics();
  for (const auto& [name, topic] : topics) {
    if (is_internal_name(name)) continue;
    auto json = to_json(topic.topic);
    const auto known = published_.find(name);
    if (known == published_.end() || known->second != json)
      changes.push_back({name, std::move(json)});
  }
  for (const auto& [name, json] : published_) {
    if (!topics.contains(name)) changes.push_back({name, std::nullopt});
  }
  if (changes.size() > kChangesPerBatch) changes.resize(kChangesPerBatch);
  return changes;
}

void ClusterTopics::publish() {
  auto* partition = context_.partitions.find(topics_topic().log(0));
  if (partition == nullptr || !partition->is_leader()) {
    epoch_.reset();
    return;
  }
  if (!read_published(*partition) || is_published_) return;
  const auto changes = unpublished();
  is_published_ = changes.empty();
  if (is_published_) return;
  auto batch = batch_of_changes(changes, context_.clock.wall_ms());
  if (!batch) {
    context_.logger.error("topics.unpublished", {{"error", batch.error().what()}});
    return;
  }
  for (const auto& change : changes) note(change);
  partition->append(*batch, Acks::kAll, [this](const Result<Partition::Appended>& appended) {
    if (!appended) epoch_.reset();  // what the log holds is looked at again
  });
}

}  // namespace xylem::broker
