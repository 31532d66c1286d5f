#include "pipe/pipe_server.h"

#include "common/timer.h"
#include "pipe/session_table.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace xylem::pipe {
namespace {

struct Instruments {
  explicit Instruments(Metrics& metrics)
      : fetches(metrics.counter("xylem_pipe_fetches_total", "Fetches asked by children")),
        refused(
            metrics.counter("xylem_pipe_fetches_refused_total", "Fetches answered by an error")),
        anew(metrics.counter("xylem_pipe_sessions_lost_total",
                             "Fetches of a session that is unknown or out of step")),
        bytes(metrics.counter("xylem_pipe_sent_bytes_total", "Bytes of batches sent to children")),
        waiting(metrics.gauge("xylem_pipe_fetches_waiting", "Fetches in long poll")),
        sessions(metrics.gauge("xylem_pipe_sessions", "Sessions of children")) {
    for (std::size_t state = 0; state < verdicts.size(); ++state) {
      verdicts.at(state) =
          &metrics.counter("xylem_pipe_answers_total", "Partitions answered, by state",
                           {{"state", std::string(to_string(static_cast<FetchState>(state)))}});
    }
  }

  Counter& fetches;
  Counter& refused;
  Counter& anew;
  Counter& bytes;
  Gauge& waiting;
  Gauge& sessions;
  std::array<Counter*, kFetchStates> verdicts{};
};

}  // namespace

class PipeServer::Impl {
 public:
  Impl(const Context& context, PipeSource& source, const Limits& limits)
      : loop_(context.loop),
        clock_(context.clock),
        source_(source),
        limits_(limits),
        metrics_(context.metrics),
        table_({.sessions_max = limits.sessions_max, .partitions_max = limits.partitions_max},
               context.random),
        sweep_(context.loop) {
    sweep_.start(limits.session_idle_ms, std::max<std::uint64_t>(limits.session_idle_ms / 4, 1),
                 [this] { expire(); });
  }

