#include "broker/refresh/refreshes.h"

#include "broker/refresh/refresh_record.h"
#include "common/check.h"

#include <algorithm>
#include <utility>

namespace xylem::broker {
namespace {

std::vector<Offset> offsets_of(const TopicDefinition& topic,
                               const PartitionTable& partitions,
                               const std::function<Offset(const Partition&)>& offset) {
  std::vector<Offset> offsets;
  for (std::int32_t p = 0; p < topic.partitions; ++p) {
    const auto* partition = partitions.find(topic.log(p));
    offsets.push_back(partition == nullptr ? Offset() : offset(*partition));
  }
  return offsets;
}

}  // namespace

Refreshes::Refreshes(const Context& context, const Options& options)
    : context_(context),
      options_(options),
      replays_(context.loop,
               context.metrics,
               {.pushes = [this](Key key, const auto& replayed) { note_skipped(key, replayed); },
                .barrier = [this](Key key) -> std::optional<std::vector<Offset>> {
                  auto* entry = entry_of(seats_.at(key).refresh);
                  return entry == nullptr ? std::nullopt : entry->run.barrier();
                },
                .sent_all =
                    [this](Key key, const auto& goal) {
                      auto* entry = entry_of(seats_.at(key).refresh);
                      if (entry != nullptr)
                        perform(*entry, entry->run.sent_all(key, goal, now_ms()));
                    },
                .failed =
                    [this](Key key, const Error& why) {
                      auto& seat = seats_.at(key);
                      context_.logger.warn("refresh.replay_failed",
                                           {{"topic", seat.sitting.topic},
                                            {"consumer", seat.sitting.name},
                                            {"error", why.what()}});
                      auto* entry = entry_of(seat.refresh);
                      if (entry == nullptr) return;
                      auto acts = entry->run.leave(key, now_ms());
                      acts.push_back({RefreshRun::Act::Kind::kLeaveOff, key});
                      perform(*entry, acts);
                    }}),
      running_(context.metrics.gauge("xylem_refresh_running", "Refreshes that have not ended.")),
      busy_consumers_(context.metrics.gauge("xylem_refresh_consumers",
                                            "Consumers that are being taken through a refresh.")),
      started_(context.metrics.counter("xylem_refresh_started_total", "Refreshes begun.")),
      completed_(context.metrics.counter(
          "xylem_refresh_ended_total", "Refreshes that have ended.", {{"state", "COMPLETED"}})),
      aborted_(context.metrics.counter(
          "xylem_refresh_ended_total", "Refreshes that have ended.", {{"state", "ABORTED"}})),
      tick_(context.loop) {
  context_.partitions.observe([this](const Partition& moved) { on_moved(moved); });
  tick_.start(options_.tick_ms, options_.tick_ms, [this] { tick(); });
}

void Refreshes::load(std::function<void(Status)> done) {
  context_.state.scan(std::string(kRefreshKind), [this, alive = std::weak_ptr(alive_),
                                                  done = std::move(done)](auto rows) {
    if (alive.expired()) return;
    if (!rows) return done(pass(rows, "refreshes"));
    for (const auto& row : *rows) {
      auto record = decode_refresh(row.key, row.value);
      if (!record) {
        context_.logger.error("refresh.unreadable",
                              {{"id", row.key}, {"error", record.error().what()}});
        continue;
      }
      const auto& status = record->status;
      Entry entry{.run = RefreshRun(record->definition, options_.timing, now_ms(), status,
                                    record->owed, record->has_stalled),
                  .ended_at_ms = status.ended_at_ms,
                  .begun_ms = now_ms(),
                  .is_written = true,
                  .written = status.state};
      entry.written_unfinished = entry.run.unfinished_version();
      all_.emplace(record->definition.id, std::move(entry));
    }
    restore_stalled();
    is_loaded_ = true;
    for (const auto& [key, seat] : seats_) join(key);
    for (auto& [id, entry] : all_) {
      if (is_over(entry.run.state())) continue;
      context_.logger.info("refresh.resumed", {{"refresh", refresh_id_text(id)},
                                               {"topic", entry.run.definition().topic}});
      look_at(entry);
    }
    done({});
  });
}

void Refreshes::restore_stalled() {
  for (const auto& [id, entry] : all_) {
    const auto& definition = entry.run.definition();
    stalled_.erase(definition.topic);  // a newer one
    if (entry.run.has_stalled() && definition.is_rebuild) stalled_.insert(definition.topic);
  }
}

void Refreshes::watch() {
  context_.topics.observe(
      [this](const TopicDefinition& topic, bool removed) { on_topic(topic, removed); });
}

Result<RefreshStatus> Refreshes::start(const std::string& topic,
                                       const std::string& reason,
                                       std::optional<std::uint64_t> id,
                                       const std::string& by) {
  if (!is_loaded_)
    return fail(Errc::kUnavailable, "this broker is just starting", "ask again in a moment");
  if (reason.size() > kReasonBytesMax || by.size() > kReasonBytesMax)
    return fail(Errc::kInvalidRequest,
                "the reason is longer than " + std::to_string(kReasonBytesMax) + " bytes");
  if (id) {
    if (const auto* known = entry_of(*id)) {
      if (known->run.definition().topic == topic) return status_of(*known);
      return fail(Errc::kInvalidRequest, "refresh " + refresh_id_text(*id) +
                                             " is of another topic, \"" +
                                             known->run.definition().topic + "\"");
    }
    if (auto good = check_id(*id); !good) return pass(good);
  }
  auto found = topic_to_refresh(topic);
  if (!found) return pass(found);
  const auto* older = newest_of(topic);
  if (id && older != nullptr && *id < older->run.definition().id)
    return fail(Errc::kInvalidRequest, "refresh " + refresh_id_text(older->run.definition().id) +
                                           " of \"" + topic + "\" is newer: consumers would take " +
                                           refresh_id_text(*id) + " for a stale one");
  // Whatever was being rebuilt still is.
  const bool is_rebuild =
      stalled_.contains(topic) || (older != nullptr && older->run.definition().is_rebuild &&
                                   older->run.state() != RefreshState::kCompleted);
  auto& entry = begin(**found, {.id = id.value_or(next_id()),
                                .topic = topic,
                                .incarnation = (*found)->incarnation,
                                .reason = reason,
                                .started_by = by,
                                .started_at_ms = context_.clock.wall_ms(),
                                .is_rebuild = is_rebuild});
  return status_of(entry);
}

Result<const TopicDefinition*> Refreshes::topic_to_refresh(const std::string& name) const {
  if (is_internal_name(name))
    return fail(Errc::kInvalidRequest, "\"" + name + "\" is the broker's own: nobody copies it");
  const auto* topic = context_.topics.find(name);
  if (topic == nullptr) {
    if (auto current = context_.topics.is_current(); !current) return pass(current);
    return fail(Errc::kUnknownTopicOrPartition, "no topic \"" + name + "\" here");
  }
  std::int32_t here = 0;
  for (std::int32_t p = 0; p < topic->partitions; ++p)
    if (context_.partitions.find(topic->log(p)) != nullptr) ++here;
  if (here < topic->partitions)
    return fail(Errc::kUnavailable,
                std::to_string(here) + " of the " + std::to_string(topic->partitions) +
                    " partitions of \"" + name + "\" are here",
                "ask a broker that has all of them, as those below the root do");
  const auto running =
      std::ranges::count_if(all_, [](const auto& one) { return !is_over(one.second.run.state()); });
  if (std::cmp_greater_equal(running, options_.running_max))
    return fail(Errc::kQuotaExceeded, std::to_string(running) + " refreshes run already",
                "wait until some have ended, or stop some");
  return topic;
}

Refreshes::Entry& Refreshes::begin(const TopicDefinition& topic,
                                   RefreshRun::Definition definition) {
  const auto id = definition.id;
  RefreshRun run(std::move(definition), options_.timing, now_ms());
  owe_absent(topic.name, run);
  auto& entry = all_.emplace(id, Entry{.run = std::move(run), .begun_ms = now_ms()}).first->second;
  const auto& made = entry.run.definition();
  started_.add();
  stalled_.erase(topic.name);
  context_.logger.info("refresh.started", {{"refresh", refresh_id_text(id)},
                                           {"topic", made.topic},
                                           {"reason", made.reason},
                                           {"by", made.started_by}});
  cancel_older(entry);
  for (auto& [key, seat] : seats_)
    if (seat.sitting.incarnation == topic.incarnation) join(key);
  look_at(entry);
  return entry;
}

// Whoever was owed an older one is owed this one instead. It is written first: nobody may be owed
// neither after a crash.
void Refreshes::cancel_older(Entry& by) {
  const auto id = by.run.definition().id;
  std::vector<std::pair<Entry*, RefreshRun::Acts>> handed_over;
  for (auto& [other, older] : all_) {
    if (other == id || older.run.definition().incarnation != by.run.definition().incarnation)
      continue;
    handed_over.emplace_back(&older, older.run.hand_over(by.run, now_ms()));
  }
  write(id);
  for (auto& [older, acts] : handed_over) perform(*older, acts);
}

void Refreshes::owe_absent(const std::string& topic, RefreshRun& run) {
  const auto names = names_.find(topic);
  if (names == names_.end()) return;
  for (const auto& [name, left_at_ms] : names->second)
    if (left_at_ms != 0) run.owe(name, left_at_ms);
}

Status Refreshes::check_id(std::uint64_t id) const {
  if (id == 0) return fail(Errc::kInvalidRequest, "the id of a refresh is at least 1");
  const auto ahead_max = static_cast<std::uint64_t>(
                             std::max<std::int64_t>(0, context_.clock.wall_ms()) + kIdAheadMaxMs)
                         << kIdRandomBits;
  if (id < ahead_max) return {};
  return fail(Errc::kInvalidRequest,
              "id " + refresh_id_text(id) + " lies more than a day ahead of this broker's clock",
              "set the clocks of this broker and of whoever made the id right, then start a new "
              "refresh; without an id the broker makes one");
}

// Grows also where the clock was set back; two brokers do not make the same one.
std::uint64_t Refreshes::next_id() const {
  const auto newest = all_.empty() ? 0 : all_.rbegin()->first;
  const auto wall_ms =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, context_.clock.wall_ms()));
  const auto drawn = context_.random.next() & ((1ULL << kIdRandomBits) - 1);
  return std::max<std::uint64_t>(newest + 1, (wall_ms << kIdRandomBits) | drawn);
}

