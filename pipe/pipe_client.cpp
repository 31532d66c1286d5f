#include "pipe/pipe_client.h"

#include "common/timer.h"
#include "pipe/child_session.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace xylem::pipe {
namespace {

constexpr std::uint64_t kGatherMs = 2;  // news that arrive together share a request
constexpr std::uint64_t kProbeTimeoutMs = 2'000;
constexpr std::uint32_t kEmptyInARowMax = 3;  // answers without anything, sooner than asked for
constexpr std::int64_t kSoonMs = 5;

struct Instruments {
  Instruments(Metrics& metrics, const std::string& session)
      : succeeded(metrics.counter(
            "xylem_pipe_exchanges_total", "Exchanges with parents", {{"result", "ok"}})),
        failed(metrics.counter(
            "xylem_pipe_exchanges_total", "Exchanges with parents", {{"result", "failed"}})),
        failovers(
            metrics.counter("xylem_pipe_failovers_total", "Changes of parent after a failure")),
        failbacks(metrics.counter("xylem_pipe_failbacks_total", "Returns to a better parent")),
        bytes(metrics.counter("xylem_pipe_received_bytes_total", "Bytes of answers received")),
        repairs(metrics.counter("xylem_pipe_repairs_total", "Partitions the parent disagreed on")),
        store_failures(metrics.counter("xylem_pipe_store_failures_total",
                                       "Batches received that could not be stored")),
        behind(metrics.gauge("xylem_pipe_partitions_behind",
                             "Partitions of which the parent has less than this node",
                             {{"session", session}})),
        paused(metrics.gauge("xylem_pipe_partitions_paused",
                             "Partitions waiting for a retry",
                             {{"session", session}})) {}

  Counter& succeeded;
  Counter& failed;
  Counter& failovers;
  Counter& failbacks;
  Counter& bytes;
  Counter& repairs;
  Counter& store_failures;
  Gauge& behind;
  Gauge& paused;
};

}  // namespace

class PipeClient::Impl {
 public:
  Impl(const Context& context, PipeConnector& connector, PipeTarget& target, Options options)
      : loop_(context.loop),
        clock_(context.clock),
        logger_(context.logger),
        connector_(connector),
        target_(target),
        options_(std::move(options)),
        metrics_(context.metrics, options_.session),
        walk_({.backoff = {.min_ms = options_.backoff_min_ms, .max_ms = options_.backoff_max_ms},
               .fail_back_ms = options_.fail_back_ms},
              context.clock,
              context.random),
        session_({.min_ms = options_.backoff_min_ms, .max_ms = options_.backoff_max_ms},
                 context.random),
        health_(options_.wait_ms, static_cast<std::int64_t>(options_.unhealthy_ms)),
        next_(context.loop),
        gather_(context.loop),
        probe_timer_(context.loop) {}

