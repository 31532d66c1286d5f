// Idempotent producers as one partition sees them.
#include "broker/partitions/producer_states.h"

#include "common/random.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

namespace xylem::broker {
namespace {

constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();

BatchHeader batch(std::int64_t producer,
                  std::int32_t sequence,
                  std::int32_t records = 1,
                  std::int16_t epoch = 0) {
  BatchHeader header;
  header.producer_id = producer;
  header.producer_epoch = epoch;
  header.base_sequence = sequence;
  header.last_offset_delta = records - 1;
  header.record_count = records;
  return header;
}

struct Partition {
  // As a leader does it.
  Result<ProducerStates::Offsets> append(BatchHeader header) {
    const auto known = states.check(header);
    if (!known) return std::unexpected(known.error());
    if (*known) return **known;
    header.base_offset = end;
    end = end + (std::int64_t{header.last_offset_delta} + 1);
    states.add(header);
    log.push_back(header);
    return ProducerStates::Offsets{header.base_offset, end};
  }

  ProducerStates states;
  std::vector<BatchHeader> log;
  Offset end{100};
};

TEST_CASE("producer states: who does not number is not looked at") {
  Partition it;
  for (int i = 0; i < 3; ++i) CHECK(it.append(batch(-1, -1))->base == Offset(100 + i));
  CHECK(it.states.size() == 0);
}

TEST_CASE("producer states: a batch sent again gets the offsets that it got") {
  Partition it;
  for (int i = 0; i < 8; ++i) REQUIRE(it.append(batch(7, i * 2, 2)));
  for (int i = 3; i < 8; ++i) {
    CHECK(it.append(batch(7, i * 2, 2)) ==
          ProducerStates::Offsets{Offset(100 + i * 2), Offset(102 + i * 2)});
  }
  CHECK(it.end == Offset(116));
  CHECK(it.append(batch(7, 4, 2)).error().code() == Errc::kOutOfOrderSequence);
  CHECK(it.append(batch(7, 14, 3)).error().code() == Errc::kOutOfOrderSequence);
}

TEST_CASE("producer states: a gap, a stranger in the middle and a zombie are refused") {
  Partition it;
  CHECK(it.append(batch(7, 5)).error().code() == Errc::kOutOfOrderSequence);
  REQUIRE(it.append(batch(7, 0)));
  CHECK(it.append(batch(7, 2)).error().code() == Errc::kOutOfOrderSequence);
  CHECK(it.append(batch(7, 1, 1, 1)).error().code() == Errc::kOutOfOrderSequence);
  REQUIRE(it.append(batch(7, 0, 1, 1)));
  CHECK(it.append(batch(7, 1)).error().code() == Errc::kStaleEpoch);
  REQUIRE(it.append(batch(7, 1, 1, 1)));
  CHECK(it.append(batch(7, -1)).error().code() == Errc::kInvalidRequest);
  CHECK(it.append(batch(7, 2, 1, -1)).error().code() == Errc::kInvalidRequest);
}

TEST_CASE("producer states: after the highest sequence comes 0") {
  Partition it;
  it.states.add(batch(7, kMax - 2));
  REQUIRE(it.append(batch(7, kMax - 1, 4)));  // kMax - 1, kMax, 0, 1
  CHECK(it.append(batch(7, 1)).error().code() == Errc::kOutOfOrderSequence);
  REQUIRE(it.append(batch(7, 2)));
  CHECK(it.append(batch(7, kMax - 1, 4))->base == Offset(100));
}

TEST_CASE("producer states: who was silent longest is forgotten") {
  Partition it;
  for (std::int64_t id = 0; id < static_cast<std::int64_t>(ProducerStates::kProducersMax); ++id)
    REQUIRE(it.append(batch(id, 0)));
  REQUIRE(it.append(batch(0, 1)));
  REQUIRE(it.append(batch(1'000'000, 0)));
  CHECK(it.states.size() == ProducerStates::kProducersMax);
  CHECK(it.append(batch(0, 2)).has_value());
  CHECK(it.append(batch(1, 1)).error().code() == Errc::kOutOfOrderSequence);
}

TEST_CASE("producer states: whoever walks the log knows the same, also after a cut") {
  int rebuilt = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    Partition it;
    std::vector<std::int32_t> next(4);
    for (int i = 0; i < 200; ++i) {
      const auto producer = random.below(4);
      const auto records = static_cast<std::int32_t>(1 + random.below(3));
      if (it.append(batch(static_cast<std::int64_t>(producer), next[producer], records)))
        next[producer] += records;
      if (random.below(40) > 0) continue;
      const auto kept = it.log.size() - random.below(std::min<std::size_t>(it.log.size(), 30));
      const auto end = kept == it.log.size() ? it.end : it.log[kept].base_offset;
      for (auto gone = kept; gone < it.log.size(); ++gone) {
        const auto& cut = it.log[gone];
        auto& sequence = next[static_cast<std::size_t>(cut.producer_id)];
        sequence = std::min(sequence, cut.base_sequence);
      }
      it.log.resize(kept);
      it.end = end;
      if (it.states.cut_back(end)) continue;
      ++rebuilt;
      it.states = {};
      for (const auto& header : it.log) it.states.add(header);
    }
    ProducerStates walked;
    for (const auto& header : it.log) walked.add(header);
    CHECK(walked.size() == it.states.size());
    for (std::int64_t producer = 0; producer < 4; ++producer) {
      for (std::int32_t sequence = 0; sequence < 500; ++sequence) {
        for (const std::int32_t records : {1, 2, 3}) {
          const auto left = it.states.check(batch(producer, sequence, records));
          const auto right = walked.check(batch(producer, sequence, records));
          // After a cut the window may reach less far back than a walk's.
          if (left && right) CHECK(*left == *right);
          if (left) CHECK(right.has_value());
        }
      }
    }
  }
  CHECK(rebuilt > 0);
}

}  // namespace
}  // namespace xylem::broker
