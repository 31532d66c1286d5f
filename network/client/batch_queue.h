// The batches of one partition on their way out: filling, waiting, in flight, settled.
//
// Records fill an open batch until it holds `batch_bytes` or is sealed by the caller (linger
// passed, flush). Sealed batches are sent from the front, at most `in_flight_max` at a time; a
// failed one is sent again before what follows; settled ones leave from the front only, so that
// callbacks run in the order given.
//
// No I/O, no clock.
#pragma once

#include "common/batch/batch_builder.h"
#include "common/batch/record.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "network/client/producer.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace xylem::network {

// What is owed to the giver of one record.
struct Promise {
  Producer::Callback callback;
  std::uint64_t flush_number = 0;
  std::size_t bytes = 0;  // of the producer's buffer
};

struct OutgoingBatch {
  enum class State : std::uint8_t { kWaiting, kInFlight, kSettled };

  std::uint64_t number = 0;
  Slice bytes;
  std::vector<Promise> promises;  // one per record
  std::int64_t given_ms = 0;      // when its first record was
  State state = State::kWaiting;
  std::optional<Error> last_error;                     // why it must be sent again
  std::optional<Result<Producer::Delivered>> outcome;  // of the first record
};

// An upper bound of what the record takes in a batch.
[[nodiscard]] std::size_t record_bytes_max(const Record& record);

class BatchQueue {
 public:
  struct Options {
    std::size_t batch_bytes;
    std::size_t in_flight_max;
    Compression compression;
  };

  explicit BatchQueue(const Options& options);

  // After an error `promise` is untouched.
  Status append(const Record& record, Promise& promise, std::int64_t now_ms);

  // Closes the open batch.
  void seal();

  // When the open batch's first record was given.
  [[nodiscard]] std::optional<std::int64_t> open_since_ms() const;

  [[nodiscard]] bool can_send() const;

  // The next batch that may be sent now; null: none. It counts as in flight from then on.
  OutgoingBatch* next_to_send();

  // Back to waiting, because of `why`.
  void send_again(std::uint64_t number, const Error& why);
  void settle(std::uint64_t number, Result<Producer::Delivered> outcome);

  // Settles what waits and was given at or before `given_ms_max` with kTimeout.
  void expire(std::int64_t given_ms_max);

  // Settles everything, also what is in flight.
  void cancel(const Error& why);

  [[nodiscard]] bool has_settled() const;

  [[nodiscard]] bool empty() const { return batches_.empty() && open_.empty(); }

  // Settled batches from the front.
  std::vector<OutgoingBatch> take_settled();

  // Null: it was cancelled in the meantime.
  OutgoingBatch* find(std::uint64_t number);

 private:
  // Its index; batches_.size(): none.
  [[nodiscard]] std::size_t next_index() const;

  Options options_;
  BatchBuilder open_;
  std::vector<Promise> open_promises_;
  std::int64_t open_since_ms_ = 0;
  std::deque<OutgoingBatch> batches_;
  std::uint64_t next_number_ = 0;
};

}  // namespace xylem::network