Status Refreshes::abort(std::uint64_t id, const std::string& why) {
  auto* entry = entry_of(id);
  if (entry == nullptr) return fail(Errc::kNotFound, "no refresh " + refresh_id_text(id));
  if (is_over(entry->run.state()))
    return fail(Errc::kInvalidRequest, "refresh " + refresh_id_text(id) + " has ended: " +
                                           std::string(to_string(entry->run.state())));
  perform(*entry, entry->run.abort(why));
  return {};
}

std::vector<RefreshStatus> Refreshes::list() const {
  std::vector<RefreshStatus> all;
  all.reserve(all_.size());
  for (auto entry = all_.rbegin(); entry != all_.rend(); ++entry)
    all.push_back(status_of(entry->second));
  return all;
}

std::optional<RefreshStatus> Refreshes::find(std::uint64_t id) const {
  const auto found = all_.find(id);
  return found == all_.end() ? std::nullopt : std::optional(status_of(found->second));
}

RefreshStatus Refreshes::status_of(const Entry& entry) const {
  auto status = entry.run.status();
  status.ended_at_ms = entry.ended_at_ms;
  return status;
}

Refreshes::Entry* Refreshes::entry_of(std::uint64_t id) {
  const auto found = all_.find(id);
  return found == all_.end() ? nullptr : &found->second;
}

