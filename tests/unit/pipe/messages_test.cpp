#include "pipe/messages.h"

#include "tests/support/fake_log.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>

namespace xylem::pipe {
namespace {

using testing::batch_of;

const LogId kPrices{{Uuid::from_words(0x0102030405060708, 0x1112131415161718), 2}, PartitionId(3)};
const LogId kOther{{Uuid::from_words(9, 9), 0}, PartitionId(0)};

FetchRequest small_request() {
  FetchRequest request;
  request.child = "pos-0";
  request.cluster = Uuid::from_words(0xaa, 0xbb);
  request.session = 0xfeed;
  request.sequence = 7;
  request.answered = 6;
  request.partitions.push_back({.log = kPrices,
                                .cursor = Offset(42),
                                .last_epoch = Epoch(5),
                                .last_crc = 0xdeadbeef,
                                .compacted_below = Offset(17)});
  request.forgotten.push_back(kOther);
  return request;
}

FetchRequest bounded_request() {
  auto request = small_request();
  request.partitions.push_back({.log = kOther, .cursor = Offset(7)});
  request.partitions.back().below = Offset(9);
  return request;
}

FetchRequest replica_request() {
  auto request = small_request();
  request.replica = 2;
  request.partitions.back().following = Following{9, Offset(40), Epoch(5)};
  return request;
}

FetchAnswer small_answer() {
  FetchAnswer answer;
  answer.parent = "l3-0";
  answer.cluster = Uuid::from_words(0xaa, 0xbb);
  answer.session = 0xfeed;
  answer.pace_ms = 20;
  answer.topology_version = 12;
  answer.age_ms = 5;
  FetchedPartition fetched;
  fetched.log = kPrices;
  fetched.cursor = Offset(42);
  fetched.high_watermark = Offset(44);
  fetched.log_start = Offset(1);
  fetched.age_ms = 3;
  fetched.batches = {Slice::copy(bytes_of("first")), Slice::copy(bytes_of("second"))};
  answer.partitions.push_back(fetched);
  FetchedPartition elsewhere;
  elsewhere.log = kOther;
  elsewhere.state = FetchState::kNotHere;
  elsewhere.epoch = Epoch(4);
  elsewhere.leader = "root-2";
  elsewhere.leader_address = "http://root-2:7081";
  answer.partitions.push_back(elsewhere);
  return answer;
}

Buffer joined(const std::vector<Slice>& slices) {
  Buffer all;
  for (const auto& slice : slices) append(slice.bytes, all);
  return all;
}

Buffer encoded_answer(const FetchAnswer& answer) { return joined(encode(answer)); }

std::string hex(Bytes bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const auto byte : bytes) {
    text += kDigits[std::to_integer<std::size_t>(byte >> 4)];
    text += kDigits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  return text;
}

TEST_CASE("pipe messages: a request is decoded as it was") {
  const auto request = small_request();
  CHECK(decode_request(encode(request)) == request);
  CHECK(decode_request(encode(bounded_request())) == bounded_request());
  CHECK(decode_request(encode(replica_request())) == replica_request());
  FetchRequest idle;
  idle.child = "pos-0";
  idle.session = 1;
  CHECK(decode_request(encode(idle)) == idle);
  CHECK(encode(idle).size() <= 128);  // bytes: what an idle child sends
}

TEST_CASE("pipe messages: an answer is decoded as it was, its batches in place") {
  const auto sent = small_answer();
  const auto body = Slice::own(encoded_answer(sent));
  const auto answer = decode_answer(body);
  REQUIRE(answer);
  CHECK(answer->parent == "l3-0");
  CHECK(answer->cluster == sent.cluster);
  CHECK(answer->session == 0xfeed);
  CHECK(answer->pace_ms == 20);
  CHECK(answer->topology_version == 12);
  CHECK(answer->age_ms == 5);
  REQUIRE(answer->partitions.size() == 2);
  const auto& prices = answer->partitions[0];
  CHECK(prices.log == kPrices);
  CHECK(prices.state == FetchState::kOk);
  CHECK(prices.cursor == Offset(42));
  CHECK(prices.high_watermark == Offset(44));
  CHECK(prices.log_start == Offset(1));
  CHECK(prices.age_ms == 3);
  REQUIRE(prices.batches.size() == 1);
  CHECK(text_of(prices.batches[0].bytes) == "firstsecond");
  CHECK(prices.batches[0].owner == body.owner);
  const auto& other = answer->partitions[1];
  CHECK(other.state == FetchState::kNotHere);
  CHECK(other.leader == "root-2");
  CHECK(other.leader_address == "http://root-2:7081");
  CHECK(other.epoch == Epoch(4));
  CHECK(other.batches.empty());
}

TEST_CASE(
    "pipe messages: what compaction did is carried both ways, and left out where it is none") {
  auto request = small_request();
  const auto bytes_without = encode(request).size();
  request.partitions.push_back(request.partitions.front());
  request.partitions.back().log = kOther;
  request.partitions.back().tombstone_horizon = Offset(7);
  const auto decoded = decode_request(encode(request));
  REQUIRE(decoded);
  CHECK(*decoded == request);
  CHECK(encode(small_request()).size() == bytes_without);

  auto answer = small_answer();
  answer.partitions[0].compacted_below = Offset(9);
  answer.partitions[0].tombstone_horizon = Offset(8);
  const auto read = decode_answer(Slice::own(encoded_answer(answer)));
  REQUIRE(read);
  CHECK(read->partitions[0].compacted_below == Offset(9));
  CHECK(read->partitions[0].tombstone_horizon == Offset(8));
}

TEST_CASE("pipe messages: no age is not an age of 0") {
  auto answer = small_answer();
  answer.age_ms.reset();
  CHECK_FALSE(decode_answer(Slice::own(encoded_answer(answer)))->age_ms.has_value());
  answer.age_ms = 0;
  CHECK(decode_answer(Slice::own(encoded_answer(answer)))->age_ms == 0);
}

TEST_CASE("pipe messages: every cut is refused") {
  const auto request = encode(bounded_request());
  for (std::size_t size = 0; size < request.size(); ++size) {
    CAPTURE(size);
    const auto decoded = decode_request(Bytes(request).first(size));
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code() == Errc::kInvalidRequest);
  }
  const auto answer = Slice::own(encoded_answer(small_answer()));
  for (std::size_t size = 0; size < answer.bytes.size(); ++size) {
    CAPTURE(size);
    const auto decoded = decode_answer(answer.sub(0, size));
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code() == Errc::kInvalidRequest);
  }
}

