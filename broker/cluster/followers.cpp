#include "broker/cluster/followers.h"

#include "common/timer.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

namespace xylem::broker {

// What is pulled from one broker that leads.
class Followers::Session final : private pipe::PipeTarget {
 public:
  // After batches of so many bytes were stored: how long to wait.
  using Pace = std::function<std::int64_t(std::size_t bytes)>;

  Session(const Context& context, const pipe::PipeClient::Options& options, Pace pace)
      : replicas_(context.replicas),
        metadata_(context.metadata),
        cluster_(options.cluster),
        pace_(std::move(pace)),
        pause_(context.pipe.loop),
        client_(context.pipe, context.connector, *this, options) {}

  void find_at(const RootBroker& broker) {
    client_.set_parents({{.node = broker.node, .url = broker.pipe}});
  }

  // Also of one that is followed already: whom it follows, in which epoch, is part of the question.
  void add(const LogId& log) {
    client_.add(log);
    client_.touch(log);
  }

  void remove(const LogId& log) {
    client_.remove(log);
    settle(log);
  }

  void moved(const Partition& partition) {
    const auto& log = *partition.log();
    const auto good = log.writable();
    if (good && log.durable_end() < log.end_offset()) return;
    if (lazy_.erase(partition.id()) > 0) client_.touch(partition.id());
    settle(partition.id());
  }

 private:
  void settle(const LogId& log) {
    if (unsettled_.erase(log) > 0 && !is_settling()) client_.settled();
  }

  void pause(std::size_t bytes) {
    const auto wait_ms = pace_ ? pace_(bytes) : 0;
    if (wait_ms <= 0) return;
    is_paused_ = true;
    pause_.start(static_cast<std::uint64_t>(wait_ms), 0, [this] {
      is_paused_ = false;
      if (!is_settling()) client_.settled();
    });
  }

  Result<pipe::FetchPartition> position(const LogId& log) override {
    return replicas_.position(log);
  }

  Status store(const pipe::FetchedPartition& fetched) override {
    auto stored = replicas_.store(fetched);
    if (!stored || fetched.batches.empty()) return stored;
    pause(fetched.batches.front().bytes.size());
    const auto* topic = metadata_.state().find(fetched.log.incarnation);
    const bool is_lazy = topic != nullptr && topic->topic.flush == storage::Flush::kInterval;
    (is_lazy ? lazy_ : unsettled_).insert(fetched.log);
    return stored;
  }

  Status repair(const pipe::FetchedPartition& fetched) override {
    return replicas_.repair(fetched);
  }

  void confirm(const LogId& log, std::uint64_t age_ms) override { replicas_.confirm(log, age_ms); }

  [[nodiscard]] bool is_settling() const override { return is_paused_ || !unsettled_.empty(); }

  bool accepts(const NodeId& /*parent*/, const ClusterId& cluster) override {
    return cluster == cluster_;
  }

  void on_topology_version(std::uint64_t /*version*/) override {}

  Replicas& replicas_;
  ClusterMetadata& metadata_;
  ClusterId cluster_;
  std::set<LogId> unsettled_;  // stored, and on their way to the disk
  std::set<LogId> lazy_;       // the same, of topics that are synced at intervals
  Pace pace_;                  // empty: none
  bool is_paused_ = false;
  Timer pause_;
  pipe::PipeClient client_;
};

Followers::Followers(const Context& context,
                     pipe::PipeClient::Options options,
                     std::int64_t move_bytes_per_s)
    : context_(context), options_(std::move(options)), move_bytes_per_s_(move_bytes_per_s) {
  options_.wait_ms = std::min(options_.wait_ms, kWaitMsMax);
  options_.backoff_max_ms = 1'000;
}

Followers::~Followers() = default;

bool Followers::is_moving(const LogId& log) const {
  const auto* record = context_.metadata.state().find(log);
  const ReplicaId self(options_.replica);
  return record != nullptr && !is_member(self, record->in_sync) &&
         std::ranges::find(record->moving_to, self) != record->moving_to.end();
}

std::unique_ptr<Followers::Session> Followers::begin(const Source& source) {
  auto options = options_;
  options.session = source.is_moving ? "moving" : "replica";
  if (source.is_moving) options.bytes_max = std::min(options.bytes_max, kMovingBytesMax);
  const auto pace = [this](std::size_t bytes) {
    const auto now_ms = context_.pipe.clock.monotonic_ms();
    const auto decided = context_.metadata.state().move_bytes_per_s();
    budget_.spend(static_cast<std::int64_t>(bytes), decided > 0 ? decided : move_bytes_per_s_,
                  now_ms);
    return budget_.wait_ms(now_ms);
  };
  auto session = std::make_unique<Session>(context_, options,
                                           source.is_moving ? Session::Pace(pace) : nullptr);
  session->find_at(context_.metadata.state().brokers().at(source.leader));
  return session;
}

void Followers::follow(const LogId& log, ReplicaId leader) {
  const Source source{leader, is_moving(log)};
  const auto before = followed_.find(log);
  if (before != followed_.end() && before->second != source) rest(log);
  followed_[log] = source;
  auto& session = sessions_[source];
  if (session == nullptr) session = begin(source);
  session->add(log);
}

void Followers::rest(const LogId& log) {
  const auto found = followed_.find(log);
  if (found == followed_.end()) return;
  const auto source = found->second;
  followed_.erase(found);
  sessions_.at(source)->remove(log);
  const bool is_last =
      std::ranges::none_of(followed_, [&](const auto& each) { return each.second == source; });
  if (is_last) sessions_.erase(source);
}

void Followers::moved(const Partition& partition) {
  const auto found = followed_.find(partition.id());
  if (found != followed_.end()) sessions_.at(found->second)->moved(partition);
}

void Followers::on_changes(const ClusterState::Changes& changes) {
  for (const auto& [source, session] : sessions_) {
    if (changes.brokers.contains(source.leader))
      session->find_at(context_.metadata.state().brokers().at(source.leader));
  }
  for (const auto& log : changes.partitions) {
    // A newer record: it is asked again with that one's version.
    if (const auto found = followed_.find(log); found != followed_.end())
      follow(log, found->second.leader);
  }
}

}  // namespace xylem::broker
