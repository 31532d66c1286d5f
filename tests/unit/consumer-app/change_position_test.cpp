#include "consumer-app/change_position.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem::consumer_app {
namespace {

Position sample() {
  return {
      {"prices",
       {.tag = 0x0a1b2c3d, .next = {{PartitionId(0), Offset(15)}, {PartitionId(12), Offset(0)}}}},
      {"rules.x", {}},
      {"zero", {.tag = 0, .next = {}}}};
}

constexpr std::string_view kSample = "prices~0a1b2c3d~0.15,12.0;rules.x~-;zero~00000000~";

TEST_CASE("position: what is written is read") {
  CHECK(position_text(sample()) == kSample);
  const auto parsed = parse_position(kSample);
  REQUIRE(parsed);
  CHECK(*parsed == sample());
  CHECK(parse_position("")->empty());
  CHECK(position_text({}).empty());
}

TEST_CASE("position: an event's is the text around its partition's number") {
  const auto frame = frame_of(sample(), "prices", PartitionId(0));
  CHECK(frame.at(Offset(15)) == kSample);
  CHECK(frame.at(Offset(1'000)) == "prices~0a1b2c3d~0.1000,12.0;rules.x~-;zero~00000000~");
  CHECK(frame_of(sample(), "prices", PartitionId(12)).at(Offset(7)) ==
        "prices~0a1b2c3d~0.15,12.7;rules.x~-;zero~00000000~");
  CHECK(PositionFrame{"as it is", "", true}.at(Offset(7)) == "as it is");
}

TEST_CASE("position: what is none is refused, and no cut or flipped bit does harm") {
  for (const auto* bad :
       {"prices", "prices~", "prices~1~0.1", "prices~0a1b2c3g~0.1", "prices~0a1b2c3d0~0.1",
        "~0a1b2c3d~0.1", "a/b~0a1b2c3d~0.1", "prices~0a1b2c3d~0", "prices~0a1b2c3d~0.",
        "prices~0a1b2c3d~.1", "prices~0a1b2c3d~-1.1", "prices~0a1b2c3d~0.-1",
        "prices~0a1b2c3d~0.1x", "prices~0a1b2c3d~0.99999999999999999999", "p~-;p~-", ";"}) {
    const auto parsed = parse_position(bad);
    REQUIRE_FALSE_MESSAGE(parsed, bad);
    CHECK(parsed.error().code() == Errc::kInvalidRequest);
  }
  CHECK_FALSE(parse_position(std::string(kPositionBytesParsed + 1, 'a')));
  for (std::size_t bytes = 0; bytes < kSample.size(); ++bytes)
    (void)parse_position(kSample.substr(0, bytes)).has_value();
  for (std::size_t bit = 0; bit < kSample.size() * 8; ++bit) {
    std::string text(kSample);
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
    const auto parsed = parse_position(text);
    if (parsed) CHECK(*parsed != sample());
  }
}

}  // namespace
}  // namespace xylem::consumer_app