  ~Impl() {
    auto waiting = std::move(waiting_);
    waiting_.clear();
    for (auto& [token, fetch] : waiting)
      fetch.answer(fail(Errc::kCancelled, "the parent's pipe closes"));
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  std::uint64_t fetch(Bytes bytes, Answer answer);
  void abandon(std::uint64_t token);
  void notify(const LogId& log);
  [[nodiscard]] std::vector<Child> children() const;

 private:
  struct Fetch {
    std::uint64_t session = 0;
    std::size_t bytes_max = 0;
    std::size_t bytes_min = 0;
    Answer answer;
    std::unique_ptr<Timer> deadline;
  };

  Status admit(const FetchRequest& request) const;
  Result<SessionTable::Entry*> enter(const FetchRequest& request);
  Status take_over(SessionTable::Entry& entry, const FetchRequest& request);
  void tell_source(SessionTable::Entry& entry);
  void start_anew(const Answer& answer);
  std::uint64_t respond_or_wait(SessionTable::Entry& entry, Fetch fetch, std::uint64_t wait_ms);
  bool respond(SessionTable::Entry& entry, const Fetch& fetch, bool is_late);
  void retry(std::uint64_t token, bool is_late);
  void expire();
  void count_gauges();

  Loop& loop_;
  const Clock& clock_;
  PipeSource& source_;
  Limits limits_;
  Instruments metrics_;
  SessionTable table_;
  std::unordered_map<std::uint64_t, Fetch> waiting_;  // by token
  std::uint64_t last_token_ = 0;
  Timer sweep_;
};

std::uint64_t PipeServer::Impl::fetch(Bytes bytes, Answer answer) {
  loop_.check_here();
  metrics_.fetches.add();
  const auto refuse = [&](Error error) {
    metrics_.refused.add();
    answer(std::unexpected(std::move(error)));
    return std::uint64_t{0};
  };
  auto request = decode_request(bytes);
  if (!request) return refuse(std::move(request).error());
  auto admitted = admit(*request);
  if (!admitted) return refuse(std::move(admitted).error());
  const auto entered = enter(*request);
  if (!entered) return refuse(entered.error());
  auto* entry = *entered;
  if (entry == nullptr) {
    start_anew(answer);
    return 0;
  }
  const std::uint64_t session = entry->session.id();
  auto taken = take_over(*entry, *request);
  if (!taken) {
    table_.drop(session);
    return refuse(std::move(taken).error());
  }
  const auto token = respond_or_wait(
      *entry,
      {.session = session,
       .bytes_max = std::clamp<std::size_t>(request->bytes_max, 1, limits_.bytes_max),
       .bytes_min = std::min(request->bytes_min, request->bytes_max),
       .answer = std::move(answer),
       .deadline = nullptr},
      std::min(request->wait_ms, limits_.wait_ms_max));
  if (entry->replica >= 0) {
    source_.on_replica_asks(entry->replica);
    if (auto* still = table_.find(session)) tell_source(*still);
  }
  return waiting_.contains(token) ? token : 0;
}

Status PipeServer::Impl::admit(const FetchRequest& request) const {
  if (request.child == source_.node())
    return fail(Errc::kInvalidRequest, "node " + request.child + " asks itself");
  const auto ours = source_.cluster();
  // Having nothing yet is no reason to be barred: the child asks again later.
  if (ours.is_nil()) return fail(Errc::kUnavailable, "this node has not joined its cluster yet");
  if (!request.cluster.is_nil() && request.cluster != ours) {
    return fail(Errc::kUnauthorized, "node " + request.child + " is of cluster " +
                                         request.cluster.text() + ", this is " + ours.text());
  }
  if (request.replica >= 0 && !source_.is_replica(request.child, request.replica)) {
    return fail(Errc::kUnauthorized, "node " + request.child + " is not replica " +
                                         std::to_string(request.replica) +
                                         " of this cluster's root tier");
  }
  return {};
}

// The session the request belongs to; nullptr: the child must start anew.
Result<SessionTable::Entry*> PipeServer::Impl::enter(const FetchRequest& request) {
  SessionTable::Entry* entry = nullptr;
  if (request.session == 0) {
    const auto asker = request.replica >= 0 ? Asker::kReplica : Asker::kChild;
    entry = table_.create(request.child, asker, clock_.monotonic_ms());
    if (entry == nullptr) return fail(Errc::kQuotaExceeded, "too many children wait here");
    entry->replica = request.replica;
  } else {
    entry = table_.find(request.session, request.child);
    if (entry == nullptr) return nullptr;
  }
  if (!entry->session.take(request.sequence))
    return fail(Errc::kCancelled, "overtaken by a later request of its session");
  if (const auto before = waiting_.find(entry->waiting); before != waiting_.end()) {
    const auto overtaken = std::move(before->second.answer);
    abandon(before->first);
    overtaken(fail(Errc::kCancelled, "overtaken by a later request of its session"));
  }
  if (!entry->session.in_step(request.answered)) {
    table_.drop(request.session);
    return nullptr;
  }
  entry->used_at_ms = clock_.monotonic_ms();
  return entry;
}

// The request's lists go into the session.
Status PipeServer::Impl::take_over(SessionTable::Entry& entry, const FetchRequest& request) {
  for (const auto& log : request.forgotten) table_.forget(entry, log);
  for (const auto& at : request.partitions) {
    if (!table_.list(entry, at))
      return fail(Errc::kQuotaExceeded, "too many partitions in sessions");
  }
  return {};
}

// Outside of all else: what it says moves high watermarks, which other fetches wait for.
void PipeServer::Impl::tell_source(SessionTable::Entry& entry) {
  const auto replica = entry.replica;
  for (const auto& at : entry.session.take_agreed()) source_.on_replica(replica, at);
}

void PipeServer::Impl::start_anew(const Answer& answer) {
  metrics_.anew.add();
  FetchAnswer none;
  none.parent = source_.node();
  none.cluster = source_.cluster();
  none.topology_version = source_.topology_version();
  answer(encode(none));
}

std::uint64_t PipeServer::Impl::respond_or_wait(SessionTable::Entry& entry,
                                                Fetch fetch,
                                                std::uint64_t wait_ms) {
  if (respond(entry, fetch, wait_ms == 0)) return 0;
  const std::uint64_t token = ++last_token_;
  fetch.deadline = std::make_unique<Timer>(loop_);
  fetch.deadline->start(wait_ms, 0, [this, token] { retry(token, true); });
  entry.waiting = token;
  waiting_.emplace(token, std::move(fetch));
  count_gauges();
  return token;
}

// False: there is nothing to say yet.
bool PipeServer::Impl::respond(SessionTable::Entry& entry, const Fetch& fetch, bool is_late) {
  auto draft = entry.session.draft(source_, fetch.bytes_max);
  const bool has_enough = draft.batch_bytes > 0 && draft.batch_bytes >= fetch.bytes_min;
  if (!draft.is_urgent && !has_enough && !is_late) return false;
  for (const auto& fetched : draft.news)
    metrics_.verdicts.at(static_cast<std::size_t>(fetched.state))->add();
  metrics_.bytes.add(draft.batch_bytes);
  entry.bytes_sent += draft.batch_bytes;
  entry.used_at_ms = clock_.monotonic_ms();
  fetch.answer(encode(entry.session.seal(std::move(draft), source_, clock_.monotonic_ms())));
  return true;
}

void PipeServer::Impl::retry(std::uint64_t token, bool is_late) {
  const auto found = waiting_.find(token);
  if (found == waiting_.end()) return;
  auto* entry = table_.find(found->second.session);
  XYLEM_CHECK(entry != nullptr);  // sessions that wait are never dropped
  auto fetch = std::move(found->second);
  waiting_.erase(found);
  entry->waiting = 0;
  if (respond(*entry, fetch, is_late)) {
    count_gauges();
  } else {
    entry->waiting = token;
    waiting_.emplace(token, std::move(fetch));
  }
  tell_source(*entry);
}

void PipeServer::Impl::abandon(std::uint64_t token) {
  loop_.check_here();
  const auto found = waiting_.find(token);
  if (found == waiting_.end()) return;
  if (auto* entry = table_.find(found->second.session); entry != nullptr) entry->waiting = 0;
  waiting_.erase(found);
  count_gauges();
}

void PipeServer::Impl::notify(const LogId& log) {
  loop_.check_here();
  for (const auto id : table_.listeners(log)) {
    auto* entry = table_.find(id);
    if (entry == nullptr) continue;
    entry->session.mark(log);
    if (entry->waiting != 0) retry(entry->waiting, false);
  }
}

std::vector<PipeServer::Child> PipeServer::Impl::children() const {
  loop_.check_here();
  std::vector<Child> children;
  children.reserve(table_.all().size());
  for (const auto& [id, entry] : table_.all()) {
    children.push_back({.node = entry.session.child(),
                        .session = id,
                        .partitions = entry.session.partitions(),
                        .idle_ms = clock_.monotonic_ms() - entry.used_at_ms,
                        .bytes_sent = entry.bytes_sent});
  }
  return children;
}

void PipeServer::Impl::expire() {
  table_.expire(clock_.monotonic_ms() - static_cast<std::int64_t>(limits_.session_idle_ms));
  count_gauges();
}

void PipeServer::Impl::count_gauges() {
  metrics_.waiting.set(static_cast<double>(waiting_.size()));
  metrics_.sessions.set(static_cast<double>(table_.all().size()));
}

PipeServer::PipeServer(const Context& context, PipeSource& source, const Limits& limits)
    : impl_(std::make_unique<Impl>(context, source, limits)) {}

PipeServer::~PipeServer() = default;

std::uint64_t PipeServer::fetch(Bytes request, Answer answer) {
  return impl_->fetch(request, std::move(answer));
}

void PipeServer::abandon(std::uint64_t token) { impl_->abandon(token); }

void PipeServer::notify(const LogId& log) { impl_->notify(log); }

std::vector<PipeServer::Child> PipeServer::children() const { return impl_->children(); }

}  // namespace xylem::pipe
