#include "pipe/routed_client.h"

#include "common/timer.h"
#include "pipe/route_table.h"

#include <algorithm>
#include <map>
#include <utility>

namespace xylem::pipe {

class RoutedClient::Impl {
 public:
  Impl(const PipeClient::Context& context,
       PipeConnector& connector,
       PipeTarget& target,
       PipeClient::Options options);

  void set_parents(std::vector<Parent> parents);
  void set_cluster(const ClusterId& cluster);
  void add(const LogId& log);
  void remove(const LogId& log);
  void touch(const LogId& log);
  [[nodiscard]] PipeClient::View view() const;

 private:
  class Session;

  Session& home() const { return *home_; }

  Session& at(const Parent& parent);
  Status repair(const Session& asked, const FetchedPartition& fetched);
  [[nodiscard]] bool names_another(const Session& asked, const FetchedPartition& fetched) const;
  void on_connected(const Session& session, const NodeId& parent);
  void on_failed(const Session& session);

  void settle_soon();
  void settle();
  void open_leaders();
  void close_idle();

  PipeClient::Context context_;
  PipeConnector& connector_;
  PipeTarget& target_;
  PipeClient::Options options_;
  Gauge& open_routes_;
  Counter& reroutes_;
  RouteTable routes_;
  NodeId home_parent_;  // who answered home last
  std::unique_ptr<Session> home_;
  std::map<Parent, std::unique_ptr<Session>> leaders_;
  std::uint64_t closed_exchanges_ = 0;  // of sessions that ended
  bool settles_soon_ = false;
  Timer settle_;  // moves logs and ends sessions outside their callbacks
};

// One conversation, and the target as it sees it.
class RoutedClient::Impl::Session final : public PipeTarget {
 public:
  Session(Impl& router, Parent leader, PipeClient::Options options)
      : router_(router),
        leader_(std::move(leader)),
        client_(router.context_, router.connector_, *this, std::move(options)) {}

  [[nodiscard]] const Parent& leader() const { return leader_; }

  [[nodiscard]] bool is_home() const { return leader_ == RouteTable::home(); }

  // Who answers; empty: nobody.
  [[nodiscard]] const NodeId& parent() const { return parent_; }

  [[nodiscard]] PipeClient& client() { return client_; }

  // Once it has its logs, so that the first request lists them.
  void open() {
    if (!std::exchange(is_open_, true)) client_.set_parents({leader_});
  }

  Result<FetchPartition> position(const LogId& log) override {
    return router_.target_.position(log);
  }

  Status store(const FetchedPartition& fetched) override {
    router_.routes_.served(fetched.log);
    return router_.target_.store(fetched);
  }

  Status repair(const FetchedPartition& fetched) override { return router_.repair(*this, fetched); }

  void confirm(const LogId& log, std::uint64_t age_ms) override {
    router_.target_.confirm(log, age_ms);
  }

  bool accepts(const NodeId& parent, const ClusterId& cluster) override {
    return router_.target_.accepts(parent, cluster);
  }

  void on_topology_version(std::uint64_t version) override {
    router_.target_.on_topology_version(version);
  }

  void on_connected(const NodeId& parent) override {
    parent_ = parent;
    router_.on_connected(*this, parent);
  }

  void on_failed(const Error&) override {
    parent_.clear();
    router_.on_failed(*this);
  }

  void on_behind(const LogId& log) override {
    router_.routes_.doubt(log);
    router_.settle_soon();
  }

