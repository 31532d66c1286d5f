#include "broker/delivery/subscription.h"

#include "broker/delivery/delivery_gaps.h"
#include "broker/delivery/filtered_batches.h"
#include "broker/delivery/partition_leader.h"
#include "broker/refresh/refreshes.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace xylem::broker {

namespace {

void leave_out(Offset offset, storage::ReadResult& read) {
  auto rest = without(read.slices, offset);
  read = {std::move(rest.slices), rest.bytes, rest.next};
}

}  // namespace

Subscription::Subscription(ClientContext& context,
                           network::Connection& connection,
                           std::uint64_t id,
                           network::Subscribe request)
    : context_(&context),
      connection_(&connection),
      id_(id),
      request_(std::move(request)),
      credit_bytes_(request_.credit_bytes) {}

Result<Subscription> Subscription::open(ClientContext& context,
                                        network::Connection& connection,
                                        std::uint64_t id,
                                        network::Subscribe request) {
  const auto* topic = context.topics.find(request.topic);
  if (topic == nullptr)
    return fail(Errc::kUnknownTopicOrPartition, "no topic \"" + request.topic + "\" here");
  Subscription made(context, connection, id, std::move(request));
  if (!made.request_.filter.empty()) {
    auto filter = RecordFilter::parse(made.request_.filter);
    if (!filter) return pass(filter);
    made.filter_ = std::move(*filter);
  }
  if (made.request_.every && context.refreshes != nullptr) {
    if (auto may = context.refreshes->may_subscribe(*topic); !may) return pass(may);
  }
  made.incarnation_ = topic->incarnation;
  if (topic->is_broadcast()) made.instance_ = made.request_.instance;
  made.partitions_known_ = topic->partitions;
  made.dead_letter_after_ = made.dead_letter_after(*topic);
  std::set<PartitionId> listed;
  for (const auto& wish : made.request_.partitions) {
    if (!listed.insert(wish.partition).second) {
      return fail(Errc::kInvalidRequest,
                  "partition " + std::to_string(wish.partition.value()) + " is listed twice");
    }
    if (auto added = made.add(*topic, wish); !added) return pass(added);
  }
  if (!made.request_.every) return made;
  for (std::int32_t p = 0; p < topic->partitions; ++p) {
    auto wish = *made.request_.every;
    wish.partition = PartitionId(p);
    if (listed.contains(wish.partition)) continue;
    if (auto added = made.add(*topic, wish); !added) return pass(added);
  }
  return made;
}

Status Subscription::add(const TopicDefinition& topic, const network::SubscribePartition& wish) {
  const auto* partition = context_->partitions.find({topic.incarnation, wish.partition});
  if (partition == nullptr) {
    elsewhere_.push_back({wish.partition, reader_elsewhere(*context_, topic, wish.partition)});
    return {};
  }
  auto cursor = resolve(topic, *partition, wish);
  if (!cursor) return pass(cursor);
  places_.push_back({partition->id(), *cursor, *cursor, wish.takes_gaps});
  return {};
}

namespace {

Offset reset_position(const Partition& partition, network::StartAt where) {
  return where == network::StartAt::kLatest ? partition.high_watermark()
                                            : partition.log()->start_offset();
}

}  // namespace

// What retention has outrun goes on at the log's start with a gap, whatever the reset says: what is
// still there is not skipped.
Offset Subscription::committed_or_reset(const TopicDefinition& topic,
                                        const Partition& partition,
                                        const network::SubscribePartition& wish) const {
  const auto committed = committed_by(*context_, reader(), topic, wish.partition);
  const auto end = std::max(partition.high_watermark(), partition.log()->written_end());
  const bool is_known =
      committed && committed->incarnation == incarnation_ && committed->next <= end;
  const bool is_usable = is_known && (committed->next >= partition.log()->start_offset() ||
                                      takes_gap(wish.takes_gaps, topic));
  return is_usable ? committed->next : reset_position(partition, wish.reset);
}

Result<Offset> Subscription::resolve(const TopicDefinition& topic,
                                     const Partition& partition,
                                     const network::SubscribePartition& wish) const {
  using network::StartAt;
  if (!partition.knows_committed())
    return fail(Errc::kUnavailable,
                "how far \"" + request_.topic + "\" is committed is not known yet", "retry");
  const auto start = partition.log()->start_offset();
  switch (wish.start) {
    case StartAt::kEarliest:
    case StartAt::kLatest:
      return reset_position(partition, wish.start);
    case StartAt::kCommitted:
      if (request_.group.empty()) return reset_position(partition, wish.reset);
      if (auto here = context_->offsets.keeps(request_.group); !here) return pass(here);
      return committed_or_reset(topic, partition, wish);
    case StartAt::kOffset:
      if (!wish.incarnation.topic.is_nil() && wish.incarnation != incarnation_) {
        return fail(Errc::kStaleGeneration,
                    "the cursor belongs to another incarnation of \"" + request_.topic + "\"");
      }
      // A cursor ahead of this broker waits: another broker of the tree was further.
      if (wish.offset < start && !takes_gap(wish.takes_gaps, topic)) {
        return fail(Errc::kOffsetOutOfRange,
                    "offset " + std::to_string(wish.offset.value()) + " of \"" + request_.topic +
                        "\" is below the log's start " + std::to_string(start.value()));
      }
      return wish.offset;
  }
  return fail(Errc::kInvalidRequest, "unknown start");
}