Refreshes::Entry* Refreshes::newest_of(const std::string& topic) {
  for (auto entry = all_.rbegin(); entry != all_.rend(); ++entry)
    if (entry->second.run.definition().topic == topic) return &entry->second;
  return nullptr;
}

// What retention or compaction has taken from the log's beginning before it was sent.
void Refreshes::note_skipped(Key key, const std::vector<Offset>& replayed) {
  const auto& seat = seats_.at(key);
  auto* entry = entry_of(seat.refresh);
  const auto* topic = context_.topics.find(seat.sitting.incarnation);
  if (entry == nullptr || topic == nullptr) return;
  const auto starts = offsets_of(*topic, context_.partitions,
                                 [](const Partition& one) { return one.log()->start_offset(); });
  entry->run.skips(key, replayed, starts);
}

void Refreshes::tick() {
  for (auto& [id, entry] : all_) {
    if (entry.run.is_busy()) look_at(entry);
    perform(entry, entry.run.tick(now_ms()));
  }
  for (auto& [key, seat] : seats_)
    if (seat.refresh == 0) tell_first_ready(seat);
  prune();
}

// How far the broker's own copy is, and the barrier where that was not known.
void Refreshes::look_at(Entry& entry) {
  const auto& definition = entry.run.definition();
  const auto* topic = context_.topics.find(definition.incarnation);
  if (topic == nullptr) {
    // Before the catalog has come it says nothing about what was deleted.
    if (!is_over(entry.run.state()) && context_.topics.is_current())
      perform(entry, entry.run.abort("the topic is not here any more, or was begun anew"));
    return;
  }
  const auto own = offsets_of(*topic, context_.partitions,
                              [](const Partition& one) { return one.high_watermark(); });
  open_if_due(entry);
  if (!entry.run.barrier() && entry.run.is_open()) {
    if (!definition.is_rebuild) {
      entry.run.set_barrier(own);
    } else if (may_subscribe(*topic)) {
      entry.run.set_barrier(offsets_of(*topic, context_.partitions, [](const Partition& one) {
        return std::max(one.high_watermark(), one.parent_high_watermark().value_or(Offset()));
      }));
    }
    if (entry.run.barrier()) {
      entry.is_dirty = true;
      replays_.wake_all();
    }
  }
  perform(entry, entry.run.has(own, now_ms()));
}