  ~Impl() {
    metrics_.behind.set(0);
    metrics_.paused.set(0);
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void set_parents(std::vector<Parent> parents) {
    loop_.check_here();
    std::erase_if(failures_, [&](const auto& failure) {
      return std::ranges::find(parents, failure.first, &Parent::url) == parents.end();
    });
    walk_.set_parents(std::move(parents));
    probe_link_.reset();  // its answer would be counted for somebody else
    turn();
    arm_probe();
  }

  void set_cluster(const ClusterId& cluster) {
    loop_.check_here();
    options_.cluster = cluster;
  }

  void add(const LogId& log) {
    loop_.check_here();
    session_.add(log);
    speak_up();
  }

  void remove(const LogId& log) {
    loop_.check_here();
    session_.remove(log);
  }

  void touch(const LogId& log) {
    loop_.check_here();
    session_.touch(log);
    speak_up();
  }

  void settled() {
    loop_.check_here();
    turn();
  }

  [[nodiscard]] View view() const;

 private:
  void turn();
  bool reach_current();
  void ask();
  void speak_up();
  void interrupt();
  void drop_exchange();

  void on_answer(Result<Slice> result);
  Status take(const Slice& bytes);
  Status greet(const FetchAnswer& answer);
  void take_partitions(const FetchAnswer& answer);
  void take_partition(const FetchedPartition& fetched);
  void confirm_others(const FetchAnswer& answer);
  bool stands_at(const FetchPartition& asked);
  void store(const FetchedPartition& fetched);
  void repair(const FetchedPartition& fetched, const FetchPartition& asked);
  void pace(const FetchAnswer& answer);
  void give_up(const Error& error, bool is_refused);
  void log_failure(const Error& error, bool was_connected);
  void count_failover(std::string_view why);

  void arm_probe();
  void probe();
  void on_probe(bool is_up);

  [[nodiscard]] std::int64_t now_ms() const { return clock_.monotonic_ms(); }

  Loop& loop_;
  const Clock& clock_;
  Logger& logger_;
  PipeConnector& connector_;
  PipeTarget& target_;
  Options options_;
  Instruments metrics_;
  ParentWalk walk_;
  ChildSession session_;
  PipeHealth health_;

  Parent linked_;  // whom link_ leads to; no url: nobody
  std::unique_ptr<PipeLink> link_;
  bool is_asking_ = false;
  bool is_confirmed_ = false;  // it answered, and is whom we want
  bool is_busy_ = false;       // inside an answer: what comes up is said in the next request
  std::int64_t asked_at_ms_ = 0;
  std::int64_t not_before_ms_ = 0;
  std::size_t last_bytes_ = 0;
  std::uint32_t empty_in_a_row_ = 0;
  NodeId parent_;
  std::optional<std::uint64_t> topology_version_;
  std::string last_error_;
  std::unordered_map<std::string, Errc> failures_;  // by url, as logged
  std::uint64_t exchanges_ = 0;
  std::uint64_t failovers_ = 0;
  Timer next_;
  Timer gather_;
  std::unique_ptr<PipeLink> probe_link_;
  Timer probe_timer_;
};

// What happens next: nothing while an exchange runs, else the next one as soon as it may.
void PipeClient::Impl::turn() {
  if (is_busy_ || !reach_current() || is_asking_ || target_.is_settling()) return;
  const std::int64_t at = std::max(walk_.ask_at_ms(), not_before_ms_);
  if (const std::int64_t now = now_ms(); now < at) {
    next_.start(static_cast<std::uint64_t>(at - now), 0, [this] { turn(); });
    return;
  }
  next_.stop();
  ask();
}

// Makes link_ lead to the walk's current parent. False: there is none.
bool PipeClient::Impl::reach_current() {
  const auto* current = walk_.current();
  if (current != nullptr && linked_ == *current) return true;
  drop_exchange();
  parent_.clear();
  is_confirmed_ = false;
  linked_ = {};
  if (current == nullptr) return false;
  linked_ = *current;
  not_before_ms_ = 0;
  session_.start_anew();
  return true;
}

void PipeClient::Impl::ask() {
  if (!link_) link_ = connector_.link(linked_.url);
  is_busy_ = true;
  auto [request, has_more] =
      session_.next(now_ms(), [this](const LogId& log) { return target_.position(log); });
  is_busy_ = false;
  request.child = options_.node;
  request.cluster = options_.cluster;
  request.replica = options_.replica;
  request.bytes_max = options_.bytes_max;
  request.wait_ms = is_confirmed_ && !has_more ? options_.wait_ms : 0;
  is_asking_ = true;
  asked_at_ms_ = now_ms();
  link_->fetch(encode(request), request.wait_ms + options_.silence_ms,
               [this](Result<Slice> result) { on_answer(std::move(result)); });
  if (const auto due = session_.due_at_ms())
    next_.start(static_cast<std::uint64_t>(std::max<std::int64_t>(*due - asked_at_ms_, 1)), 0,
                [this] { speak_up(); });
}

// There is something to list: soon, even if a long poll runs.
void PipeClient::Impl::speak_up() {
  if (is_busy_ || gather_.is_active()) return;
  gather_.start(kGatherMs, 0, [this] { interrupt(); });
}

// A backlog's answer comes by itself, and breaking it off would waste what is under way.
void PipeClient::Impl::interrupt() {
  const bool is_in_backlog = last_bytes_ * 2 >= options_.bytes_max;
  if (is_asking_ && !is_in_backlog && session_.has_news(now_ms())) drop_exchange();
  turn();
}

void PipeClient::Impl::drop_exchange() {
  link_.reset();
  is_asking_ = false;
}

void PipeClient::Impl::on_answer(Result<Slice> result) {
  is_asking_ = false;
  if (!result) {
    give_up(result.error(), false);
  } else {
    last_bytes_ = result->bytes.size();
    metrics_.bytes.add(last_bytes_);
    is_busy_ = true;
    const auto taken = take(*result);
    is_busy_ = false;
    if (!taken) give_up(taken.error(), taken.error().code() == Errc::kUnauthorized);
  }
  metrics_.behind.set(static_cast<double>(session_.count(FetchState::kBehind)));
  metrics_.paused.set(static_cast<double>(session_.paused()));
  turn();
  arm_probe();
}

Status PipeClient::Impl::take(const Slice& bytes) {
  const auto answer = decode_answer(bytes);
  if (!answer) return std::unexpected(answer.error());
  if (auto greeted = greet(*answer); !greeted) return greeted;
  ++exchanges_;
  metrics_.succeeded.add();
  health_.succeeded(now_ms());
  walk_.succeeded();
  is_confirmed_ = true;
  failures_.erase(linked_.url);
  pace(*answer);
  if (topology_version_ != answer->topology_version) {
    topology_version_ = answer->topology_version;
    target_.on_topology_version(answer->topology_version);
  }
  if (session_.answered(*answer))
    take_partitions(*answer);
  else
    session_.start_anew();
  return {};
}

// kUnauthorized: somebody answers, but he must not be our parent.
Status PipeClient::Impl::greet(const FetchAnswer& answer) {
  if (is_confirmed_ && answer.parent == parent_) return {};
  if (answer.parent == options_.node)
    return fail(Errc::kUnauthorized, linked_.url + " is this node itself");
  if (!linked_.node.empty() && answer.parent != linked_.node) {
    return fail(Errc::kUnauthorized,
                linked_.url + " is " + answer.parent + ", not " + linked_.node);
  }
  if (!target_.accepts(answer.parent, answer.cluster)) {
    return fail(Errc::kUnauthorized,
                answer.parent + " is of cluster " + answer.cluster.text() + ", not ours");
  }
  parent_ = answer.parent;
  logger_.info("pipe.connected", {{"parent", parent_}, {"url", linked_.url}});
  target_.on_connected(parent_);
  return {};
}

void PipeClient::Impl::take_partitions(const FetchAnswer& answer) {
  for (const auto& fetched : answer.partitions) take_partition(fetched);
  confirm_others(answer);
  if (session_.size() == 0 || session_.count(FetchState::kBehind) < session_.size()) return;
  walk_.is_behind();
  count_failover("it has less than we do");
}

// The answer's age is that of the quiet partitions; what it lists has an age of its own.
void PipeClient::Impl::confirm_others(const FetchAnswer& answer) {
  if (!answer.age_ms) return;
  std::unordered_set<LogId> listed;
  for (const auto& fetched : answer.partitions) listed.insert(fetched.log);
  for (const auto& log : session_.logs_in(FetchState::kOk)) {
    if (!listed.contains(log)) target_.confirm(log, *answer.age_ms);
  }
}

// An answer holds only for the state it was asked for: batches stored after a log was cut would
// leave a gap, a cut after it grew would take what is good.
void PipeClient::Impl::take_partition(const FetchedPartition& fetched) {
  const auto* asked = session_.asked(fetched.log);
  if (asked == nullptr) return;  // removed meanwhile
  const FetchPartition question = *asked;
  const bool acts = fetched.state != FetchState::kBehind &&
                    (fetched.state != FetchState::kOk || !fetched.batches.empty());
  if (question.cursor != fetched.cursor || (acts && !stands_at(question))) {
    session_.touch(fetched.log);
    return;
  }
  session_.set_state(fetched.log, fetched.state);
  switch (fetched.state) {
    case FetchState::kOk:
      store(fetched);
      return;
    case FetchState::kBehind:  // keep what we have; it tells when it has caught up
      session_.pause(fetched.log, now_ms(), false);
      target_.on_behind(fetched.log);
      return;
    case FetchState::kDiverged:
    case FetchState::kOutOfRange:
    case FetchState::kUnknownTopicId:
    case FetchState::kNotHere:
      repair(fetched, question);
      return;
  }
}

bool PipeClient::Impl::stands_at(const FetchPartition& asked) {
  const auto now = target_.position(asked.log);
  return now && now->still_asks(asked);
}

void PipeClient::Impl::store(const FetchedPartition& fetched) {
  const auto stored = target_.store(fetched);
  if (!stored) {
    metrics_.store_failures.add();
    last_error_ = stored.error().what();
    session_.pause(fetched.log, now_ms(), true);
    return;
  }
  if (fetched.batches.empty() && session_.is_retrying(fetched.log)) return;
  session_.recovered(fetched.log);
  if (!fetched.batches.empty()) session_.touch(fetched.log);
}

// After a repair that moved the log the partition is listed at once; otherwise it is asked again
// later, and the parent tells by itself when its answer changes.
void PipeClient::Impl::repair(const FetchedPartition& fetched, const FetchPartition& asked) {
  metrics_.repairs.add();
  const auto repaired = target_.repair(fetched);
  if (!repaired) last_error_ = repaired.error().what();
  if (repaired && !stands_at(asked))
    session_.touch(fetched.log);
  else
    session_.pause(fetched.log, now_ms(), !repaired);
}

// A parent may ask for a pause; one that answers nothing again and again gets one.
void PipeClient::Impl::pace(const FetchAnswer& answer) {
  const std::int64_t now = now_ms();
  const bool is_empty = answer.partitions.empty() && now - asked_at_ms_ < kSoonMs;
  empty_in_a_row_ = is_empty ? empty_in_a_row_ + 1 : 0;
  std::uint64_t pause_ms = answer.pace_ms;
  if (empty_in_a_row_ > kEmptyInARowMax) pause_ms = std::max(pause_ms, options_.backoff_min_ms);
  not_before_ms_ = now + static_cast<std::int64_t>(pause_ms);
}

void PipeClient::Impl::give_up(const Error& error, bool is_refused) {
  metrics_.failed.add();
  health_.failed(now_ms());
  last_error_ = error.what();
  const bool was_connected = walk_.is_connected();
  if (is_refused)
    walk_.refused();
  else
    walk_.failed();
  is_confirmed_ = false;
  parent_.clear();
  log_failure(error, was_connected);
  count_failover(error.what());
  target_.on_failed(error);
}

// Once per parent and code until it answers, or fails in another way: retries say nothing new.
void PipeClient::Impl::log_failure(const Error& error, bool was_connected) {
  const auto [known, is_first] = failures_.try_emplace(linked_.url, error.code());
  if (!is_first && std::exchange(known->second, error.code()) == error.code()) return;
  logger_.warn(was_connected ? "pipe.lost" : "pipe.failed",
               {{"url", linked_.url}, {"error", error.what()}});
}

void PipeClient::Impl::count_failover(std::string_view why) {
  const auto* current = walk_.current();
  if (current == nullptr || linked_ == *current) return;
  ++failovers_;
  metrics_.failovers.add();
  logger_.info("pipe.failover", {{"from", linked_.url}, {"to", current->url}, {"why", why}});
}

void PipeClient::Impl::arm_probe() {
  if (walk_.probe() == nullptr || probe_link_ || probe_timer_.is_active()) return;
  const std::int64_t in_ms = std::max<std::int64_t>(walk_.probe_at_ms() - now_ms(), 0);
  probe_timer_.start(static_cast<std::uint64_t>(in_ms), 0, [this] { probe(); });
}

void PipeClient::Impl::probe() {
  const auto* better = walk_.probe();
  if (better == nullptr) return;
  probe_link_ = connector_.link(better->url);
  probe_link_->probe(kProbeTimeoutMs,
                     [this](const Status& status) { on_probe(status.has_value()); });
}

void PipeClient::Impl::on_probe(bool is_up) {
  probe_link_.reset();
  if (walk_.probed(is_up)) {
    metrics_.failbacks.add();
    logger_.info("pipe.fail_back", {{"to", walk_.current()->url}});
    turn();
  }
  arm_probe();
}

PipeClient::View PipeClient::Impl::view() const {
  loop_.check_here();
  const std::int64_t now = now_ms();
  const bool is_lagging =
      session_.paused() > 0 || session_.count(FetchState::kOk) < session_.size();
  View view;
  if (walk_.is_connected()) view.parent = parent_;
  view.health = health_.at(now, is_lagging);
  view.since_success_ms = health_.since_success_ms(now).value_or(-1);
  view.last_error = last_error_;
  view.exchanges = exchanges_;
  view.failovers = failovers_;
  view.behind = session_.count(FetchState::kBehind);
  return view;
}

PipeClient::PipeClient(const Context& context,
                       PipeConnector& connector,
                       PipeTarget& target,
                       Options options)
    : impl_(std::make_unique<Impl>(context, connector, target, std::move(options))) {}

PipeClient::~PipeClient() = default;

void PipeClient::set_parents(std::vector<Parent> parents) {
  impl_->set_parents(std::move(parents));
}

void PipeClient::set_cluster(const ClusterId& cluster) { impl_->set_cluster(cluster); }

void PipeClient::add(const LogId& log) { impl_->add(log); }

void PipeClient::remove(const LogId& log) { impl_->remove(log); }

void PipeClient::touch(const LogId& log) { impl_->touch(log); }

void PipeClient::settled() { impl_->settled(); }

PipeClient::View PipeClient::view() const { return impl_->view(); }

}  // namespace xylem::pipe