 private:
  Impl& router_;
  Parent leader_;
  NodeId parent_;
  bool is_open_ = false;
  PipeClient client_;
};

RoutedClient::Impl::Impl(const PipeClient::Context& context,
                         PipeConnector& connector,
                         PipeTarget& target,
                         PipeClient::Options options)
    : context_(context),
      connector_(connector),
      target_(target),
      options_(std::move(options)),
      open_routes_(context.metrics.gauge(
          "xylem_pipe_routes", "Leaders asked beside the parent", {{"session", options_.session}})),
      reroutes_(context.metrics.counter("xylem_pipe_reroutes_total",
                                        "Partitions that moved to another parent's session")),
      routes_({.backoff = {.min_ms = options_.backoff_min_ms, .max_ms = options_.backoff_max_ms},
               .doubt_ms = options_.fail_back_ms},
              context.clock,
              context.random),
      home_(std::make_unique<Session>(*this, RouteTable::home(), options_)),
      settle_(context.loop) {}

void RoutedClient::Impl::set_parents(std::vector<Parent> parents) {
  if (parents.empty()) {
    routes_.recall();
    settle_soon();
  }
  home().client().set_parents(std::move(parents));
}

void RoutedClient::Impl::set_cluster(const ClusterId& cluster) {
  options_.cluster = cluster;
  home().client().set_cluster(cluster);
  for (const auto& [leader, session] : leaders_) session->client().set_cluster(cluster);
}

void RoutedClient::Impl::add(const LogId& log) {
  if (routes_.at(log) != nullptr) return;
  routes_.add(log);
  home().client().add(log);
}

void RoutedClient::Impl::remove(const LogId& log) {
  const auto* parent = routes_.at(log);
  if (parent == nullptr) return;
  at(*parent).client().remove(log);
  routes_.remove(log);
  settle_soon();
}

void RoutedClient::Impl::touch(const LogId& log) {
  if (const auto* parent = routes_.at(log)) at(*parent).client().touch(log);
}

// The session with `parent`, which begins when there is none.
RoutedClient::Impl::Session& RoutedClient::Impl::at(const Parent& parent) {
  if (parent == RouteTable::home()) return home();
  auto& session = leaders_[parent];
  if (session == nullptr) {
    auto options = options_;
    options.session += "@" + parent.node;
    session = std::make_unique<Session>(*this, parent, std::move(options));
  }
  return *session;
}

Status RoutedClient::Impl::repair(const Session& asked, const FetchedPartition& fetched) {
  if (fetched.state != FetchState::kNotHere) {
    routes_.served(fetched.log);
    return target_.repair(fetched);
  }
  const bool moves_on = names_another(asked, fetched);
  Parent to = RouteTable::home();
  if (moves_on && fetched.leader != home().parent()) to = {fetched.leader, fetched.leader_address};
  routes_.redirect(fetched.log, to, fetched.epoch);
  settle_soon();
  return moves_on ? Status() : target_.repair(fetched);
}

// A leader that neither this node is nor who was asked: it is not ready, or knows no better.
bool RoutedClient::Impl::names_another(const Session& asked,
                                       const FetchedPartition& fetched) const {
  return !fetched.leader.empty() && !fetched.leader_address.empty() &&
         fetched.leader != options_.node && fetched.leader != asked.parent();
}

void RoutedClient::Impl::on_connected(const Session& session, const NodeId& parent) {
  if (!session.is_home()) {
    routes_.answered(session.leader());
  } else if (std::exchange(home_parent_, parent) != parent) {
    routes_.recall();
    settle_soon();
  }
}

void RoutedClient::Impl::on_failed(const Session& session) {
  if (session.is_home()) return;  // it walks its list by itself
  routes_.failed(session.leader());
  settle_soon();
}

void RoutedClient::Impl::settle_soon() {
  if (!std::exchange(settles_soon_, true)) settle_.start(0, 0, [this] { settle(); });
}

void RoutedClient::Impl::settle() {
  settles_soon_ = false;
  for (const auto& [log, from, to] : routes_.take_due()) {
    at(from).client().remove(log);
    at(to).client().add(log);
    reroutes_.add();
  }
  close_idle();
  for (const auto& [leader, session] : leaders_) session->open();
  open_routes_.set(static_cast<double>(leaders_.size()));
  const auto due = routes_.due_at_ms();
  if (!due || settles_soon_) return;
  const auto in_ms = std::max<std::int64_t>(*due - context_.clock.monotonic_ms(), 1);
  settle_.start(static_cast<std::uint64_t>(in_ms), 0, [this] { settle(); });
}

void RoutedClient::Impl::close_idle() {
  for (auto next = leaders_.begin(); next != leaders_.end();) {
    const auto entry = next++;
    if (routes_.logs_at(entry->first) > 0) continue;
    closed_exchanges_ += entry->second->client().view().exchanges;
    leaders_.erase(entry);
  }
}

PipeClient::View RoutedClient::Impl::view() const {
  auto all = home().client().view();
  all.exchanges += closed_exchanges_;
  for (const auto& [leader, session] : leaders_) {
    const auto view = session->client().view();
    all.exchanges += view.exchanges;
    all.failovers += view.failovers;
    all.behind += view.behind;
    if (all.last_error.empty()) all.last_error = view.last_error;
    if (routes_.logs_at(leader) == 0) continue;
    // A session that begins is not yet unhealthy: when its first exchange fails, it ends.
    const bool begins = view.since_success_ms < 0;
    all.health = std::max(all.health, begins ? Health::kDegraded : view.health);
  }
  return all;
}

RoutedClient::RoutedClient(const PipeClient::Context& context,
                           PipeConnector& connector,
                           PipeTarget& target,
                           PipeClient::Options options)
    : impl_(std::make_unique<Impl>(context, connector, target, std::move(options))) {}

RoutedClient::~RoutedClient() = default;

void RoutedClient::set_parents(std::vector<Parent> parents) {
  impl_->set_parents(std::move(parents));
}

void RoutedClient::set_cluster(const ClusterId& cluster) { impl_->set_cluster(cluster); }

void RoutedClient::add(const LogId& log) { impl_->add(log); }

void RoutedClient::remove(const LogId& log) { impl_->remove(log); }

void RoutedClient::touch(const LogId& log) { impl_->touch(log); }

PipeClient::View RoutedClient::view() const { return impl_->view(); }

}  // namespace xylem::pipe