network::SubscribeAnswer Subscription::answer() const {
  network::SubscribeAnswer answer{request_.topic, incarnation_, {}, elsewhere_, dead_letter_after_};
  for (const auto& place : places_) {
    const auto* partition = context_->partitions.find(place.log);
    if (partition == nullptr) continue;
    const bool is_refreshed = context_->refreshes != nullptr && is_whole();
    answer.partitions.push_back({place.log.partition, place.cursor,
                                 partition->log()->start_offset(),
                                 is_refreshed ? context_->refreshes->high_watermark(*partition)
                                              : partition->high_watermark()});
  }
  return answer;
}

Result<bool> Subscription::push() {
  auto has_more = push_live();
  seat_.wake();
  return has_more;
}

Result<bool> Subscription::push_live() {
  std::size_t idle = 0;
  while (!is_live_held_ && idle < places_.size() && credit_bytes_ > 0 &&
         connection_->queued_bytes() < kQueuedBytesMax) {
    auto& place = places_[turn_];
    turn_ = (turn_ + 1) % places_.size();
    auto sent = push_one(place, credit_bytes_, 0);
    if (!sent) return pass(sent);
    idle = *sent ? 0 : idle + 1;
    if (*sent && filter_) return true;
  }
  return false;
}

Result<bool> Subscription::push_one(Place& place,
                                    std::int64_t credit_bytes,
                                    std::uint64_t refresh_id) {
  const auto* partition = context_->partitions.find(place.log);
  if (partition == nullptr) return std::unexpected(gone_from_here(*context_, place.log));
  if (place.cursor < partition->log()->start_offset()) {
    if (auto told = tell_gap(place, *partition); !told) return pass(told);
    return true;
  }
  if (place.cursor >= partition->high_watermark()) return false;
  if (refresh_id == 0 && !may_push(place)) return false;
  const auto budget = std::min(static_cast<std::size_t>(credit_bytes), kPushBytesMax);
  auto warm = partition->log()->warm_up(place.cursor, budget);
  if (!warm) return pass(warm);
  if (!*warm) return false;
  auto read = partition->log()->read(place.cursor, budget, partition->high_watermark());
  if (!read) return pass(read);
  if (read->slices.empty()) return false;
  if (const auto left = left_out(place); left && *left >= place.cursor && *left < read->next)
    leave_out(*left, *read);
  if (filter_) {
    auto matching = filtered(read->slices, *filter_, kFilteredBytesMax);
    *read = {std::move(matching.slices), matching.bytes, matching.next};
  }
  send(place, *partition, std::move(read->slices), refresh_id);
  credit_bytes_ -= static_cast<std::int64_t>(read->bytes);
  place.cursor = read->next;
  return true;
}

Status Subscription::tell_gap(Place& place, const Partition& partition) {
  const auto gap = gap_at(partition, place.cursor);
  const auto* topic = context_->topics.find(request_.topic);
  if (topic == nullptr || !takes_gap(place.takes_gaps, *topic)) {
    return fail(Errc::kOffsetOutOfRange, "the next offset of \"" + request_.topic + "\", " +
                                             std::to_string(gap.from.value()) +
                                             ", is below the log's start now, " +
                                             std::to_string(gap.to.value()));
  }
  const std::vector pieces = {Slice::own(network::encode(gap))};
  connection_->send(network::FrameType::kGap, id_, pieces);
  const auto counters = gap_counters(context_->metrics);
  counters.gaps.add();
  counters.records.add(static_cast<std::uint64_t>(gap.to - gap.from));
  context_->logger.warn("delivery.gap", {{"topic", gap.topic},
                                         {"partition", gap.partition.value()},
                                         {"group", request_.group},
                                         {"from", gap.from.value()},
                                         {"to", gap.to.value()},
                                         {"reason", network::to_string(gap.reason)}});
  place.cursor = gap.to;
  return {};
}

