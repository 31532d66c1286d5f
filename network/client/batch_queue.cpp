#include "network/client/batch_queue.h"

#include "common/batch/due_time.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

namespace xylem::network {

namespace {

constexpr std::size_t kRecordOverheadBytes = 40;  // its numbers, as long as varints get
constexpr std::size_t kHeaderOverheadBytes = 10;

using State = OutgoingBatch::State;

}  // namespace

std::size_t record_bytes_max(const Record& record) {
  auto bytes = kRecordOverheadBytes;
  if (record.key) bytes += record.key->size();
  if (record.value) bytes += record.value->size();
  for (const auto& [key, value] : record.headers)
    bytes += kHeaderOverheadBytes + key.size() + (value ? value->size() : 0);
  return bytes;
}

BatchQueue::BatchQueue(const Options& options)
    : options_(options), open_(options.compression), next_(options.producer) {}

Status BatchQueue::append(const Record& record, Promise& promise, std::int64_t now_ms) {
  if (!open_.empty() && open_.bytes() + record_bytes_max(record) > options_.batch_bytes) seal();
  if (auto added = open_.add(record); !added) return pass(added);
  if (open_promises_.empty()) open_since_ms_ = now_ms;
  if (options_.is_delayed) note_due_time(record);
  open_promises_.push_back(std::move(promise));
  if (open_.bytes() >= options_.batch_bytes) seal();
  return {};
}

// Before its promise is taken: the first one of the batch begins anew.
void BatchQueue::note_due_time(const Record& record) {
  const auto due_ms = due_at(record);
  if (!due_ms || !*due_ms) return;
  open_due_at_ms_ = open_promises_.empty() ? **due_ms : std::min(open_due_at_ms_, **due_ms);
}

void BatchQueue::seal() {
  if (open_.empty()) return;
  OutgoingBatch batch;
  batch.number = next_number_++;
  batch.promises = std::exchange(open_promises_, {});
  batch.given_ms = open_since_ms_;
  batch.due_at_ms = std::exchange(open_due_at_ms_, 0);
  const auto record_count = open_.count();
  auto built = open_.build(next_);
  if (built) {
    batch.bytes = Slice::own(std::move(*built));
    count_on(record_count);
  } else {
    batch.state = State::kSettled;
    batch.outcome = pass(built, "build a batch");
    open_ = BatchBuilder(options_.compression);
  }
  batches_.push_back(std::move(batch));
}

void BatchQueue::count_on(std::int32_t record_count) {
  if (is_numbered()) next_.sequence = sequence_after(next_.sequence, record_count);
}

std::optional<std::int64_t> BatchQueue::open_since_ms() const {
  if (open_.empty()) return std::nullopt;
  return open_since_ms_;
}

std::size_t BatchQueue::next_index() const {
  std::size_t in_flight = 0;
  for (std::size_t index = 0; index < batches_.size(); ++index) {
    const auto& batch = batches_[index];
    if (batch.state == State::kInFlight) ++in_flight;
    if (in_flight >= options_.in_flight_max) break;
    if (batch.state != State::kWaiting || (has_hole_ && !batch.may_be_stored)) continue;
    return in_flight == in_flight_ ? index : batches_.size();
  }
  return batches_.size();
}

bool BatchQueue::can_send() {
  begin_epoch_if_due();
  return next_index() < batches_.size();
}

OutgoingBatch* BatchQueue::next_to_send() {
  begin_epoch_if_due();
  const auto index = next_index();
  if (index == batches_.size()) return nullptr;
  batches_[index].state = State::kInFlight;
  ++in_flight_;
  return &batches_[index];
}

// Not before the fate of everything sent is known: it could no longer be asked for after the broker
// has seen the new epoch.
void BatchQueue::begin_epoch_if_due() {
  const auto is_open = [](const OutgoingBatch& batch) {
    return batch.state == State::kWaiting && batch.may_be_stored;
  };
  if (!has_hole_ || in_flight_ > 0 || std::ranges::any_of(batches_, is_open)) return;
  has_hole_ = false;
  next_.sequence = 0;
  if (next_.epoch == std::numeric_limits<std::int16_t>::max()) {
    next_.id = next_.id == std::numeric_limits<std::int64_t>::max() ? 0 : next_.id + 1;
    next_.epoch = 0;
  } else {
    ++next_.epoch;
  }
  for (auto& batch : batches_) {
    if (batch.state != State::kWaiting) continue;
    // A copy: a connection that is closing may still hold the bytes.
    Buffer bytes(batch.bytes.bytes.begin(), batch.bytes.bytes.end());
    auto header = *read_batch_header(bytes);
    header.producer_id = next_.id;
    header.producer_epoch = next_.epoch;
    header.base_sequence = next_.sequence;
    write_batch_header(header, bytes);
    batch.bytes = Slice::own(std::move(bytes));
    count_on(header.record_count);
  }
}

OutgoingBatch* BatchQueue::find(std::uint64_t number) {
  if (batches_.empty() || number < batches_.front().number) return nullptr;
  const auto index = number - batches_.front().number;
  return index < batches_.size() ? &batches_[index] : nullptr;
}

void BatchQueue::wait_again(OutgoingBatch& batch, const Error& why) {
  if (batch.state == State::kInFlight) --in_flight_;
  batch.state = State::kWaiting;
  batch.last_error = why;
}

void BatchQueue::send_again(std::uint64_t number, const Error& why) {
  auto* batch = find(number);
  if (batch == nullptr || batch->state != State::kInFlight) return;
  batch->may_be_stored = true;
  wait_again(*batch, why);
}

void BatchQueue::refuse_sequence(std::uint64_t number, const Error& why) {
  auto* batch = find(number);
  if (batch == nullptr || batch->state != State::kInFlight) return;
  const auto first = std::ranges::find_if(
      batches_, [](const OutgoingBatch& one) { return one.state != State::kSettled; });
  if (first->number == number) {
    if (batch->may_be_stored) return settle(number, std::unexpected(why));
    has_hole_ = true;
  } else if (has_hole_ && first->state == State::kWaiting && !first->may_be_stored) {
    batch->may_be_stored = false;  // nothing is stored behind what is not
  }
  wait_again(*batch, why);
}

void BatchQueue::settle(std::uint64_t number, Result<Producer::Delivered> outcome) {
  auto* batch = find(number);
  if (batch == nullptr || batch->state == State::kSettled) return;
  if (batch->state == State::kInFlight) --in_flight_;
  has_hole_ = has_hole_ || (is_numbered() && !outcome);
  batch->state = State::kSettled;
  batch->outcome = std::move(outcome);
}

void BatchQueue::expire(std::int64_t given_ms_max, const std::string& why) {
  if (!open_.empty() && open_since_ms_ <= given_ms_max) seal();
  for (auto& batch : batches_) {
    if (batch.state != State::kWaiting || batch.given_ms > given_ms_max) continue;
    const auto& last = batch.last_error;
    settle(batch.number, fail(Errc::kTimeout, "not delivered in time: " +
                                                  (last ? last->what() : "never sent: " + why)));
  }
}

void BatchQueue::cancel(const Error& why) {
  seal();
  for (auto& batch : batches_) settle(batch.number, std::unexpected(why));
}

bool BatchQueue::has_settled() const {
  return !batches_.empty() && batches_.front().state == State::kSettled;
}

std::vector<OutgoingBatch> BatchQueue::take_settled() {
  std::vector<OutgoingBatch> settled;
  while (has_settled()) {
    settled.push_back(std::move(batches_.front()));
    batches_.pop_front();
  }
  return settled;
}

}  // namespace xylem::network
