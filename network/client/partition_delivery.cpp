#include "network/client/partition_delivery.h"

#include "network/protocol/frame.h"

#include <algorithm>
#include <utility>

namespace xylem::network {

PartitionDelivery::PartitionDelivery(const Settings& settings,
                                     std::string topic,
                                     PartitionId partition)
    : settings_(settings),
      topic_(std::move(topic)),
      partition_(partition),
      schedule_(settings.options.retry_schedule),
      retry_(settings.loop) {}

void PartitionDelivery::restart(const Cursor& cursor) {
  disconnect();
  incarnation_ = cursor.incarnation;
  live_ = {cursor.offset, cursor.offset};
}

void PartitionDelivery::disconnect() {
  queue_.clear();
  queued_bytes_ = 0;
  retry_.stop();
  live_.received = live_.handled;
  replay_.received = replay_.handled;
}

void PartitionDelivery::begin_replay(std::uint64_t refresh_id) {
  if (replay_id_ == refresh_id) return;
  replay_id_ = refresh_id;
  replay_ = {};
}

void PartitionDelivery::end_replay(const Cursor& barrier) {
  incarnation_ = barrier.incarnation;
  if (replay_id_ == 0) return;
  replay_id_ = 0;
  live_.handled = std::max(replay_.handled, barrier.offset);
  live_.received = std::max(replay_.received, barrier.offset);
}

Status PartitionDelivery::receive(const Data& data) {
  const auto credit_bytes = data.batches.bytes.size();
  if (queued_bytes_ + credit_bytes > settings_.options.credit_bytes + kPayloadBytesMax)
    return fail(Errc::kQuotaExceeded, "more was pushed than there was credit for");
  const auto refresh_id = data.header.refresh_id;
  auto& position = position_of(refresh_id);
  auto checked = check_data(data, position.received);
  if (!checked) return pass(checked, topic_ + "/" + std::to_string(partition_.value()));
  position.received = checked->next_offset;
  queued_bytes_ += credit_bytes;
  queue_.push_back({.data = std::move(*checked),
                    .incarnation = data.header.incarnation,
                    .high_watermark = data.header.high_watermark,
                    .refresh_id = refresh_id,
                    .credit_bytes = credit_bytes});
  run();
  return {};
}

Status PartitionDelivery::receive(const Gap& gap) {
  if (gap.to <= live_.received) return {};
  if (gap.from > live_.received)
    return fail(Errc::kCorrupt, topic_ + "/" + std::to_string(partition_.value()) +
                                    ": a gap from " + std::to_string(gap.from.value()) +
                                    ", but what comes next is " +
                                    std::to_string(live_.received.value()));
  live_.received = gap.to;
  if (queue_.empty() || !queue_.back().gap) {
    queue_.push_back(
        {.data = {}, .incarnation = gap.incarnation, .high_watermark = {}, .gap = gap});
  } else {
    queue_.back().gap->to = gap.to;  // nobody was told of it yet
  }
  queue_.back().data.next_offset = gap.to;
  run();
  return {};
}

void PartitionDelivery::pause() { is_paused_ = true; }

void PartitionDelivery::resume() {
  is_paused_ = false;
  is_paused_by_error_ = false;
  run();
}

void PartitionDelivery::run() {
  if (is_running_) return;  // a handler called back into the consumer
  is_running_ = true;
  while (!queue_.empty() && !is_paused_ && !is_paused_by_error_ && !retry_.is_active())
    deliver_front();
  is_running_ = false;
  if (queue_.empty()) settings_.drained();
}

void PartitionDelivery::deliver_front() {
  const auto& front = queue_.front();
  if (front.refresh_id != 0 && front.refresh_id != replay_id_) return pop_front();
  auto& position = position_of(front.refresh_id);
  if (front.data.next_offset <= position.handled) return pop_front();  // skipped after an error
  if (front.gap) return deliver_gap();
  const bool is_before = settings_.options.commit == Consumer::Commit::kBeforeHandler;
  if (is_before && front.credit_bytes > 0)
    settings_.acknowledge(partition_, front.data.next_offset, front.incarnation, 0,
                          front.refresh_id);
  if (auto handled = hand_over(front, position); !handled)
    return on_handler_error(handled.error(), position);
  schedule_.reset();
  position.handled = std::max(position.handled, front.data.next_offset);
  pop_front();
}

void PartitionDelivery::deliver_gap() {
  auto gap = *queue_.front().gap;
  gap.from = std::max(gap.from, live_.handled);
  live_.handled = gap.to;
  settings_.gap(gap);
  pop_front();
}

void PartitionDelivery::pop_front() {
  const auto front = std::move(queue_.front());
  queue_.pop_front();
  queued_bytes_ -= front.credit_bytes;
  settings_.acknowledge(partition_, position_of(front.refresh_id).handled, front.incarnation,
                        front.credit_bytes, front.refresh_id);
}

DeliveredBatch PartitionDelivery::view_of(const Queued& queued, Offset first) const {
  return {.topic = topic_,
          .partition = partition_,
          .incarnation = queued.incarnation,
          .first_offset = first,
          .next_offset = queued.data.next_offset,
          .epoch = queued.data.epoch,
          .refresh_id = queued.refresh_id,
          .high_watermark = queued.high_watermark,
          .batches = queued.data.batches};
}

Status PartitionDelivery::hand_over(const Queued& queued, Position& position) {
  if (queued.data.batches.bytes.empty()) return {};
  skip_to_ = queued.data.next_offset;
  if (settings_.handlers.batch) return settings_.handlers.batch(view_of(queued, position.handled));
  return hand_over_records(queued, position);
}

Status PartitionDelivery::hand_over_records(const Queued& queued, Position& position) {
  const auto view = view_of(queued, position.handled);
  const auto bytes = queued.data.batches.bytes;
  for (std::size_t at = 0; at < bytes.size();) {
    auto header = read_batch_header(bytes.subspan(at));
    if (!header) return pass(header);
    const auto batch = bytes.subspan(at, header->bytes);
    at += header->bytes;
    if (header->next_offset() <= position.handled || header->is_control()) continue;
    skip_to_ = header->next_offset();
    auto reader = BatchReader::open(batch);
    if (!reader) return pass(reader);
    while (auto record = reader->next()) {
      if (!*record) return pass(*record);
      const auto offset = (*record)->offset;
      if (offset < position.handled) continue;
      position.handled = offset;
      if (auto handled = settings_.handlers.message(view, **record); !handled) {
        skip_to_ = offset + 1;
        return handled;
      }
      position.handled = offset + 1;
      schedule_.reset();
    }
    position.handled = std::max(position.handled, header->next_offset());
  }
  return {};
}

void PartitionDelivery::on_handler_error(const Error& why, Position& position) {
  const bool is_before = settings_.options.commit == Consumer::Commit::kBeforeHandler;
  const auto policy = is_before ? RetryPolicy::kSkipOnError : settings_.options.retry;
  report(Error(why).within(topic_ + "/" + std::to_string(partition_.value()) + " at " +
                           std::to_string(position.handled.value())));
  switch (policy) {
    case RetryPolicy::kExponentialThenFixed:
      return retry_.start(schedule_.next_ms(), 0, [this] { run(); });
    case RetryPolicy::kPauseOnError:
      is_paused_by_error_ = true;
      return;
    case RetryPolicy::kSkipOnError:
      break;
  }
  position.handled = skip_to_;
}

void PartitionDelivery::report(const Error& why) const {
  if (settings_.handlers.error) settings_.handlers.error(why);
}

}  // namespace xylem::network
