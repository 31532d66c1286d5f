#include "broker/cluster/quorum/raft_io.h"

#include "broker/cluster/quorum/raft_codec.h"

#include <algorithm>
#include <utility>

namespace xylem::broker {
namespace {

int code_of(const Status& status) {
  if (status) return 0;
  return status.error().code() == Errc::kDiskFull ? RAFT_NOSPACE : RAFT_IOERR;
}

Buffer copy_of(const raft_buffer& buffer) {
  const auto* first = static_cast<const std::byte*>(buffer.base);
  return {first, first + buffer.len};
}

std::vector<QuorumEntry> copy_of(const raft_entry* entries, unsigned count) {
  std::vector<QuorumEntry> copies;
  copies.reserve(count);
  for (unsigned i = 0; i < count; ++i)
    copies.push_back({entries[i].term, entries[i].type, copy_of(entries[i].buf)});
  return copies;
}

// In libraft's memory, which it frees. Null: it has none left, or the configuration is none.
raft_snapshot* to_raft(const QuorumSnapshot& from) {
  auto* snapshot = static_cast<raft_snapshot*>(raft_calloc(1, sizeof(raft_snapshot)));
  if (snapshot == nullptr) return nullptr;
  snapshot->index = from.index;
  snapshot->term = from.term;
  snapshot->configuration_index = from.configuration_index;
  snapshot->bufs = static_cast<raft_buffer*>(raft_calloc(1, sizeof(raft_buffer)));
  snapshot->n_bufs = 1;
  if (snapshot->bufs != nullptr && copy_to(from.state, snapshot->bufs[0]) &&
      decode(from.configuration, snapshot->configuration))
    return snapshot;
  if (snapshot->bufs != nullptr) raft_free(snapshot->bufs[0].base);
  raft_free(snapshot->bufs);
  raft_free(snapshot);
  return nullptr;
}

raft_entry* to_raft(const std::vector<QuorumEntry>& from) {
  auto* entries = static_cast<raft_entry*>(raft_calloc(from.size(), sizeof(raft_entry)));
  for (std::size_t i = 0; entries != nullptr && i < from.size(); ++i) {
    entries[i].term = from[i].term;
    entries[i].type = from[i].type;
    if (!copy_to(from[i].data, entries[i].buf)) return nullptr;  // the process is about to end
    entries[i].batch = entries[i].buf.base;
  }
  return entries;
}

}  // namespace

RaftIo::RaftIo(Quorum::Seams seams, std::unique_ptr<QuorumStore> opened)
    : seams_(std::move(seams)), store_(std::move(opened)) {
  io_.version = 1;
  io_.impl = this;
  io_.init = [](raft_io*, raft_id, const char*) { return 0; };
  io_.close = [](raft_io* io, raft_io_close_cb done) { of(io).close(done); };
  io_.load = [](raft_io* io, raft_term* term, raft_id* vote, raft_snapshot** snapshot,
                raft_index* start, raft_entry** entries, size_t* count) {
    return of(io).load({term, vote, snapshot, start, entries, count});
  };
  io_.start = [](raft_io* io, unsigned, raft_io_tick_cb on_tick, raft_io_recv_cb on_message) {
    of(io).tick_ = on_tick;
    of(io).receive_ = on_message;
    return 0;
  };
  io_.bootstrap = [](raft_io* io, const raft_configuration* configuration) {
    return of(io).bootstrap(*configuration);
  };
  io_.recover = [](raft_io*, const raft_configuration*) { return RAFT_INVALID; };
  io_.set_term = [](raft_io* io, raft_term term) {
    of(io).term_ = term;
    return of(io).on_store([&](QuorumStore& store) { return store.set_term(term); });
  };
  io_.set_vote = [](raft_io* io, raft_id member) {
    return of(io).on_store([&](QuorumStore& store) { return store.set_vote(member); });
  };
  io_.send = [](raft_io* io, raft_io_send* request, const raft_message* message,
                raft_io_send_cb done) { return of(io).send(request, *message, done); };
  io_.append = [](raft_io* io, raft_io_append* request, const raft_entry entries[], unsigned count,
                  raft_io_append_cb done) { return of(io).append(request, entries, count, done); };
  io_.truncate = [](raft_io* io, raft_index index) { return of(io).truncate(index); };
  io_.snapshot_put = [](raft_io* io, unsigned trailing, raft_io_snapshot_put* request,
                        const raft_snapshot* snapshot, raft_io_snapshot_put_cb done) {
    return of(io).put_snapshot(trailing, request, *snapshot, done);
  };
  io_.snapshot_get = [](raft_io* io, raft_io_snapshot_get* request, raft_io_snapshot_get_cb done) {
    return of(io).get_snapshot(request, done);
  };
  io_.time = [](raft_io* io) -> raft_time {
    return static_cast<raft_time>(of(io).seams_.clock.monotonic_us() / 1'000);
  };
  io_.random = [](raft_io* io, int min, int max) {
    const auto range = static_cast<std::uint64_t>(max - min);
    return min + static_cast<int>(of(io).seams_.random.below(range));
  };
}

void RaftIo::tick() {
  if (takes_part()) tick_(&io_);
}

Status RaftIo::receive(ReplicaId from, Bytes bytes) {
  raft_message message{};
  if (auto read = decode(bytes, message); !read) return read;
  if (!takes_part() || is_lost(message)) {
    free_memory(message);
    return {};
  }
  message.server_id = static_cast<raft_id>(from.value()) + 1;
  message.server_address = "";
  if (message.type == RAFT_IO_APPEND_ENTRIES) skip_snapshot(message.append_entries);
  offered_ = offered_by(message);
  receive_(&io_, &message);
  offered_.reset();
  return {};
}

bool RaftIo::is_lost(const raft_message& message) const {
  return is_joining_ && message.type == RAFT_IO_REQUEST_VOTE;
}

Status RaftIo::join() {
  {
    const std::lock_guard lock(store_mutex_);
    if (store_->content() != QuorumContent{})
      return fail(Errc::kAlreadyExists, "this member has joined a quorum before");
  }
  on_store([](QuorumStore& store) { return store.set_joining(true); });
  return health();
}

void RaftIo::joined() {
  if (!is_joining_) return;
  begin([this] { on_store([](QuorumStore& store) { return store.set_joining(false); }); },
        [this] { is_joining_ = has_failed_; });
}

// What is in a snapshot was decided: every leader has the same.
void RaftIo::skip_snapshot(raft_append_entries& message) const {
  if (message.prev_log_index >= snapshot_index_) return;
  const auto known =
      std::min<raft_index>(message.n_entries, snapshot_index_ - message.prev_log_index);
  if (known == message.n_entries && message.n_entries > 0) {
    raft_free(message.entries[0].batch);
    raft_free(message.entries);
    message.entries = nullptr;
  } else if (known > 0) {
    std::copy(message.entries + known, message.entries + message.n_entries, message.entries);
  }
  message.n_entries -= static_cast<unsigned>(known);
  message.prev_log_index = snapshot_index_;
  message.prev_log_term = snapshot_term_;
}

// What a message offers is compared when libraft accepts it: it answers at once, or has entries or
// a snapshot stored before it answers.
std::optional<RaftIo::Compared> RaftIo::offered_by(const raft_message& message) {
  if (message.type == RAFT_IO_APPEND_ENTRIES) {
    const auto& it = message.append_entries;
    return Compared{it.term, it.prev_log_index + it.n_entries};
  }
  if (message.type != RAFT_IO_INSTALL_SNAPSHOT) return std::nullopt;
  return Compared{message.install_snapshot.term, message.install_snapshot.last_index};
}

void RaftIo::note(const Compared& compared) {
  if (compared.term > compared_.term ||
      (compared.term == compared_.term && compared.end > compared_.end))
    compared_ = compared;
}

int RaftIo::on_store(const std::function<Status(QuorumStore&)>& change) {
  const std::lock_guard lock(store_mutex_);
  if (stored_) stored_ = change(*store_);
  has_failed_ = !stored_;
  return code_of(stored_);
}

Status RaftIo::health() const {
  const std::lock_guard lock(store_mutex_);
  return stored_;
}

void RaftIo::begin(std::function<void()> work, std::function<void()> done) {
  ++under_way_;
  seams_.work(std::move(work), [this, done = std::move(done)] {
    done();
    end_one();
  });
}

void RaftIo::end_one() {
  if (--under_way_ == 0 && closed_ != nullptr) std::exchange(closed_, nullptr)(&io_);
}

void RaftIo::close(raft_io_close_cb done) {
  closed_ = done;
  begin([] {},
        [this] {  // not inside this call, and after all else
          for (const auto& answer : std::exchange(unanswered_, {})) answer();
        });
}

int RaftIo::load(const Loaded& out) {
  const std::lock_guard lock(store_mutex_);
  const auto& content = store_->content();
  *out.term = term_ = content.term;
  *out.vote = content.vote;
  is_joining_ = content.is_joining;
  *out.snapshot = content.snapshot ? to_raft(*content.snapshot) : nullptr;
  snapshot_index_ = content.snapshot ? content.snapshot->index : 0;
  snapshot_term_ = content.snapshot ? content.snapshot->term : 0;
  if (content.snapshot && *out.snapshot == nullptr) return RAFT_CORRUPT;
  *out.start = content.start_index;
  *out.count = content.entries.size();
  *out.entries = content.entries.empty() ? nullptr : to_raft(content.entries);
  return *out.entries == nullptr && *out.count > 0 ? RAFT_NOMEM : 0;
}

int RaftIo::bootstrap(const raft_configuration& configuration) {
  raft_buffer encoded{};
  if (const int failed = raft_configuration_encode(&configuration, &encoded); failed != 0)
    return failed;
  const std::vector<QuorumEntry> first{{1, RAFT_CHANGE, copy_of(encoded)}};
  raft_free(encoded.base);
  {
    const std::lock_guard lock(store_mutex_);
    if (store_->content() != QuorumContent{}) return RAFT_CANTBOOTSTRAP;
  }
  return on_store([&](QuorumStore& store) -> Status {
    if (auto set = store.set_term(1); !set) return set;
    return store.append(first);
  });
}

int RaftIo::append(raft_io_append* request,
                   const raft_entry* entries,
                   unsigned count,
                   raft_io_append_cb done) {
  auto result = std::make_shared<int>(0);
  begin(
      [this, result, copies = copy_of(entries, count)] {
        *result = on_store([&](QuorumStore& store) { return store.append(copies); });
      },
      [this, compared = to_compare(), request, result, done] {
        note(compared);
        end_append(request, *result, done);
      });
  return 0;
}

// A server that is closed looks at no result.
void RaftIo::end_append(raft_io_append* request, int result, raft_io_append_cb done) {
  auto answer = [request, done] { done(request, 0); };
  if (result == 0 || closed_ != nullptr)
    answer();
  else
    unanswered_.emplace_back(answer);
}

// Should it fail, so does the append that follows.
int RaftIo::truncate(raft_index index) {
  begin([this, index] { on_store([&](QuorumStore& store) { return store.cut(index); }); }, [] {});
  return 0;
}

int RaftIo::send(raft_io_send* request, const raft_message& message, raft_io_send_cb done) {
  auto said = message;
  if (said.type == RAFT_IO_APPEND_ENTRIES_RESULT && said.append_entries_result.rejected == 0) {
    if (offered_) note(*offered_);  // it is answered as it is heard: accepted
    auto& result = said.append_entries_result;
    const auto known = result.term == compared_.term ? compared_.end : 0;
    result.last_log_index = std::min(result.last_log_index, known);
  }
  if (said.type == RAFT_IO_REQUEST_VOTE_RESULT && !said.request_vote_result.vote_granted)
    said.request_vote_result.term = std::max(said.request_vote_result.term, term_);
  if (!has_failed_ && !is_lost(message))
    seams_.send(ReplicaId(static_cast<std::int32_t>(message.server_id) - 1), encode(said));
  begin([] {}, [request, done] { done(request, 0); });
  return 0;
}

int RaftIo::put_snapshot(unsigned trailing,
                         raft_io_snapshot_put* request,
                         const raft_snapshot& snapshot,
                         raft_io_snapshot_put_cb done) {
  QuorumSnapshot copy{snapshot.index,
                      snapshot.term,
                      snapshot.configuration_index,
                      encode(snapshot.configuration),
                      {}};
  for (unsigned i = 0; i < snapshot.n_bufs; ++i) {
    const auto part = copy_of(snapshot.bufs[i]);
    copy.state.insert(copy.state.end(), part.begin(), part.end());
  }
  auto result = std::make_shared<int>(0);
  begin(
      [this, result, trailing, copy = std::move(copy)] {
        *result = on_store([&](QuorumStore& store) { return store.put_snapshot(copy, trailing); });
      },
      [this, compared = to_compare(), request, result, done, index = snapshot.index,
       term = snapshot.term] {
        note(compared);
        if (*result == 0) {
          snapshot_index_ = index;
          snapshot_term_ = term;
        }
        done(request, *result);
      });
  return 0;
}

int RaftIo::get_snapshot(raft_io_snapshot_get* request, raft_io_snapshot_get_cb done) {
  auto found = std::make_shared<std::optional<QuorumSnapshot>>();
  begin(
      [this, found] {
        const std::lock_guard lock(store_mutex_);
        *found = store_->content().snapshot;
      },
      [request, found, done] {
        auto* snapshot = *found ? to_raft(**found) : nullptr;
        done(request, snapshot, snapshot == nullptr ? RAFT_NOTFOUND : 0);
      });
  return 0;
}

}  // namespace xylem::broker