void Refreshes::open_if_due(Entry& entry) {
  if (entry.run.is_open() || !entry.is_written) return;
  const auto waited_ms = now_ms() - entry.begun_ms;
  if (!entry.lost.empty() && waited_ms < options_.rebuilt_ms) return;
  if (entry.run.definition().is_rebuild && waited_ms < options_.gather_ms) return;
  perform(entry, entry.run.open(now_ms()));
}

void Refreshes::perform(Entry& entry, const RefreshRun::Acts& acts) {
  using Kind = RefreshRun::Act::Kind;
  for (const auto& act : acts) {
    const auto found = seats_.find(act.consumer);
    if (found == seats_.end()) continue;
    auto& seat = found->second;
    if (seat.refresh != entry.run.definition().id) continue;  // it takes part in another one now
    auto& consumer = seat.sitting.consumer;
    switch (act.kind) {
      case Kind::kSendReset:
        tell(entry, seat, network::FrameType::kReset);
        break;
      case Kind::kReplay:
        entry.run.began(act.consumer, consumer.begin_replay(entry.run.definition().id));
        replays_.add(act.consumer, consumer);
        break;
      case Kind::kSendReady:
        tell(entry, seat, network::FrameType::kReady);
        break;
      case Kind::kGoOn:
      case Kind::kLeaveOff:
        replays_.remove(act.consumer);
        seat.refresh = 0;
        if (act.kind == Kind::kGoOn)
          seat.first_ready.answered();
        else if (seat.first_ready.is_over())  // told again, it ends what it has begun
          seat.first_ready = FirstReady(seat.first_ready.goal(), seat.first_ready.goal());
        consumer.end_replay(act.kind == Kind::kGoOn);
        break;
    }
  }
  after(entry);
}

void Refreshes::tell(const Entry& entry, Seat& seat, network::FrameType type) const {
  const auto& definition = entry.run.definition();
  network::Refresh frame{.topic = definition.topic,
                         .refresh_id = definition.id,
                         .incarnation = definition.incarnation,
                         .reason = {},
                         .barrier = {}};
  if (type == network::FrameType::kReset) frame.reason = definition.reason;
  if (type == network::FrameType::kReady && entry.run.barrier())
    frame.barrier = *entry.run.barrier();
  seat.sitting.consumer.send_refresh(type, frame);
}

