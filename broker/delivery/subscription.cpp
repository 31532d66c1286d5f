#include "broker/delivery/subscription.h"

#include "broker/delivery/filtered_batches.h"
#include "broker/delivery/partition_leader.h"

#include <algorithm>
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
  made.incarnation_ = topic->incarnation;
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
  auto cursor = resolve(*partition, wish);
  if (!cursor) return pass(cursor);
  places_.push_back({partition->id(), *cursor, *cursor});
  return {};
}

Result<Offset> Subscription::resolve(const Partition& partition,
                                     const network::SubscribePartition& wish) const {
  using network::StartAt;
  if (!partition.knows_committed())
    return fail(Errc::kUnavailable,
                "how far \"" + request_.topic + "\" is committed is not known yet", "retry");
  const auto start = partition.log()->start_offset();
  const auto end = partition.high_watermark();
  const auto at = [&](StartAt where) { return where == StartAt::kLatest ? end : start; };
  switch (wish.start) {
    case StartAt::kEarliest:
    case StartAt::kLatest:
      return at(wish.start);
    case StartAt::kCommitted: {
      if (request_.group.empty()) return at(wish.reset);
      if (auto here = context_->offsets.keeps(request_.group); !here) return pass(here);
      const auto committed =
          context_->offsets.find({request_.group, request_.topic, wish.partition});
      const bool usable = committed && committed->incarnation == incarnation_ &&
                          committed->next >= start &&
                          committed->next <= std::max(end, partition.log()->written_end());
      return usable ? committed->next : at(wish.reset);
    }
    case StartAt::kOffset:
      if (!wish.incarnation.topic.is_nil() && wish.incarnation != incarnation_) {
        return fail(Errc::kStaleGeneration,
                    "the cursor belongs to another incarnation of \"" + request_.topic + "\"");
      }
      // A cursor ahead of this broker waits: another broker of the tree was further.
      if (wish.offset < start) {
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
    answer.partitions.push_back({place.log.partition, place.cursor,
                                 partition->log()->start_offset(), partition->high_watermark()});
  }
  return answer;
}

Result<bool> Subscription::push() {
  std::size_t idle = 0;
  while (idle < places_.size() && credit_bytes_ > 0 &&
         connection_->queued_bytes() < kQueuedBytesMax) {
    auto& place = places_[turn_];
    turn_ = (turn_ + 1) % places_.size();
    auto sent = push_one(place);
    if (!sent) return pass(sent);
    idle = *sent ? 0 : idle + 1;
    if (*sent && filter_) return true;
  }
  return false;
}

Result<bool> Subscription::push_one(Place& place) {
  const auto* partition = context_->partitions.find(place.log);
  if (partition == nullptr) return std::unexpected(gone_from_here(*context_, place.log));
  if (place.cursor >= partition->high_watermark() || !may_push(place)) return false;
  const auto budget = std::min(static_cast<std::size_t>(credit_bytes_), kPushBytesMax);
  auto warm = partition->log()->warm_up(place.cursor, budget);
  if (!warm) return pass(warm);
  if (!*warm) return false;
  auto read = partition->log()->read(place.cursor, budget, partition->high_watermark());
  if (!read) return pass(read);
  if (read->slices.empty()) return false;
  if (const auto left = left_out(place); left && *left >= place.cursor && *left < read->next)
    leave_out(*left, *read);
  if (filter_) {
    auto matching = filtered(read->slices, *filter_, kPushBytesMax);
    *read = {std::move(matching.slices), matching.bytes, matching.next};
  }
  send(place, *partition, std::move(read->slices));
  credit_bytes_ -= static_cast<std::int64_t>(read->bytes);
  place.cursor = read->next;
  return true;
}

void Subscription::send(const Place& place, const Partition& partition, std::vector<Slice> slices) {
  network::DataHeader header;
  header.topic = request_.topic;
  header.partition = place.log.partition;
  header.incarnation = incarnation_;
  header.first_offset = place.cursor;
  header.epoch = partition.epoch();
  header.batch_count = count_batches(slices);
  header.high_watermark = partition.high_watermark();
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
  // Never more credit than was granted: an acknowledgement returns, it does not add.
  place->next = std::max(place->next, std::min(ack.next_offset, place->cursor));
  if (ack.credit_bytes > 0 && context_->dead_letters != nullptr && !request_.group.empty())
    context_->dead_letters->passed(group_at(ack.partition), place->next);
  credit_bytes_ = std::min<std::int64_t>(credit_bytes_ + ack.credit_bytes, request_.credit_bytes);
  return {};
}

bool Subscription::follows(const LogId& log) const {
  return std::ranges::any_of(places_, [&](const Place& place) { return place.log == log; });
}

bool Subscription::extend(const TopicDefinition& topic) {
  if ((dead_letter_after(topic) > 0) != is_counted()) return false;
  const auto known = std::exchange(partitions_known_, topic.partitions);
  if (!request_.every || topic.incarnation != incarnation_) return true;
  for (std::int32_t p = known; p < topic.partitions; ++p) {
    const auto* partition = context_->partitions.find(topic.log(p));
    if (partition == nullptr) return false;
    if (!follows(topic.log(p)))
      places_.push_back(
          {partition->id(), partition->log()->start_offset(), partition->log()->start_offset()});
  }
  return true;
}

std::uint32_t Subscription::dead_letter_after(const TopicDefinition& topic) const {
  const bool can =
      request_.counts_deliveries && !request_.group.empty() && context_->dead_letters != nullptr;
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
