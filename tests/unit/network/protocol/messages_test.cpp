#include "network/protocol/messages.h"

#include "tests/unit/network/protocol/message_samples.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>

namespace xylem::network {
namespace {

using testing::kHeader;
using testing::kIncarnation;
using testing::samples;

TEST_CASE("messages: what was encoded is decoded, field by field") {
  for (const auto& one : samples()) {
    CAPTURE(one.name);
    const auto again = one.again(one.bytes);
    REQUIRE(again);
    CHECK(*again == one.bytes);
  }
  const auto subscribe = decode<Subscribe>(testing::subscription_samples()[0].bytes).value();
  CHECK(subscribe.member == "till-7");
  CHECK(subscribe.every->reset == StartAt::kLatest);
  CHECK(subscribe.partitions.at(0).incarnation == kIncarnation);
  CHECK_FALSE(subscribe.auto_commit);
  const auto answer = decode<MetadataAnswer>(testing::session_samples()[3].bytes).value();
  CHECK(answer.topics.at(0).partitions.at(0).leader_address == "root-0:9092");
  CHECK(answer.topics.at(0).partitions.at(1).epoch == kNoEpoch);
  CHECK(answer.unknown == std::vector<std::string>{"gone"});
}

TEST_CASE("messages: every cut is an error or another whole message, never a crash") {
  for (const auto& one : samples()) {
    CAPTURE(one.name);
    for (std::size_t size = 0; size < one.bytes.size(); ++size) {
      const Buffer cut(one.bytes.begin(), one.bytes.begin() + static_cast<std::ptrdiff_t>(size));
      const auto again = one.again(cut);
      if (!again) CHECK(again.error().code() == Errc::kInvalidRequest);
    }
    CHECK_FALSE(one.again(Bytes(one.bytes).first(one.bytes.size() / 2)));
  }
}

TEST_CASE("messages: every flipped bit is an error or another whole message, never a crash") {
  for (const auto& one : samples()) {
    CAPTURE(one.name);
    for (std::size_t bit = 0; bit < one.bytes.size() * 8; ++bit) {
      Buffer bad = one.bytes;
      bad[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      const auto again = one.again(bad);
      if (!again) CHECK(again.error().code() == Errc::kInvalidRequest);
    }
  }
}

TEST_CASE("messages: a payload that is not aligned is read all the same") {
  for (const auto& one : samples()) {
    CAPTURE(one.name);
    Buffer moved(1);
    append(one.bytes, moved);
    const auto again = one.again(Bytes(moved).subspan(1));
    REQUIRE(again);
    CHECK(*again == one.bytes);
  }
}

TEST_CASE("messages: an empty barrier is read wherever the texts before it put it") {
  for (std::size_t bytes = 0; bytes < 64; ++bytes) {
    CAPTURE(bytes);
    const Refresh refresh{.topic = "prices",
                          .refresh_id = 3,
                          .incarnation = kIncarnation,
                          .reason = std::string(bytes % 8, 'r'),
                          .barrier = {}};
    auto longer = refresh;
    longer.topic += std::string(bytes / 8, 't');
    const auto again = decode<Refresh>(encode(longer));
    REQUIRE(again);
    CHECK(again->barrier.empty());
  }
}

TEST_CASE("messages: data is its header and, uncopied, what follows") {
  Buffer payload = encode_data_header(kHeader);
  append(bytes_of("raw batches"), payload);
  const Slice slice = Slice::own(std::move(payload));
  const auto data = decode_data(slice);
  REQUIRE(data);
  CHECK(data->header.topic == "prices");
  CHECK(data->header.acks == 1);
  CHECK(data->header.first_offset == Offset(1'000));
  CHECK(text_of(data->batches.bytes) == "raw batches");
  CHECK(data->batches.bytes.data() + data->batches.bytes.size() ==
        slice.bytes.data() + slice.bytes.size());
}

TEST_CASE("messages: a header longer than its frame is refused") {
  Buffer payload = encode_data_header(kHeader);
  payload[3] = std::byte{0x7F};
  CHECK_FALSE(decode_data(Slice::own(payload)));
  CHECK_FALSE(decode_data(Slice::own(Buffer(3))));
}

// 1,000 references to one string of 60 kB: 64 kB on the wire, 60 MB when copied out.
TEST_CASE("messages: a string shared over and over is refused before it is copied") {
  MetadataRequest request;
  request.topics.assign(1'000, "x");
  request.topics.emplace_back(60'000, 'y');
  Buffer bytes = encode(request);
  const auto whole = decode<MetadataRequest>(bytes);
  REQUIRE(whole);
  // The vector lies right behind the root's table; find its elements by their count.
  const auto word = [&](std::size_t at) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
  };
  std::size_t count_at = 0;
  while (word(count_at) != request.topics.size()) count_at += 4;
  const std::size_t last_at = count_at + 4 * request.topics.size();
  const auto target = static_cast<std::uint32_t>(last_at + word(last_at));
  for (std::size_t at = count_at + 4; at < last_at; at += 4) {
    const auto offset = static_cast<std::uint32_t>(target - at);
    std::memcpy(bytes.data() + at, &offset, sizeof offset);
  }
  const auto shared = decode<MetadataRequest>(bytes);
  REQUIRE_FALSE(shared);
  CHECK(shared.error().what() == "parts shared too often");
}

TEST_CASE("messages: more tables than the limit are refused") {
  Subscribe subscribe;
  subscribe.partitions.resize(9'000);
  CHECK(decode<Subscribe>(encode(subscribe)));
  subscribe.partitions.resize(10'001);
  CHECK_FALSE(decode<Subscribe>(encode(subscribe)));
}

TEST_CASE("messages: values no program of ours writes are refused") {
  CHECK_FALSE(decode<Fetch>(encode(Fetch{.partition = PartitionId(-1)})));
  Subscribe subscribe;
  subscribe.every = SubscribePartition{.start = static_cast<StartAt>(4)};
  CHECK_FALSE(decode<Subscribe>(encode(subscribe)));
}

TEST_CASE("messages: a gap of no records is refused") {
  Gap gap{.topic = "t", .partition = PartitionId(0), .incarnation = {}, .from = Offset(7)};
  for (const auto to : {7, 6, -1}) {
    gap.to = Offset(to);
    CHECK_FALSE(decode<Gap>(encode(gap)));
  }
  gap.to = Offset(8);
  CHECK(decode<Gap>(encode(gap)) == gap);
  gap.from = Offset(-1);
  CHECK_FALSE(decode<Gap>(encode(gap)));
}

TEST_CASE("messages: errors keep their number, also one of a newer peer") {
  const Error error(Errc::kNotLeader, "not here", "root-0:9092");
  const auto back = to_error(to_message(error));
  CHECK(back.code() == error.code());
  CHECK(back.what() == error.what());
  CHECK(back.hint() == error.hint());
  const auto unknown = to_error({.code = 999, .text = "new", .hint = ""});
  CHECK(unknown.code() == Errc::kIo);
  CHECK(unknown.what() == "new (code 999)");
}

}  // namespace
}  // namespace xylem::network
