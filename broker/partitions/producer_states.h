// What a partition knows of its idempotent producers: whether a batch is the next one, one that is
// there already, or one that must not be taken.
//
// A producer has an id, an epoch (of its newest life), and numbers its records from 0; after
// 2^31 - 1 comes 0. The last kWindow batches of each are known by their sequences and offsets, so a
// batch that is sent again is answered with the offsets that it got. All of this follows from the
// batch headers in the log: whoever leads next walks them.
//
// Semantics: KIP-98. Where Kafka takes a producer that it does not know as it comes, this does not:
// the first sequence of a life is 0, else something is missing.
// Errors: kOutOfOrderSequence (a gap, or older than the window), kStaleEpoch (a zombie),
// kInvalidRequest (fields that no producer writes).
// Limits: kProducersMax producers; who was silent longest is forgotten, and begins a new life.
// Threads: one.
#pragma once

#include "common/batch/batch.h"
#include "common/ids.h"
#include "common/result.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <unordered_map>

namespace xylem::broker {

class ProducerStates {
 public:
  ProducerStates() = default;
  ~ProducerStates() = default;
  ProducerStates(const ProducerStates&) = delete;
  ProducerStates& operator=(const ProducerStates&) = delete;
  ProducerStates(ProducerStates&&) = default;
  ProducerStates& operator=(ProducerStates&&) = default;

  static constexpr std::size_t kWindow = 5;  // batches; as many may be under way
  static constexpr std::size_t kProducersMax = 10'000;

  struct Offsets {
    Offset base;
    Offset next;

    bool operator==(const Offsets&) const = default;
  };

  // What of `batch`, which is to be appended: nullopt: it is new (or its producer does not number);
  // else where it is already.
  [[nodiscard]] Result<std::optional<Offsets>> check(const BatchHeader& batch) const;

  // `batch` is in the log, at its base offset. Also without a check before: from another leader.
  void add(const BatchHeader& batch);

  // What starts at or above `end` is not in the log any more. False: of a producer all that was
  // known is gone, and older batches of it may be there: walk the log again.
  [[nodiscard]] bool cut_back(Offset end);

  [[nodiscard]] bool knows(std::int64_t producer) const { return producers_.contains(producer); }

  [[nodiscard]] std::size_t size() const { return producers_.size(); }

 private:
  struct Sent {
    std::int32_t first = 0;  // sequences
    std::int32_t last = 0;
    Offsets offsets;
  };

  struct Producer {
    std::int16_t epoch = 0;
    std::deque<Sent> window;  // the newest one last; never empty
    std::list<std::int64_t>::iterator place;
  };

  std::unordered_map<std::int64_t, Producer> producers_;
  std::list<std::int64_t> silent_first_;
};

}  // namespace xylem::broker
