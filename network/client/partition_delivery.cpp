#include "network/client/partition_delivery.h"

#include "network/protocol/frame.h"

#include <algorithm>
#include <utility>

namespace xylem::network {

namespace {

constexpr std::uint64_t kUnsentMs = 1;  // how often to look whether an acknowledgement is out

}  // namespace

PartitionDelivery::PartitionDelivery(const Settings& settings,
                                     std::string topic,
                                     PartitionId partition)
    : settings_(settings),
      topic_(std::move(topic)),
      partition_(partition),
      schedule_(settings.options.retry_schedule),
      retry_(settings.loop),
      turn_end_(settings.loop),
      unsent_(settings.loop),
      life_(std::make_shared<std::uint64_t>(0)) {}

void PartitionDelivery::restart(const Cursor& cursor) {
  disconnect();
  incarnation_ = cursor.incarnation;
  live_ = {cursor.offset, cursor.offset};
}

void PartitionDelivery::disconnect() {
  queue_.clear();
  queued_bytes_ = 0;
  retry_.stop();
  unsent_.stop();
  ++*life_;
  is_turn_over_ = is_judged_ = is_committing_ = false;
  live_.received = live_.handled;
  replay_.received = replay_.handled;
}

// The handlers begin with an empty copy, also when they had half of one of the same refresh before.
void PartitionDelivery::begin_replay(std::uint64_t refresh_id) {
  replay_id_ = refresh_id;
  replay_ = {};
}

void PartitionDelivery::drop_replay() {
  replay_id_ = 0;
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
                    .credit_bytes = credit_bytes,
                    .walk = nullptr});
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
  while (!queue_.empty() && !is_held()) deliver_front();
  is_running_ = false;
  if (queue_.empty()) settings_.drained();
}

bool PartitionDelivery::is_held() const {
  return is_paused_ || is_paused_by_error_ || is_turn_over_ || is_judged_ || is_committing_ ||
         retry_.is_active();
}

void PartitionDelivery::deliver_front() {
  auto& front = queue_.front();
  if (front.refresh_id != 0 && front.refresh_id != replay_id_) return pop_front();
  auto& position = position_of(front.refresh_id);
  if (front.data.next_offset <= position.handled) return pop_front();  // skipped after an error
  if (front.gap) return deliver_gap();
  if (is_at_most_once() && !front.is_committed && front.refresh_id == 0) return commit_front();
  if (auto handled = hand_over(front, position); !handled)
    return on_handler_error(handled.error(), position);
  if (is_turn_over_) return;  // there may be more records
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

// What is not answered in time takes the connection along, and comes again.
void PartitionDelivery::commit_front() {
  const auto& front = queue_.front();
  is_committing_ = true;
  settings_.commit(partition_, {front.data.next_offset, front.incarnation},
                   [this, alive = std::weak_ptr(life_), life = *life_](const Status& committed) {
                     const auto now = alive.lock();
                     if (now == nullptr || *now != life) return;
                     is_committing_ = false;
                     queue_.front().is_committed = committed.has_value();
                     if (committed) return run();
                     report(Error(committed.error()).within("a commit before delivery"));
                     try_later();
                   });
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

Status PartitionDelivery::hand_over(Queued& queued, Position& position) {
  if (queued.data.batches.bytes.empty()) return {};
  skip_to_ = queued.data.next_offset;
  if (settings_.handlers.batch) return settings_.handlers.batch(view_of(queued, position.handled));
  return hand_over_records(queued, position);
}

Status PartitionDelivery::hand_over_records(Queued& queued, Position& position) {
  const auto view = view_of(queued, position.handled);
  if (!queued.walk) queued.walk = std::make_unique<RecordWalk>(queued.data.batches.bytes);
  while (true) {
    auto record = queued.walk->find(position.handled);
    if (!record) {
      skip_to_ = queued.walk->batch_end();
      return pass(record);
    }
    if (*record == nullptr) return {};
    const auto offset = (*record)->offset;
    position.handled = offset;
    skip_to_ = offset + 1;
    if (auto handled = settings_.handlers.message(view, **record); !handled) return handled;
    position.handled = offset + 1;
    schedule_.reset();
    if (!is_counted_ || queued.refresh_id != 0) continue;
    pass_on();
    return {};
  }
}

// The broker is to know that the handlers got so far, before they are given more.
void PartitionDelivery::pass_on() {
  settings_.acknowledge(partition_, live_.handled, incarnation_, 0, 0);
  next_turn();
}

void PartitionDelivery::next_turn() {
  is_turn_over_ = true;
  turn_end_.add([this, life = *life_] {
    if (life != *life_) return;
    if (!settings_.is_sent(partition_)) return unsent_.start(kUnsentMs, 0, [this] { next_turn(); });
    is_turn_over_ = false;
    run();
  });
}

void PartitionDelivery::on_handler_error(const Error& why, Position& position) {
  const auto policy = is_at_most_once() ? RetryPolicy::kSkipOnError : settings_.options.retry;
  const bool is_told = is_counted_ && !is_at_most_once() && &position == &live_ && settings_.failed;
  report(Error(why).within(topic_ + "/" + std::to_string(partition_.value()) + " at " +
                           std::to_string(position.handled.value())));
  switch (policy) {
    case RetryPolicy::kExponentialThenFixed:
      return is_told ? tell_failure(why) : try_later();
    case RetryPolicy::kPauseOnError:
      is_paused_by_error_ = true;
      return is_told ? tell_failure(why) : void();
    case RetryPolicy::kSkipOnError:
      break;
  }
  position.handled = skip_to_;
  if (is_counted_ && &position == &live_) pass_on();
}

void PartitionDelivery::tell_failure(const Error& why) {
  is_judged_ = true;
  settings_.failed(partition_, cursor(), why,
                   [this, alive = std::weak_ptr(life_), life = *life_](const auto& answer) {
                     const auto now = alive.lock();
                     if (now != nullptr && *now == life) on_judged(answer);
                   });
}

void PartitionDelivery::on_judged(const Result<DeliveryFailureAnswer>& answer) {
  is_judged_ = false;
  if (answer && answer->is_dead_lettered) {
    live_.handled = skip_to_;
    schedule_.reset();
    return pass_on();
  }
  if (!answer) report(Error(answer.error()).within("a failed delivery is not counted"));
  if (!is_paused_by_error_) try_later();
}

void PartitionDelivery::report(const Error& why) const {
  if (settings_.handlers.error) settings_.handlers.error(why);
}

}  // namespace xylem::network