void Subscription::send(const Place& place,
                        const Partition& partition,
                        std::vector<Slice> slices,
                        std::uint64_t refresh_id) {
  network::DataHeader header;
  header.topic = request_.topic;
  header.partition = place.log.partition;
  header.incarnation = incarnation_;
  header.first_offset = place.cursor;
  header.epoch = partition.epoch();
  header.batch_count = count_batches(slices);
  header.high_watermark = partition.high_watermark();
  header.refresh_id = refresh_id;
  slices.insert(slices.begin(), Slice::own(network::encode_data_header(header)));
  connection_->send(network::FrameType::kData, id_, slices);
}

Status Subscription::on_ack(const network::DeliveryAck& ack) {
  const auto place = std::ranges::find_if(
      places_, [&](const Place& p) { return p.log.partition == ack.partition; });
  if (place == places_.end() || ack.topic != request_.topic) {
    return fail(Errc::kUnknownTopicOrPartition,
                "partition " + std::to_string(ack.partition.value()) + " is not subscribed");
  }
  if (ack.refresh_id == 0) note_handled(*place, ack);
  // Never more credit than was granted: an acknowledgement returns, it does not add.
  credit_bytes_ = std::min<std::int64_t>(credit_bytes_ + ack.credit_bytes, request_.credit_bytes);
  if (ack.refresh_id != 0 && ack.refresh_id == refresh_id_) {
    auto& replay = replay_.at(static_cast<std::size_t>(place - places_.begin()));
    const auto* partition = context_->partitions.find(replay.log);
    const auto end = partition == nullptr ? replay.cursor : partition->high_watermark();
    replay.cursor = std::max(replay.cursor, std::min(ack.next_offset, end));  // from before
  }
  seat_.acknowledged(ack);
  return {};
}

void Subscription::note_handled(Place& place, const network::DeliveryAck& ack) const {
  place.next = std::max(place.next, std::min(ack.next_offset, place.cursor));
  if (ack.credit_bytes > 0 && context_->dead_letters != nullptr && !request_.group.empty())
    context_->dead_letters->passed(group_at(ack.partition), place.next);
}

bool Subscription::follows(const LogId& log) const {
  return std::ranges::any_of(places_, [&](const Place& place) { return place.log == log; });
}

bool Subscription::overlaps(const Subscription& other) const {
  return std::ranges::any_of(places_, [&](const Place& place) { return other.follows(place.log); });
}

bool Subscription::extend(const TopicDefinition& topic) {
  if ((dead_letter_after(topic) > 0) != is_counted()) return false;
  if ((topic.is_broadcast() ? request_.instance : std::string()) != instance_) return false;
  const auto known = std::exchange(partitions_known_, topic.partitions);
  if (!request_.every || topic.incarnation != incarnation_) return true;
  for (std::int32_t p = known; p < topic.partitions; ++p) {
    const auto* partition = context_->partitions.find(topic.log(p));
    if (partition == nullptr) return false;
    if (follows(topic.log(p))) continue;
    const auto start = partition->log()->start_offset();
    places_.push_back({partition->id(), start, start, request_.every->takes_gaps});
    if (refresh_id_ != 0) replay_.push_back(places_.back());
  }
  return true;
}

void Subscription::sit_down(std::string name, std::function<void()> wake) {
  wake_ = std::move(wake);
  if (context_->refreshes == nullptr || !is_whole()) return;
  if (!request_.group.empty()) name += "/" + request_.group;
  std::vector<Offset> high_watermarks(places_.size());
  for (const auto& partition : answer().partitions)
    high_watermarks.at(static_cast<std::size_t>(partition.partition.value())) =
        partition.high_watermark;
  seat_ = context_->refreshes->sit({.consumer = *this,
                                    .name = std::move(name),
                                    .topic = request_.topic,
                                    .incarnation = incarnation_,
                                    .is_fresh = is_fresh(),
                                    .cursors = live(),
                                    .high_watermarks = std::move(high_watermarks)});
}

bool Subscription::is_whole() const {
  return request_.every && elsewhere_.empty() && std::cmp_equal(places_.size(), partitions_known_);
}

// It did not say where it was, so that it has nothing that a refresh would have to replace.
bool Subscription::is_fresh() const {
  const auto begins = [](const network::SubscribePartition& wish) {
    return wish.start == network::StartAt::kEarliest || wish.start == network::StartAt::kLatest;
  };
  return (!request_.every || begins(*request_.every)) &&
         std::ranges::all_of(request_.partitions, begins);
}

void Subscription::send_refresh(network::FrameType type, const network::Refresh& refresh) {
  const std::array pieces = {Slice::own(network::encode(refresh))};
  connection_->send(type, id_, pieces);
}

