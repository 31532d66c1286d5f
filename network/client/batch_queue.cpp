#include "network/client/batch_queue.h"

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

BatchQueue::BatchQueue(const Options& options) : options_(options), open_(options.compression) {}

Status BatchQueue::append(const Record& record, Promise& promise, std::int64_t now_ms) {
  if (!open_.empty() && open_.bytes() + record_bytes_max(record) > options_.batch_bytes) seal();
  if (auto added = open_.add(record); !added) return pass(added);
  if (open_promises_.empty()) open_since_ms_ = now_ms;
  open_promises_.push_back(std::move(promise));
  if (open_.bytes() >= options_.batch_bytes) seal();
  return {};
}

void BatchQueue::seal() {
  if (open_.empty()) return;
  OutgoingBatch batch;
  batch.number = next_number_++;
  batch.promises = std::exchange(open_promises_, {});
  batch.given_ms = open_since_ms_;
  auto built = open_.build();
  if (built) {
    batch.bytes = Slice::own(std::move(*built));
  } else {
    batch.state = State::kSettled;
    batch.outcome = pass(built, "build a batch");
    open_ = BatchBuilder(options_.compression);
  }
  batches_.push_back(std::move(batch));
}

std::optional<std::int64_t> BatchQueue::open_since_ms() const {
  if (open_.empty()) return std::nullopt;
  return open_since_ms_;
}

std::size_t BatchQueue::next_index() const {
  std::size_t in_flight = 0;
  for (std::size_t index = 0; index < batches_.size(); ++index) {
    if (in_flight >= options_.in_flight_max) break;
    if (batches_[index].state == State::kInFlight) ++in_flight;
    if (batches_[index].state == State::kWaiting) return index;
  }
  return batches_.size();
}

bool BatchQueue::can_send() const { return next_index() < batches_.size(); }

OutgoingBatch* BatchQueue::next_to_send() {
  const auto index = next_index();
  if (index == batches_.size()) return nullptr;
  batches_[index].state = State::kInFlight;
  return &batches_[index];
}

OutgoingBatch* BatchQueue::find(std::uint64_t number) {
  if (batches_.empty() || number < batches_.front().number) return nullptr;
  const auto index = number - batches_.front().number;
  return index < batches_.size() ? &batches_[index] : nullptr;
}

void BatchQueue::send_again(std::uint64_t number, const Error& why) {
  auto* batch = find(number);
  if (batch == nullptr || batch->state != State::kInFlight) return;
  batch->state = State::kWaiting;
  batch->last_error = why;
}

void BatchQueue::settle(std::uint64_t number, Result<Producer::Delivered> outcome) {
  auto* batch = find(number);
  if (batch == nullptr || batch->state == State::kSettled) return;
  batch->state = State::kSettled;
  batch->outcome = std::move(outcome);
}

void BatchQueue::expire(std::int64_t given_ms_max) {
  if (!open_.empty() && open_since_ms_ <= given_ms_max) seal();
  for (auto& batch : batches_) {
    if (batch.state != State::kWaiting || batch.given_ms > given_ms_max) continue;
    const auto why = batch.last_error ? batch.last_error->what() : std::string("never sent");
    settle(batch.number, fail(Errc::kTimeout, "not delivered in time: " + why));
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
