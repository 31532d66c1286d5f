// Keeps what a partition knows of its producers in step with its log.
//
// A new leader that did not see the log grow walks the headers of its newest part before it judges
// the first numbered batch: what was sent shortly before the change, and may be sent again, is
// there. Partitions that get no such batch are never walked.
//
// Who says from where on a batch can be, if it was sent before, has the log searched from there
// when the producer is not known: then any sequence is the next one that is not found.
//
// Limits: about kWalkedBytes of log, and as much in each call of a search; who sent nothing since
// begins a new life. kSearchesMax searches; one that was not asked for in kIdleAsksMax asks of
// others gives way.
// Threads: the loop's.
#pragma once

#include "broker/partitions/producer_states.h"
#include "common/batch/batch.h"
#include "common/bytes.h"
#include "common/ids.h"
#include "common/result.h"
#include "storage/partition_log.h"

#include <cstddef>
#include <optional>
#include <vector>

namespace xylem::broker {

class ProducerCheck {
 public:
  static constexpr std::size_t kWalkedBytes = 8ULL * 1024 * 1024;
  static constexpr std::size_t kSearchesMax = 8;  // at a time
  static constexpr std::size_t kIdleAsksMax = 1'000;

  explicit ProducerCheck(storage::PartitionLog& log);

  // A leadership begins: all that is in the log now was there before it.
  void begin();

  // Before an append: as ProducerStates::check. kUnavailable: the log must be read first, and is
  // not in memory or not yet written: again later. Also what reading says.
  // `since`: if this very batch was sent before, it is not below.
  Result<std::optional<ProducerStates::Offsets>> check(const BatchHeader& batch,
                                                       std::optional<Offset> since = std::nullopt);

  // After the append of what was checked.
  void appended(BatchHeader batch, Offset base);

  // Whole batches that another leader appended are in the log now.
  void follow(Bytes batches);

  // What starts at or above `end` is not in the log any more.
  void cut_back(Offset end);

  // The log holds what was not followed.
  void forget();

 private:
  void add(Bytes batches);
  [[nodiscard]] Offset first_to_walk() const;
  Status walk();

  // Of one producer's batches, which are added to states_ once all was looked at.
  struct Search {
    std::int64_t producer = -1;
    Offset next;
    Offset end;
    std::vector<BatchHeader> found;
    std::uint64_t asked_at = 0;  // in asks
  };

  Status search(std::int64_t producer, Offset since);
  Result<Search*> search_of(std::int64_t producer, Offset since);
  Status search_part(Search& search);

  storage::PartitionLog& log_;
  ProducerStates states_;
  bool is_known_;  // states_ is what the log says
  Offset end_;     // of what is to be walked; what is above is added as it comes
  std::optional<Offset> next_;
  std::size_t walked_bytes_ = 0;
  std::vector<Search> searches_;
  std::uint64_t asks_ = 0;
};

}  // namespace xylem::broker
