#include "broker/groups/offset_record.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem::broker {
namespace {

const GroupPartition kWhere{"tills", "prices", PartitionId(12)};
const CommittedOffset kOffset{Offset(0x0102030405),
                              {Uuid::from_words(0x1112131415161718, 0x191A1B1C1D1E1F20), 3}};

const GroupPartition kOwn{"tills", "prices", PartitionId(12), "till-7"};

const std::string kKeyText = "tills\nprices\n12";
const std::string kValueText(
    "\x00\x00\x00\x01\x02\x03\x04\x05"
    "\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1A\x1B\x1C\x1D\x1E\x1F\x20"
    "\x00\x00\x00\x03",
    28);

// A failure here loses every group's place.
TEST_CASE("offset record: its bytes never change") {
  CHECK(encode_key(kWhere) == kKeyText);
  CHECK(text_of(encode_value(kOffset)) == kValueText);
  CHECK(decode_key(kKeyText) == kWhere);
  CHECK(encode_key(kOwn) == kKeyText + "\ntill-7");
  CHECK(decode_key(kKeyText + "\ntill-7") == kOwn);
  CHECK(decode_value(bytes_of(kValueText)) == kOffset);
}

TEST_CASE("offset record: every cut and every longer one is refused") {
  for (std::size_t size = 0; size < kValueText.size(); ++size)
    CHECK_FALSE(decode_value(bytes_of(kValueText).first(size)));
  CHECK_FALSE(decode_value(bytes_of(kValueText + "x")));
  for (std::size_t size = 0; size < kKeyText.size(); ++size) {
    const auto cut = decode_key(kKeyText.substr(0, size));
    CHECK((!cut || encode_key(*cut) == kKeyText.substr(0, size)));
  }
}

TEST_CASE("offset record: what no commit has made is refused") {
  for (const auto* key :
       {"", "g", "g\nt", "g\nt\n", "\nt\n1", "g\n\n1", "g\nt\n-1", "g\nt\n01", "g\nt\n1x",
        "g\nt\nu\n1", "g\nt\n99999999999", "g\nt\n1\n", "g\nt\n1\ni\n", "g\nt\n1\ni\nj"}) {
    CAPTURE(key);
    CHECK_FALSE(decode_key(key));
  }
  CHECK_FALSE(decode_key(std::string(kGroupNameMax + 1, 'g') + "\nt\n1"));
  CHECK_FALSE(decode_key("g\nt\n1\n" + std::string(kInstanceNameMax + 1, 'i')));
  auto negative = kValueText;
  negative[0] = '\x80';
  CHECK_FALSE(decode_value(bytes_of(negative)));
}

TEST_CASE("offset record: commits go forward; names of instances are on one line") {
  CHECK(check_forward(kOffset, kOffset));
  CHECK(check_forward(kOffset, {Offset(0), {kOffset.incarnation.topic, 4}}));
  CHECK_FALSE(check_forward(kOffset, {Offset(1), kOffset.incarnation}));
  CHECK(check_instance(""));
  CHECK(check_instance("till-7"));
  for (const auto& bad : {std::string("a\nb"), std::string(201, 'i'), std::string("\xff")})
    CHECK(check_instance(bad).error().code() == Errc::kInvalidRequest);
}

}  // namespace
}  // namespace xylem::broker