TEST_CASE("pipe messages: bytes after the end are refused") {
  auto request = encode(small_request());
  request.resize(request.size() + 8);
  CHECK_FALSE(decode_request(request));
  auto answer = encoded_answer(small_answer());
  answer.push_back(std::byte{0});
  CHECK_FALSE(decode_answer(Slice::own(std::move(answer))));
}

TEST_CASE("pipe messages: a flipped bit is refused or changes one value, and harms nobody") {
  const auto request = encode(small_request());
  for (std::size_t bit = 0; bit < request.size() * 8; ++bit) {
    auto bad = request;
    bad[bit / 8] ^= std::byte(1U << (bit % 8));
    if (const auto decoded = decode_request(bad); decoded)
      CHECK(decode_request(encode(*decoded)) == *decoded);
  }
  const auto answer = encoded_answer(small_answer());
  for (std::size_t bit = 0; bit < answer.size() * 8; ++bit) {
    auto bad = answer;
    bad[bit / 8] ^= std::byte(1U << (bit % 8));
    if (const auto decoded = decode_answer(Slice::own(std::move(bad))); decoded)
      CHECK(decode_answer(Slice::own(encoded_answer(*decoded))).has_value());
  }
}

TEST_CASE("pipe messages: impossible values are refused") {
  SUBCASE("child's id") {
    auto request = small_request();
    request.child = "../etc";
    CHECK_FALSE(decode_request(encode(request)));
  }
  SUBCASE("cursor") {
    auto request = small_request();
    request.partitions[0].cursor = Offset(-1);
    CHECK_FALSE(decode_request(encode(request)));
  }
  SUBCASE("compacted_below") {
    auto request = small_request();
    request.partitions[0].compacted_below = Offset(-1);
    CHECK_FALSE(decode_request(encode(request)));
  }
  SUBCASE("tombstone horizon") {
    auto request = small_request();
    request.partitions[0].tombstone_horizon = Offset(-1);
    CHECK_FALSE(decode_request(encode(request)));
  }
  SUBCASE("bounds of the parent's log") {
    auto answer = small_answer();
    answer.partitions[0].compacted_below = Offset(-1);
    CHECK_FALSE(decode_answer(Slice::own(encoded_answer(answer))));
    answer.partitions[0].compacted_below = Offset(0);
    answer.partitions[0].tombstone_horizon = Offset(-1);
    CHECK_FALSE(decode_answer(Slice::own(encoded_answer(answer))));
  }
  SUBCASE("epoch") {
    auto request = small_request();
    request.partitions[0].last_epoch = Epoch(-2);
    CHECK_FALSE(decode_request(encode(request)));
  }
  SUBCASE("partition") {
    auto request = small_request();
    request.forgotten[0].partition = PartitionId(-1);
    CHECK_FALSE(decode_request(encode(request)));
  }
  SUBCASE("parent's id") {
    auto answer = small_answer();
    answer.parent.clear();
    CHECK_FALSE(decode_answer(Slice::own(encoded_answer(answer))));
  }
  SUBCASE("leader's id") {
    auto answer = small_answer();
    answer.partitions[1].leader = "a b";
    CHECK_FALSE(decode_answer(Slice::own(encoded_answer(answer))));
  }
  SUBCASE("leader's address") {
    auto answer = small_answer();
    answer.partitions[1].leader_address.assign(10'000, 'x');
    CHECK_FALSE(decode_answer(Slice::own(encoded_answer(answer))));
  }
  SUBCASE("offsets of an answer") {
    auto answer = small_answer();
    answer.partitions[0].high_watermark = Offset(-1);
    CHECK_FALSE(decode_answer(Slice::own(encoded_answer(answer))));
  }
  SUBCASE("state") {
    auto answer = small_answer();
    answer.partitions[1].state = FetchState(6);
    CHECK_FALSE(decode_answer(Slice::own(encoded_answer(answer))));
  }
  SUBCASE("batches with a state that has none") {
    auto answer = small_answer();
    answer.partitions[0].state = FetchState::kBehind;
    CHECK_FALSE(decode_answer(Slice::own(encoded_answer(answer))));
  }
  SUBCASE("a request where an answer belongs, and the other way round") {
    CHECK_FALSE(decode_answer(Slice::own(encode(small_request()))));
    CHECK_FALSE(decode_request(encoded_answer(small_answer())));
  }
}

TEST_CASE("pipe messages: more tables than the limit are refused") {
  FetchAnswer answer = small_answer();
  answer.partitions.assign(10'000, answer.partitions[1]);
  CHECK_FALSE(decode_answer(Slice::own(encoded_answer(answer))));
}

TEST_CASE("pipe messages: a child with 20,000 partitions fits one request") {
  auto request = small_request();
  request.partitions.assign(20'000, request.partitions[0]);
  CHECK(decode_request(encode(request)) == request);
}

TEST_CASE("pipe messages: bytes at any address are decoded") {
  const auto request = encode(small_request());
  const auto answer = encoded_answer(small_answer());
  for (std::size_t shift = 1; shift < 8; ++shift) {
    Buffer moved(shift);
    append(request, moved);
    CHECK(decode_request(Bytes(moved).subspan(shift)) == small_request());
    Buffer other(shift);
    append(answer, other);
    CHECK(decode_answer(Slice::own(other).sub(shift, answer.size())).has_value());
  }
}

template <class Number>
Number number_at(const Buffer& bytes, std::size_t at) {
  Number number{};
  std::memcpy(&number, bytes.data() + at, sizeof(number));
  return number;
}

TEST_CASE("pipe messages: positions that lie misaligned are refused") {
  auto request = small_request();
  // Four bytes further, the first word of this id is read as the vector's length.
  request.partitions[0].log.incarnation.topic = Uuid::from_words(1, 2);
  request.partitions.push_back(request.partitions[0]);
  auto bytes = encode(request);
  constexpr std::size_t kPositions = 6;  // their place in the table
  const auto table = sizeof(std::uint32_t) + number_at<std::uint32_t>(bytes, sizeof(std::uint32_t));
  const auto vtable = table - static_cast<std::size_t>(number_at<std::int32_t>(bytes, table));
  const auto field = table + number_at<std::uint16_t>(bytes, vtable + 4 + 2 * kPositions);
  const auto moved = number_at<std::uint32_t>(bytes, field) + 4;
  std::memcpy(bytes.data() + field, &moved, sizeof(moved));
  const auto decoded = decode_request(bytes);
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().what() == "fetch request: misaligned positions");
}

TEST_CASE("pipe messages: the bytes on the wire never change") {
  CHECK(hex(encode(small_request())) ==
        "b4000000200000005850513100000000140030002c001c000000140010000c000800040014000000"
        "2c000000480000000600000007000000edfe000000000000aa00000000000000bb00000000000000"
        "5c000000010000000900000000000000090000000000000000000000000000000000000001000000"
        "0807060504030201181716151413121102000000030000002a000000000000001100000000000000"
        "05000000efbeadde0000000005000000706f732d30000000");
  CHECK(hex(encode(bounded_request())) ==
        "0401000024000000585051311c0034003000200000001800140010000c0008000000000000000400"
        "1c0000003000000044000000600000000600000007000000edfe000000000000aa00000000000000"
        "bb00000000000000a400000002000000ffffffffffffffff09000000000000000000000001000000"
        "09000000000000000900000000000000000000000000000000000000020000000807060504030201"
        "181716151413121102000000030000002a00000000000000110000000000000005000000efbeadde"
        "09000000000000000900000000000000000000000000000007000000000000000000000000000000"
        "ffffffff000000000000000005000000706f732d30000000");
  CHECK(hex(encoded_answer(small_answer())) ==
        "340100001c000000585041310000120040003c00280020001c00100008000400120000003c000000"
        "05000000000000000c000000000000000000000014000000edfe000000000000aa00000000000000"
        "bb000000000000000000000010000000020000009400000024000000040000006c332d3000001600"
        "2c001400130000000000000000000c000800040016000000280000003c0000000400000000000005"
        "09000000000000000900000000000000000000000000000012000000687474703a2f2f726f6f742d"
        "323a37303831000006000000726f6f742d32000000001a0040002800000020001800100000000000"
        "00000000080004001a0000000b000000030000000000000001000000000000002c00000000000000"
        "2a000000000000000807060504030201181716151413121102000000030000006669727374736563"
        "6f6e64");
}

}  // namespace
}  // namespace xylem::pipe
