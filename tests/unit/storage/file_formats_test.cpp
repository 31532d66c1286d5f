// The small files beside segments: golden bytes, every cut, every flipped bit.
#include "storage/compaction/compaction_file.h"
#include "storage/log_paths.h"
#include "storage/segment/index_file.h"
#include "storage/synced_file.h"

#include <doctest/doctest.h>

#include <functional>
#include <string>

namespace xylem::storage {
namespace {

std::string hex(Bytes bytes) {
  std::string text;
  for (const auto byte : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += kDigits[std::to_integer<std::size_t>(byte) >> 4U];
    text += kDigits[std::to_integer<std::size_t>(byte) & 0xFU];
  }
  return text;
}

Buffer some_index() {
  SparseIndex index(Offset(100));
  index.add(Offset(100), 0);
  index.add(Offset(130), 5'000);
  return encode_index(
      {Offset(100), Offset(140), 6'000, 1'700, 1'800, {{Epoch(3), Offset(100)}}, {0xABCDEF01}},
      index);
}

Buffer some_time_index() {
  TimeIndex index;
  index.add(0, 1'000);
  index.add(5'000, 1'500);
  index.add(9'000, 2'000);
  return encode_time_index(Offset(100), index);
}

Buffer some_compaction() {
  CompactionState state;
  state.cleaned_to = Offset(77);
  state.bounds = {Offset(78), Offset(5)};
  state.swap = SegmentSwap{Offset(0), Offset(50), 900};
  state.marks = {{Offset(10), 1'700}, {Offset(40), 1'800}};
  return encode_compaction({state, 9});
}

TEST_CASE("formats: the bytes on disk never change") {  // golden: a failure is a format break
  CHECK(hex(some_index()) ==
        "5849445800000001"
        "0000000000000064000000000000008c000000000000177000000000000006a40000000000000708"
        "000000010000000100000002"
        "000000030000000000000064"
        "abcdef01"
        "936a2351"
        "00000000000000000000001e00001388"
        "9b5fabef");
  CHECK(hex(some_time_index()) ==
        "5854494d00000001000000000000006400000002"
        "00000000000003e800001388"
        "00000000000005dc00002328"
        "06d79092");
  CHECK(hex(encode_synced({{Offset(77), Offset(5)}, 9})) ==
        "5853594e000000010000000000000009000000000000004d0000000000000005" + std::string(56, '0') +
            "c0f221e0");
  CHECK(hex(some_compaction()) ==
        "58434d50000000010000000000000009000000000000004d000000000000004e0000000000000005"
        "00000000000000000000000000000032000000000000038400000002"
        "000000000000000a00000000000006a400000000000000280000000000000708" +
            std::string(2 * 408, '0') + "c4085005");
}

TEST_CASE("formats: what was encoded is decoded") {
  const auto file = some_index();
  const auto facts = decode_index_facts(file);
  REQUIRE(facts);
  CHECK(facts->base == Offset(100));
  CHECK(facts->end == Offset(140));
  CHECK(facts->bytes == 6'000);
  CHECK(facts->max_timestamp_ms == 1'700);
  CHECK(facts->appended_ms == 1'800);
  CHECK(facts->epochs.at(0).epoch == Epoch(3));
  CHECK(facts->chunk_crcs.at(0) == 0xABCDEF01);
  const auto index = decode_index(file);
  REQUIRE(index);
  CHECK((*index)->position_below(Offset(129)) == 0);
  CHECK((*index)->position_below(Offset(130)) == 5'000);
  CHECK((*index)->position_below(Offset(99)) == 0);
  const auto times = decode_time_index(some_time_index(), Offset(100));
  REQUIRE(times);
  CHECK((*times)->position_for(1'000) == 0);
  CHECK((*times)->position_for(1'001) == 5'000);
  CHECK((*times)->position_for(1'501) == 9'000);
  CHECK_FALSE(decode_time_index(some_time_index(), Offset(101)));
}

TEST_CASE(
    "formats: a time index leads to within 4 KiB of a record, however long nothing was later") {
  TimeIndex index;
  index.add(0, 1'000);
  for (std::size_t at = 100; at < 1'000'000; at += 100) index.add(at, 500);
  index.add(1'000'000, 2'000);
  CHECK(index.position_for(1'000) == 0);
  CHECK(index.position_for(1'500) > 1'000'000 - kIndexStepBytes);
  CHECK(index.position_for(1'500) <= 1'000'000);
}

void refuse_every_damage(const Buffer& good, const std::function<bool(Bytes)>& decodes) {
  REQUIRE(decodes(good));
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK_FALSE(decodes(Bytes(good).first(size)));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    CAPTURE(bit);
    auto bad = good;
    bad[bit / 8] ^= std::byte(1U << (bit % 8));
    CHECK_FALSE(decodes(bad));
  }
}

TEST_CASE("formats: of two slots of compaction the newer good one counts") {
  const auto newer = some_compaction();
  const auto older = encode_compaction({CompactionState(), 8});
  auto file = older;
  append(newer, file);
  const auto both = decode_compaction(file);
  REQUIRE(both);
  CHECK(both->sequence == 9);
  CHECK(encode_compaction(*both) == newer);
  file.back() ^= std::byte{1};
  const auto one = decode_compaction(file);
  REQUIRE(one);
  CHECK(one->state == CompactionState());
  CHECK_FALSE(decode_compaction(Bytes(file).subspan(kCompactionSlotBytes)));
}

TEST_CASE("formats: every cut and every flipped bit is refused") {
  refuse_every_damage(some_compaction(),
                      [](Bytes file) { return decode_compaction(file).has_value(); });
  refuse_every_damage(some_index(), [](Bytes file) { return decode_index(file).has_value(); });
  refuse_every_damage(some_time_index(),
                      [](Bytes file) { return decode_time_index(file, Offset(100)).has_value(); });
  refuse_every_damage(encode_synced({{Offset(77), Offset(5)}, 9}),
                      [](Bytes file) { return decode_synced(file).sequence != 0; });
}

TEST_CASE("formats: a torn write of the synced bound leaves the older slot") {
  auto file = encode_synced({{Offset(50), Offset(5)}, 8});
  const auto newer = encode_synced({{Offset(77), Offset(6)}, 9});
  append(newer, file);
  CHECK(decode_synced(file).bound.synced == Offset(77));
  file[SyncedFile::kSlotBytes + 20] ^= std::byte{1};
  CHECK(decode_synced(file).bound.synced == Offset(50));
  CHECK(decode_synced(file).bound.start == Offset(5));
}

TEST_CASE("formats: directory and file names, and back") {
  const LogName plain{"de.prices-2", {{Uuid::from_words(1, 2), 0}, PartitionId(3)}};
  LogName second = plain;
  second.id.incarnation.generation = 7;
  for (const auto& name : {plain, second}) {
    const auto parsed = parse_topic_directory(topic_directory(name));
    REQUIRE(parsed);
    CHECK(parsed->topic == name.topic);
    CHECK(parsed->incarnation == name.id.incarnation);
  }
  CHECK(topic_directory(second) == "de.prices-2-00000000000000010000000000000002.7");
  for (const auto* bad :
       {"", "prices", "prices-123", "-00000000000000010000000000000002",
        "p-00000000000000010000000000000002.0", "p-00000000000000010000000000000002.x"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_topic_directory(bad));
  }
  CHECK(parse_segment_file(segment_stem(Offset(42)) + ".log") == Offset(42));
  for (const auto* bad : {"42.log", "00000000000000000042.index", "0000000000000000004x.log",
                          "99999999999999999999.log", "-0000000000000000042.log"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_segment_file(bad));
  }
}

}  // namespace
}  // namespace xylem::storage
