// The batches of one partition on their way out: filling, waiting, in flight, settled.
//
// Records fill an open batch until it holds `batch_bytes` or is sealed by the caller (linger
// passed, flush). Sealed batches are sent from the front, at most `in_flight_max` at a time; a
// failed one is sent again before what follows and once nothing behind it is in flight; settled
// ones leave from the front only, so that callbacks run in the order given.
//
// With a producer id batches are numbered when they are sealed and keep that number however often
// they are sent. One that is given up leaves a hole, which the broker takes nothing behind: once
// the fate of all that was sent is known, what waits is numbered anew, in the producer's next
// epoch.
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
#include <string>
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
  std::int64_t due_at_ms = 0;     // of delayed ones: of the earliest
  State state = State::kWaiting;
  bool may_be_stored = false;       // it was sent, and how that ended is not known
  std::optional<Error> last_error;  // why it must be sent again
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
    BatchProducer producer = {};  // the number of the first batch; the default: none are numbered
    bool is_delayed = false;      // every record has a due time
  };

  explicit BatchQueue(const Options& options);

  // After an error `promise` is untouched.
  Status append(const Record& record, Promise& promise, std::int64_t now_ms);

  // Closes the open batch.
  void seal();

  // When the open batch's first record was given.
  [[nodiscard]] std::optional<std::int64_t> open_since_ms() const;

  [[nodiscard]] bool can_send();

  // The next batch that may be sent now; null: none. It counts as in flight from then on.
  OutgoingBatch* next_to_send();

  // Back to waiting, because of `why`.
  void send_again(std::uint64_t number, const Error& why);

  // Its sequence was not the next one: because of a failed one before it, then it is sent again;
  // else the broker knows another history. Then it gets a number in the next epoch if it is certain
  // that it was not stored by an earlier attempt, and is settled with `why` if not.
  void refuse_sequence(std::uint64_t number, const Error& why);
  void settle(std::uint64_t number, Result<Producer::Delivered> outcome);

  // Settles what waits and was given at or before `given_ms_max` with kTimeout; `why` what was
  // never sent was not.
  void expire(std::int64_t given_ms_max, const std::string& why);

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
  void wait_again(OutgoingBatch& batch, const Error& why);
  void begin_epoch_if_due();
  void count_on(std::int32_t record_count);
  void note_due_time(const Record& record);

  [[nodiscard]] bool is_numbered() const { return next_.id >= 0; }

  Options options_;
  BatchBuilder open_;
  std::vector<Promise> open_promises_;
  std::int64_t open_since_ms_ = 0;
  std::int64_t open_due_at_ms_ = 0;
  std::deque<OutgoingBatch> batches_;
  std::uint64_t next_number_ = 0;
  std::size_t in_flight_ = 0;
  BatchProducer next_;     // of the next batch that is sealed
  bool has_hole_ = false;  // a number was given up: what is behind it needs a new epoch
};

}  // namespace xylem::network
