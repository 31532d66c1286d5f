#include "broker/dead_letters/dead_letters.h"

#include "broker/dead_letters/dead_letter.h"
#include "broker/topics/dead_letter_name.h"
#include "network/protocol/messages.h"

#include <algorithm>
#include <utility>

namespace xylem::broker {
namespace {

// Of more than fit the last ones are known.
void add_dead(std::vector<Offset>& dead, Offset offset) {
  dead.insert(std::ranges::upper_bound(dead, offset), offset);
  if (dead.size() > kOthersDeadMax) dead.erase(dead.begin());
}

}  // namespace

DeadLetters::DeadLetters(const Context& context)
    : context_(context),
      failures_(context.metrics.counter("xylem_delivery_failures_total",
                                        "Deliveries to groups that failed, where they count.")),
      dead_lettered_(context.metrics.counter("xylem_delivery_dead_lettered_total",
                                             "Records stored in a topic of dead letters.")),
      again_(context.loop),
      self_(std::make_shared<DeadLetters*>(this)) {
  context_.topics.observe([self = self_](const TopicDefinition& topic, bool removed) {
    if (*self == nullptr) return;
    if (removed) (*self)->on_removed(topic);
    (*self)->tell(topic.name);
  });
}

void DeadLetters::on_removed(const TopicDefinition& topic) {
  context_.counts.remove_if([&](const auto&, const DeliveryCount& count) {
    return count.incarnation == topic.incarnation;
  });
  std::vector<GroupPartition> over;
  for (const auto& [where, pending] : pending_) {
    // What is being stored comes to its own end.
    if (!pending.is_storing && context_.counts.find(where) == nullptr) over.push_back(where);
  }
  for (const auto& where : over) settle(where, Outcome{});
}

Result<std::uint32_t> DeadLetters::limit_for(const Failure& failure) const {
  const auto& [where, incarnation, offset, reason] = failure;
  const auto name =
      "partition " + std::to_string(where.partition.value()) + " of \"" + where.topic + "\"";
  const auto* topic = context_.topics.find(where.topic);
  const auto* partition = context_.partitions.find({incarnation, where.partition});
  if (topic == nullptr || topic->incarnation != incarnation || partition == nullptr)
    return fail(Errc::kUnknownTopicOrPartition, "no " + name + " in this incarnation here");
  if (topic->dead_letter_after == 0)
    return fail(Errc::kInvalidRequest, "deliveries of \"" + where.topic + "\" are not counted",
                "alter the topic: deadLetterAfter");
  if (offset < partition->log()->start_offset() || offset >= partition->high_watermark())
    return fail(Errc::kOffsetOutOfRange,
                "no record " + std::to_string(offset.value()) + " in " + name);
  return static_cast<std::uint32_t>(topic->dead_letter_after);
}

void DeadLetters::failed(const Failure& failure, Done done) {
  if (auto named = check_group(failure.where.group); !named) return done(pass(named));
  auto limit = limit_for(failure);
  if (!limit) return done(pass(limit));
  const auto* known = context_.counts.find(failure.where);
  if (known != nullptr && known->incarnation != failure.incarnation) known = nullptr;
  const bool is_same = known != nullptr && known->offset == failure.offset;
  if (is_same && known->is_dead) return done(Outcome{known->failures, true});
  auto others = known == nullptr ? std::vector<Offset>() : known->others_dead;
  if (std::ranges::binary_search(others, failure.offset)) return done(Outcome{*limit, true});
  const auto pending = pending_.find(failure.where);
  const bool was_given_up = pending != pending_.end() && pending->second.is_given_up;
  if (pending != pending_.end() && !was_given_up) {
    if (is_same) return pending->second.waiting.push_back(std::move(done));
    return done(
        fail(Errc::kUnavailable, "another record of the partition is being stored", "retry"));
  }
  if (known != nullptr && known->is_dead) add_dead(others, known->offset);
  DeliveryCount count{.offset = failure.offset,
                      .incarnation = failure.incarnation,
                      .failures = (is_same ? known->failures : 0) + 1,
                      .is_dead = false,
                      .others_dead = std::move(others),
                      .reason = failure.reason.substr(0, network::kFailureReasonBytesMax)};
  failures_.add();
  settle(failure.where, Outcome{count.failures, false});  // given up
  const auto removed =
      context_.counts.make_room(failure.where, [this](const GroupPartition& where) {
        const auto found = pending_.find(where);
        return found != pending_.end() && !found->second.is_given_up;
      });
  if (removed) pending_.erase(*removed);
  const Pending due{.offset = failure.offset, .may_be_stored = is_same && was_given_up};
  context_.counts.put(
      failure.where, std::move(count),
      [self = self_, failure, due, limit = *limit, done = std::move(done)](const Status& counted) {
        if (*self == nullptr) return;
        if (!counted) return done(std::unexpected(counted.error()));
        (*self)->on_counted(failure, due, limit, done);
      });
}

void DeadLetters::on_counted(const Failure& failure,
                             const Pending& due,
                             std::uint32_t limit,
                             const Done& done) {
  const auto* count = context_.counts.find(failure.where);
  // Another consumer of the group may have got further meanwhile.
  if (count == nullptr || count->offset != failure.offset || count->failures < limit)
    return done(Outcome{count == nullptr ? 0 : count->failures, false});
  if (count->is_dead) return done(Outcome{count->failures, true});
  auto& pending = pending_.try_emplace(failure.where, due).first->second;
  pending.is_given_up = false;
  pending.waiting.push_back(done);
  store(failure.where);
}

bool DeadLetters::is_due(const GroupPartition& where, const DeliveryCount& count) const {
  const auto* topic = context_.topics.find(where.topic);
  return !count.is_dead && topic != nullptr && topic->incarnation == count.incarnation &&
         topic->dead_letter_after > 0 &&
         std::cmp_greater_equal(count.failures, topic->dead_letter_after);
}

bool DeadLetters::may_push(const GroupPartition& where) {
  const auto* count = context_.counts.find(where);
  if (count == nullptr || !is_due(where, *count)) return true;
  const auto [found, is_new] =
      pending_.try_emplace(where, Pending{.offset = count->offset, .may_be_stored = true});
  if (found->second.is_given_up) return true;
  if (!found->second.is_storing) store(where);
  const auto still = pending_.find(where);
  return still == pending_.end() || still->second.is_given_up;
}

void DeadLetters::store(const GroupPartition& where) {
  auto& pending = pending_.at(where);
  const auto* count = context_.counts.find(where);
  if (pending.is_storing) return;
  if (count == nullptr) return settle(where, Outcome{});
  auto* partition = context_.partitions.find({count->incarnation, where.partition});
  if (partition == nullptr)
    return give_up(where, Error(Errc::kUnknownTopicOrPartition, "the partition went elsewhere"));
  auto found = first_record(*partition->log(), count->offset, count->offset + 1,
                            [](const RecordView&) { return true; });
  if (!found && found.error().code() == Errc::kUnavailable) return store_later(where);
  if (!found) return give_up(where, found.error());
  if (!*found) {  // retention or compaction took it
    const Outcome outcome{count->failures, false};
    context_.counts.remove(where);
    return settle(where, outcome);
  }
  pending.is_storing = true;
  context_.local.find_or_create(
      dead_letter_topic(where.topic),
      [self = self_, where, found = std::move(**found)](const Result<Partition*>& letters) {
        if (*self == nullptr) return;
        if (!letters && letters.error().code() == Errc::kUnavailable)
          return (*self)->store_later(where);
        if (!letters) return (*self)->give_up(where, letters.error());
        (*self)->append(where, found, **letters);
      });
}

void DeadLetters::store_later(const GroupPartition& where) {
  pending_.at(where).is_storing = false;
  if (!again_.is_active()) again_.start(kAgainMs, 0, [this] { store_again(); });
}

void DeadLetters::store_again() {
  std::vector<GroupPartition> late;
  for (const auto& [where, pending] : pending_) {
    if (!pending.is_storing && !pending.is_given_up) late.push_back(where);
  }
  for (const auto& where : late) {
    const auto found = pending_.find(where);
    if (found != pending_.end() && !found->second.is_given_up) store(where);
  }
}

Result<bool> DeadLetters::is_stored(const GroupPartition& where,
                                    const FoundRecord& found,
                                    Partition& letters) const {
  const auto& count = *context_.counts.find(where);
  auto& log = *letters.log();
  const auto end = letters.high_watermark();
  const auto first =
      std::max(log.start_offset(), Offset(std::max<std::int64_t>(0, end.value() - kLastLooked)));
  const auto letter = first_record(log, first, end, [&](const RecordView& record) {
    return is_dead_letter_of(record, where, count, found.epoch);
  });
  if (!letter) return std::unexpected(letter.error());
  return letter->has_value();
}

void DeadLetters::append(const GroupPartition& where,
                         const FoundRecord& found,
                         Partition& letters) {
  auto& pending = pending_.at(where);
  const auto* count = context_.counts.find(where);
  if (count == nullptr || count->offset != found.offset)
    return settle(where, Outcome{});  // the topic was deleted, or the group went on
  if (pending.may_be_stored) {
    const auto stored = is_stored(where, found, letters);
    if (!stored && stored.error().code() == Errc::kUnavailable) return store_later(where);
    if (!stored) return give_up(where, stored.error());
    if (*stored) return on_stored(where);
  }
  auto batch =
      dead_letter_batch(found.record, found.epoch, where, *count, context_.clock.wall_ms());
  if (!batch) return give_up(where, batch.error());
  letters.append(*batch, Acks::kAll, [self = self_, where](const auto& appended) {
    if (*self == nullptr) return;
    if (!appended) return (*self)->give_up(where, appended.error());
    (*self)->dead_lettered_.add();
    (*self)->on_stored(where);
  });
}

void DeadLetters::on_stored(const GroupPartition& where) {
  const auto* known = context_.counts.find(where);
  if (known == nullptr) return settle(where, Outcome{});
  auto count = *known;
  count.is_dead = true;
  context_.logger.warn("delivery.dead_lettered", {{"topic", where.topic},
                                                  {"partition", where.partition.value()},
                                                  {"offset", count.offset.value()},
                                                  {"group", where.group},
                                                  {"deliveries", count.failures},
                                                  {"reason", count.reason}});
  const Outcome outcome{count.failures, true};
  context_.counts.put(where, std::move(count), [self = self_, where, outcome](const Status& noted) {
    if (*self == nullptr) return;
    if (!noted) return (*self)->give_up(where, noted.error());
    (*self)->move_cursor(where);
    (*self)->settle(where, outcome);
  });
}

// A compare-and-set: nobody has committed anything else, nor put the group back.
void DeadLetters::move_cursor(const GroupPartition& where) {
  const auto* count = context_.counts.find(where);
  const auto at = context_.offsets.find(where);
  if (count == nullptr || at != CommittedOffset{count->offset, count->incarnation}) return;
  const CommittedOffset behind{count->offset + 1, count->incarnation};
  context_.offsets.commit(where, behind, [self = self_, where, behind](const Status& moved) {
    if (*self != nullptr && moved) (*self)->passed(where, behind.next);
  });
}

void DeadLetters::give_up(const GroupPartition& where, const Error& why) {
  context_.logger.error("delivery.dead_letter_failed", {{"topic", where.topic},
                                                        {"partition", where.partition.value()},
                                                        {"group", where.group},
                                                        {"error", why.what()},
                                                        {"hint", why.hint()}});
  const auto found = pending_.find(where);
  if (found == pending_.end()) return;
  found->second.is_storing = false;
  found->second.is_given_up = true;
  const auto waiting = std::exchange(found->second.waiting, {});
  if (context_.counts.find(where) == nullptr) pending_.erase(found);  // the topic was deleted
  for (const auto& done : waiting) done(std::unexpected(why));
  tell(where.topic);
}

void DeadLetters::settle(const GroupPartition& where, const Result<Outcome>& outcome) {
  const auto pending = pending_.extract(where);
  if (!pending) return;
  for (const auto& done : pending.mapped().waiting) done(outcome);
  tell(where.topic);
}

// Not inside the call: it may come from a push.
void DeadLetters::tell(const std::string& topic) {
  context_.loop.answer([self = self_, topic] {
    if (*self == nullptr) return;
    for (const auto& observer : (*self)->observers_) observer(topic);
  });
}

std::optional<Offset> DeadLetters::left_out(const GroupPartition& where,
                                            const Incarnation& incarnation) const {
  const auto* count = context_.counts.find(where);
  if (count == nullptr || count->incarnation != incarnation) return std::nullopt;
  auto first = count->is_dead ? std::optional(count->offset) : std::nullopt;
  if (!count->others_dead.empty())
    first = std::min(first.value_or(count->others_dead.front()), count->others_dead.front());
  return first;
}

void DeadLetters::passed(const GroupPartition& where, Offset next) {
  const auto* count = context_.counts.find(where);
  if (count == nullptr) return;
  const auto pending = pending_.find(where);
  const bool is_given_up = pending != pending_.end() && pending->second.is_given_up;
  // A dead one is stored, and only being noted.
  if (pending != pending_.end() && !is_given_up && !count->is_dead) return;
  const auto& dead = count->others_dead;
  if (count->offset >= next && (dead.empty() || dead.front() >= next)) return;
  auto rest = *count;
  std::erase_if(rest.others_dead, [next](Offset offset) { return offset < next; });
  if (count->offset < next) {
    if (is_given_up) pending_.erase(pending);
    if (rest.others_dead.empty()) return context_.counts.remove(where);
    rest.offset = rest.others_dead.front();
    rest.is_dead = true;
    rest.others_dead.erase(rest.others_dead.begin());
  }
  context_.counts.put(where, std::move(rest), [](const Status&) {});
}

}  // namespace xylem::broker