void Refreshes::tell_first_ready(Seat& seat) const {
  if (!is_loaded_ || !seat.first_ready.is_due(now_ms())) return;
  seat.sitting.consumer.send_refresh(network::FrameType::kReady,
                                     {.topic = seat.sitting.topic,
                                      .refresh_id = 0,
                                      .incarnation = seat.sitting.incarnation,
                                      .reason = {},
                                      .barrier = seat.first_ready.goal()});
}

void Refreshes::after(Entry& entry) {
  const auto state = entry.run.state();
  if (is_over(state) && !entry.ended_at_ms) ended(entry);
  if (entry.written != state || entry.written_unfinished != entry.run.unfinished_version())
    entry.is_dirty = true;
  if (entry.is_dirty) write(entry.run.definition().id);
}

void Refreshes::ended(Entry& entry) {
  entry.ended_at_ms = context_.clock.wall_ms();
  const auto status = status_of(entry);
  const bool is_completed = status.state == RefreshState::kCompleted;
  (is_completed ? completed_ : aborted_).add();
  if (entry.run.has_stalled() && entry.run.definition().is_rebuild) stalled_.insert(status.topic);
  context_.logger.info("refresh.ended", {{"refresh", refresh_id_text(status.id)},
                                         {"topic", status.topic},
                                         {"state", to_string(status.state)},
                                         {"ready", status.consumers_ready},
                                         {"owed", status.owed},
                                         {"failure", status.failure}});
}

void Refreshes::prune() {
  std::size_t ended = 0;
  std::size_t running = 0;
  for (const auto& [id, entry] : all_) is_over(entry.run.state()) ? ++ended : ++running;
  running_.set(static_cast<double>(running));
  busy_consumers_.set(static_cast<double>(
      std::ranges::count_if(seats_, [](const auto& one) { return one.second.refresh != 0; })));
  for (auto entry = all_.begin(); entry != all_.end() && ended > options_.ended_max;) {
    const auto& [id, oldest] = *entry;
    if (!is_over(oldest.run.state()) || oldest.run.is_busy() || oldest.is_writing ||
        (still_lacks(oldest.run) && newest_of(oldest.run.definition().topic) == &entry->second)) {
      ++entry;
      continue;
    }
    context_.state.remove(std::string(kRefreshKind), refresh_id_text(id),
                          [this, alive = std::weak_ptr(alive_)](const auto& gone) {
                            if (alive.expired()) return;
                            if (!gone)
                              context_.logger.warn("refresh.not_removed",
                                                   {{"error", gone.error().what()}});
                          });
    entry = all_.erase(entry);
    --ended;
  }
}

// One write at a time; what changes meanwhile is written by the next one. What fails is tried again
// at the next tick.
void Refreshes::write(std::uint64_t id) {
  auto& entry = all_.at(id);
  if (std::exchange(entry.is_writing, true)) return;
  entry.is_dirty = false;
  const RefreshRecord record{entry.run.definition(), status_of(entry), entry.run.unfinished(),
                             entry.run.has_stalled()};
  entry.written_unfinished = entry.run.unfinished_version();
  const auto state = record.status.state;
  const bool is_news = std::exchange(entry.written, state) != state;
  context_.state.put(std::string(kRefreshKind), refresh_id_text(id), encode_refresh(record),
                     [this, alive = std::weak_ptr(alive_), id, is_news](const Status& written) {
                       if (alive.expired()) return;
                       auto& now = all_.at(id);
                       now.is_writing = false;
                       if (!written) {
                         now.written.reset();
                         context_.logger.error(
                             "refresh.not_written",
                             {{"refresh", refresh_id_text(id)}, {"error", written.error().what()}});
                         return;
                       }
                       now.is_written = true;
                       if (is_news) tell_hooks(now);
                       if (!now.run.is_open()) look_at(now);
                       if (now.is_dirty) write(id);
                     });
}

void Refreshes::tell_hooks(Entry& entry) {
  const auto status = status_of(entry);
  context_.logger.info("refresh.state", {{"refresh", refresh_id_text(status.id)},
                                         {"topic", status.topic},
                                         {"state", to_string(status.state)}});
  for (const auto& hook : hooks_) hook(status);
}

}  // namespace xylem::broker