std::vector<Offset> Subscription::begin_replay(std::uint64_t refresh_id) {
  refresh_id_ = refresh_id;
  replay_ = places_;
  replay_turn_ = 0;
  is_live_held_ = is_fresh();  // the replay brings all of it
  for (auto& place : replay_) {
    const auto* partition = context_->partitions.find(place.log);
    if (partition != nullptr) place.cursor = partition->log()->start_offset();
  }
  return replayed();
}

Result<std::size_t> Subscription::push_replay() {
  const auto before = credit_bytes_;
  const auto reserve = static_cast<std::int64_t>(request_.credit_bytes) / kLiveCreditShare;
  for (std::size_t tried = 0; tried < replay_.size(); ++tried) {
    if (credit_bytes_ <= reserve || connection_->queued_bytes() >= kQueuedBytesMax / 2) return 0;
    auto& place = replay_[replay_turn_];
    replay_turn_ = (replay_turn_ + 1) % replay_.size();
    if (const auto* partition = context_->partitions.find(place.log); partition != nullptr)
      place.cursor = std::max(place.cursor, partition->log()->start_offset());
    auto sent = push_one(place, credit_bytes_ - reserve, refresh_id_);
    if (!sent) return pass(sent);
    if (*sent) return static_cast<std::size_t>(std::max<std::int64_t>(1, before - credit_bytes_));
  }
  return 0;
}

std::vector<Offset> Subscription::replayed() const { return cursors_of(replay_); }

std::vector<Offset> Subscription::live() const { return cursors_of(places_); }

void Subscription::hold_live() { is_live_held_ = true; }

void Subscription::end_replay(bool has_swapped) {
  if (has_swapped && replay_.size() == places_.size()) {
    places_ = replay_;
    for (auto& place : places_) place.next = place.cursor;
  }
  refresh_id_ = 0;
  replay_.clear();
  is_live_held_ = false;
  wake_();
}

// In the order of the partitions.
std::vector<Offset> Subscription::cursors_of(const std::vector<Place>& places) {
  std::vector<Offset> cursors(places.size());
  for (const auto& place : places) {
    const auto p = static_cast<std::size_t>(place.log.partition.value());
    if (p < cursors.size()) cursors[p] = place.cursor;
  }
  return cursors;
}

std::uint32_t Subscription::dead_letter_after(const TopicDefinition& topic) const {
  const bool can =
      request_.counts_deliveries && !request_.group.empty() && context_->dead_letters != nullptr;
  if (topic.is_broadcast() && request_.instance.empty()) return 0;  // it has no place to be kept
  return can ? static_cast<std::uint32_t>(topic.dead_letter_after) : 0;
}

bool Subscription::may_push(const Place& place) const {
  auto* letters = context_->dead_letters;
  if (letters == nullptr || letters->is_idle() || request_.group.empty()) return true;
  return letters->may_push(group_at(place.log.partition));
}

std::optional<Offset> Subscription::left_out(const Place& place) const {
  const auto* letters = context_->dead_letters;
  if (letters == nullptr || letters->is_idle() || request_.group.empty()) return std::nullopt;
  return letters->left_out(group_at(place.log.partition), incarnation_);
}

// Where that has to be brought in from disk: the offset that was acknowledged.
std::optional<Offset> Subscription::first_pushed(const Place& place) const {
  const auto* partition = context_->partitions.find(place.log);
  if (partition == nullptr || place.next >= place.cursor) return std::nullopt;
  const auto left = left_out(place);
  const auto found =
      first_record(*partition->log(), place.next, place.cursor, [&](const RecordView& record) {
        return record.offset != left && (!filter_ || filter_->matches(record));
      });
  if (!found) return place.next;
  return *found ? std::optional((*found)->offset) : std::nullopt;
}

std::vector<Subscription::Head> Subscription::heads() const {
  std::vector<Head> heads;
  for (const auto& place : places_) {
    const auto record = is_counted() ? first_pushed(place) : std::nullopt;
    if (record) heads.push_back({place.log.partition, incarnation_, place.next, *record});
  }
  return heads;
}

std::optional<Offset> Subscription::pushed(PartitionId partition,
                                           const Incarnation& incarnation,
                                           Offset offset) const {
  const auto place = std::ranges::find_if(
      places_, [&](const Place& one) { return one.log.partition == partition; });
  const bool is_it = is_counted() && place != places_.end() && incarnation == incarnation_ &&
                     offset >= place->next && offset < place->cursor;
  return is_it ? std::optional(place->next) : std::nullopt;
}

std::uint32_t count_batches(std::span<const Slice> slices) {
  std::uint32_t batches = 0;
  for (const auto& slice : slices) {
    for (auto left = slice.bytes; !left.empty(); ++batches) {
      const auto header = read_batch_header(left);
      XYLEM_CHECK(header);  // a log hands out whole batches
      left = left.subspan(header->bytes);
    }
  }
  return batches;
}

}  // namespace xylem::broker
