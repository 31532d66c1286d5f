#include "broker/delayed/delayed_log.h"

#include "common/batch/batch_builder.h"
#include "common/batch/due_time.h"
#include "common/batch/record.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

namespace xylem::broker {
namespace {

constexpr std::int64_t kTimestampMsMax = std::int64_t{1} << 60;

template <class... Each>
struct Overloaded : Each... {
  using Each::operator()...;
};

Result<std::int64_t> due_time_of(const RecordView& record, std::int64_t now_ms) {
  const auto due_ms = due_at(record);
  if (!due_ms) return std::unexpected(due_ms.error());
  if (!*due_ms) {
    return fail(Errc::kInvalidRequest, "a record of a delayed batch has no due time",
                "send records without one in batches of their own");
  }
  if (auto bounded = check_due_at(**due_ms, now_ms); !bounded) return pass(bounded);
  if (record.timestamp_ms < -1 || record.timestamp_ms > kTimestampMsMax)
    return fail(Errc::kInvalidRequest, "a delayed record's timestamp is no time");
  return **due_ms;
}

Promotions::Outcome outcome_of(const Status& answer) {
  using enum Promotions::Outcome;
  if (answer) return kStored;
  switch (answer.error().code()) {
    case Errc::kOutOfOrderSequence:
    case Errc::kStaleEpoch:
      return kOtherNumbers;
    case Errc::kStaleGeneration:
      return kOtherGeneration;
    default:
      return kAgain;
  }
}

// Errors that go away by themselves.
bool is_usual(const Error& error) {
  switch (error.code()) {
    case Errc::kNotLeader:
    case Errc::kUnavailable:
    case Errc::kTimeout:
    case Errc::kCancelled:
    case Errc::kNotEnoughReplicas:
      return true;
    default:
      return false;
  }
}

Record tombstone(std::string key) {
  Record record;
  record.key = std::move(key);
  return record;
}

std::vector<Record> records_of(const Promotions::WriteIntent& action) {
  Record record;
  record.key = intent_key(action.intent.target);
  record.value = intent_value(action.intent);
  return {record};
}

std::vector<Record> records_of(const Promotions::WriteDone& action) {
  std::vector<Record> records;
  records.reserve(action.parked.size() + 1);
  for (const auto offset : action.parked) records.push_back(tombstone(parked_key(offset)));
  if (action.forgets) records.push_back(tombstone(intent_key(action.target)));
  return records;
}

Result<Buffer> batch_of(const std::vector<Record>& records) {
  BatchBuilder builder;
  for (const auto& record : records) {
    if (auto added = builder.add(record); !added) return pass(added);
  }
  return builder.build();
}

}  // namespace

DelayedLog::DelayedLog(const Context& context, const Partition& partition)
    : context_(context),
      log_({context.loop, context.logger, context.partitions},
           partition,
           {.take = [this](const RecordView& record) { take(record); },
            .ready = [this] { begin(); },
            .unreadable = "delayed.unreadable"}),
      promotions_(partition.id()),
      next_read_(context.loop),
      wake_(context.loop) {}

Promotions::Now DelayedLog::now() const {
  return {context_.clock.wall_ms(), context_.clock.monotonic_ms()};
}

void DelayedLog::close() {
  log_.close();
  std::erase_if(promoting_, [](const auto& entry) { return !entry.second.is_sent; });
}

void DelayedLog::read_on() {
  if (log_.is_read()) return read_parked();
  log_.read_on();
}

void DelayedLog::begin() {
  promotions_.start(now());
  context_.logger.info("delayed.ready", {{"partition", log_.id().partition.value()},
                                         {"epoch", log_.epoch().value()},
                                         {"parked", promotions_.size()},
                                         {"unreadable", unreadable_}});
  look_for_gone();
}

void DelayedLog::take(const RecordView& record) {
  if (const auto entry = delayed_entry(record)) return promotions_.load(*entry);
  if (++unreadable_ > 1) return;
  context_.logger.error("delayed.unreadable",
                        {{"partition", log_.id().partition.value()},
                         {"at", record.offset.value()},
                         {"hint", "a newer version may have written it; it is left where it is"}});
}

// Else one that is not found may be there.
bool DelayedLog::knows_topics() const {
  return context_.topics.is_current() && context_.topics.is_whole();
}

void DelayedLog::look_for_gone() {
  if (!is_ready() || !knows_topics()) return;
  for (const auto& target : promotions_.targets()) {
    if (context_.topics.find(target.topic) == nullptr) promotions_.gone(target);
  }
  run();
}

Status DelayedLog::may_park(std::size_t count) const {
  if (!is_current()) return fail(Errc::kNotLeader, "another broker keeps these delayed records");
  if (!log_.is_read())
    return fail(Errc::kUnavailable, "what is delayed already is still being read", "retry");
  if (promotions_.size() + parking_ + count <= Promotions::kParkedMax) return {};
  return fail(Errc::kQuotaExceeded,
              std::to_string(promotions_.size()) + " delayed records wait in partition " +
                  std::to_string(log_.id().partition.value()) + " already",
              "wait until some were delivered, or spread them over more partitions");
}

Result<DelayedLog::Packed> DelayedLog::pack(const Target& target, Bytes batch, Offset base) const {
  auto reader = BatchReader::open(batch);
  if (!reader) return pass(reader);
  const auto& header = reader->header();
  const auto compression = header.compression();
  if (!compression) return std::unexpected(compression.error());
  const auto now_ms = context_.clock.wall_ms();
  BatchBuilder builder(*compression);
  std::vector<Parked> parked;
  while (auto next = reader->next()) {
    if (!*next) return std::unexpected(next->error());
    auto due_ms = due_time_of(**next, now_ms);
    if (!due_ms) return pass(due_ms);
    const auto offset = base + static_cast<std::int64_t>(parked.size());
    const auto record = parked_record(**next, target, *due_ms, offset);
    parked.push_back({target, *due_ms, offset, record_bytes(record)});
    if (auto added = builder.add(record); !added) return pass(added, "park a record");
  }
  const bool is_numbered = header.producer_id >= 0;
  auto built = builder.build({.id = is_numbered ? parker_id(header.producer_id, target) : -1,
                              .epoch = header.producer_epoch,
                              .sequence = header.base_sequence});
  if (!built) return pass(built);
  return Packed{std::move(*built), std::move(parked)};
}

void DelayedLog::park(const Target& target, Bytes batch, Acks acks, Partition::AppendDone done) {
  const auto header = read_batch_header(batch);
  if (!header) return done(std::unexpected(header.error()));
  const auto count = static_cast<std::size_t>(header->record_count);
  if (auto may = may_park(count); !may) return done(pass(may));
  auto* partition = log_.leading();
  const auto base = partition->log()->end_offset();
  auto packed = pack(target, batch, base);
  if (!packed) return done(pass(packed));
  parking_ += count;
  partition->append(packed->batch, acks,
                    [self = shared_from_this(), base, count, parked = std::move(packed->parked),
                     done = std::move(done)](Result<Partition::Appended> appended) {
                      self->parking_ -= count;
                      if (!appended) return done(std::move(appended));
                      // Elsewhere: it was sent before, and is known.
                      const bool is_new = appended->base_offset == base;
                      for (const auto& each : parked) {
                        if (is_new) self->promotions_.parked(each);
                      }
                      appended->base_offset = appended->next_offset = Offset(-1);
                      done(std::move(appended));
                      self->run();
                    });
}

void DelayedLog::run() {
  if (is_running_ || !is_ready()) return;
  const auto self = shared_from_this();  // an answer may be the end of the leadership
  is_running_ = true;
  promotions_.at(now());
  while (auto action = promotions_.next_action()) perform(*action);
  is_running_ = false;
  count_gone();
  const auto next_ms = promotions_.next_in_ms(now());
  if (!next_ms) return wake_.stop();
  const auto after_ms = std::clamp<std::int64_t>(*next_ms, 1, kLookMs);
  wake_.start(static_cast<std::uint64_t>(after_ms), 0, [this] { run(); });
}

void DelayedLog::perform(const Promotions::Action& action) {
  std::visit(
      Overloaded{
          [this](const Promotions::Ask& it) { ask(it.target); },
          [this](const Promotions::WriteIntent& it) { write(it.intent.target, records_of(it)); },
          [this](const Promotions::Promote& it) { begin_promotion(it); },
          [this](const Promotions::WriteDone& it) { write(it.target, records_of(it)); }},
      action);
}

void DelayedLog::ask(const Target& target) {
  const auto* topic = context_.topics.find(target.topic);
  if (topic == nullptr) {
    if (knows_topics()) return promotions_.gone(target);
    return promotions_.failed(target);
  }
  context_.targets.high_watermark(
      *topic, target.partition,
      [self = shared_from_this(), target,
       generation = topic->incarnation.generation](const Result<Offset>& high_watermark) {
        if (high_watermark)
          self->promotions_.known(target, generation, *high_watermark);
        else
          self->promotions_.failed(target);
        self->run();
      });
}

void DelayedLog::write(const Target& target, const std::vector<Record>& records) {
  auto* partition = log_.leading();
  if (partition == nullptr) return;
  auto batch = batch_of(records);
  if (!batch) {
    context_.logger.error("delayed.failed", {{"error", batch.error().what()}});
    return promotions_.written(target, false);
  }
  partition->append(*batch, Acks::kAll, [self = shared_from_this(), target](const auto& appended) {
    self->promotions_.written(target, appended.has_value());
    self->run();
  });
}

void DelayedLog::begin_promotion(const Promotions::Promote& action) {
  Promotion promotion{
      .intent = action.intent,
      .reader = ParkedReader(action.intent.parked),
      .due_ms = {},
      .is_sent = false,
      .claim = context_.budget->claim(action.bytes, [this] { read_parked_soon(); })};
  promoting_.insert_or_assign(action.intent.target, std::move(promotion));
  read_parked();
}

void DelayedLog::read_parked_soon() {
  if (!next_read_.is_active()) next_read_.start(0, 0, [this] { read_parked(); });
}

void DelayedLog::read_parked() {
  auto* partition = log_.leading();
  if (partition == nullptr) return;
  std::vector<Target> reading;
  for (const auto& [target, promotion] : promoting_) {
    if (!promotion.is_sent && promotion.claim->is_granted()) reading.push_back(target);
  }
  for (const auto& target : reading) {
    const auto found = promoting_.find(target);
    if (found != promoting_.end() && !found->second.is_sent)
      read_parked(*partition, target, found->second);
  }
}

void DelayedLog::read_parked(Partition& partition, const Target& target, Promotion& promotion) {
  const auto progress = promotion.reader.read_on(*partition.log(), partition.high_watermark());
  if (!progress) {
    context_.logger.error("delayed.unreadable", {{"partition", log_.id().partition.value()},
                                                 {"error", progress.error().what()}});
    return read_again(target);
  }
  switch (*progress) {
    case ParkedReader::Progress::kDone:
      return promote(partition, target, promotion);
    case ParkedReader::Progress::kMore:
      return read_parked_soon();
    case ParkedReader::Progress::kCold:
      return;
    case ParkedReader::Progress::kHeld:
      return read_again(target);
  }
}

void DelayedLog::read_again(const Target& target) {
  promoting_.erase(target);
  promotions_.promoted(target, Promotions::Outcome::kAgain);
  run();
}

void DelayedLog::promote(const Partition& partition, const Target& target, Promotion& promotion) {
  auto found = promotion.reader.take_found();
  std::vector<Record> records;
  std::vector<Offset> missing;
  for (const auto offset : promotion.intent.parked) {
    const auto record = found.find(offset);
    if (record == found.end()) {
      missing.push_back(offset);
      continue;
    }
    records.push_back(std::move(record->second.record));
    promotion.due_ms.push_back(record->second.due_ms);
  }
  if (!missing.empty() && partition.is_to_be_filled()) return read_again(target);
  if (!missing.empty()) {
    promoting_.erase(target);
    promotions_.lost(target, missing);
    return run();
  }
  promotion.is_sent = true;
  send(target, promotion.intent, records);
}

// The answer may end the promotion inside the call, and `intent` with it.
void DelayedLog::send(const Target& target,
                      const Intent& intent,
                      const std::vector<Record>& records) {
  const auto* topic = context_.topics.find(target.topic);
  if (topic == nullptr) {
    if (knows_topics()) promotions_.gone(target);
    return on_answer(target, fail(Errc::kUnavailable, "the topic is gone"));
  }
  if (topic->incarnation.generation != intent.generation)
    return on_answer(target, fail(Errc::kStaleGeneration, "the topic has another generation"));
  BatchBuilder builder;
  for (const auto& record : records) {
    if (auto added = builder.add(record); !added) return on_answer(target, pass(added));
  }
  auto batch =
      builder.build({.id = intent.producer, .epoch = intent.epoch(), .sequence = intent.sequence});
  if (!batch) return on_answer(target, pass(batch));
  context_.targets.append(*topic, target.partition, Slice::own(std::move(*batch)), intent.since,
                          [self = shared_from_this(), target](const Status& answer) {
                            self->on_answer(target, answer);
                          });
}

void DelayedLog::on_answer(const Target& target, const Status& answer) {
  const auto found = promoting_.find(target);
  if (found == promoting_.end()) return;
  if (answer) {
    count_promoted(found->second);
  } else if (!is_usual(answer.error())) {
    context_.logger.warn("delayed.refused", {{"topic", target.topic.text()},
                                             {"partition", target.partition.value()},
                                             {"error", answer.error().what()},
                                             {"hint", "it is tried again"}});
  }
  promoting_.erase(found);
  promotions_.promoted(target, outcome_of(answer));
  run();
}

void DelayedLog::count_promoted(const Promotion& promotion) {
  const auto now_ms = context_.clock.wall_ms();
  context_.promoted.add(promotion.due_ms.size());
  for (const auto due_ms : promotion.due_ms) {
    const auto late_ms = std::max<std::int64_t>(0, now_ms - due_ms);
    context_.lateness.observe(static_cast<double>(late_ms) / 1000);
  }
}

void DelayedLog::count_gone() {
  if (const auto dropped = promotions_.dropped() - dropped_; dropped > 0) {
    dropped_ += dropped;
    context_.dropped.add(dropped);
    context_.logger.warn("delayed.dropped", {{"partition", log_.id().partition.value()},
                                             {"records", dropped},
                                             {"why", "their topic was deleted"}});
  }
  if (const auto lost = promotions_.lost() - lost_; lost > 0) {
    lost_ += lost;
    context_.lost.add(lost);
    context_.logger.error("delayed.lost", {{"partition", log_.id().partition.value()},
                                           {"records", lost},
                                           {"why", "the log they waited in was damaged"}});
  }
}

}  // namespace xylem::broker
