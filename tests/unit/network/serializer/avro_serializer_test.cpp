#include "network/serializer/serializer.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem::network {
namespace {

constexpr std::string_view kList =
    R"({"type":"record","name":"Item","fields":[
         {"name":"value","type":"int"},{"name":"next","type":["null","Item"]}]})";

std::unique_ptr<Serializer> avro(std::string_view schema) {
  auto made = make_avro_serializer(schema);
  REQUIRE(made);
  return std::move(*made);
}

std::string text(std::initializer_list<int> bytes) {
  std::string made;
  for (const int byte : bytes) made.push_back(static_cast<char>(byte));
  return made;
}

// The bytes are what the specification says, and the value comes back.
void check_both_ways(std::string_view schema, const Value& value, const std::string& bytes) {
  CAPTURE(schema);
  const auto serializer = avro(schema);
  const auto encoded = serializer->encode(value);
  REQUIRE(encoded);
  CHECK(*encoded == bytes);
  const auto decoded = serializer->decode(bytes_of(bytes));
  REQUIRE(decoded);
  CHECK(*decoded == value);
}

void check_bad(std::string_view schema, const std::string& bytes, Errc code = Errc::kCorrupt) {
  CAPTURE(schema);
  const auto decoded = avro(schema)->decode(bytes_of(bytes));
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().code() == code);
}

void check_misfit(std::string_view schema, const Value& value, std::string_view says) {
  CAPTURE(schema);
  const auto encoded = avro(schema)->encode(value);
  REQUIRE_FALSE(encoded);
  CHECK(encoded.error().code() == Errc::kSchemaValidationFailed);
  CHECK(encoded.error().what() == says);
}

TEST_CASE("avro: the bytes of the specification's examples") {
  check_both_ways(R"({"type":"record","name":"test","fields":[
                       {"name":"a","type":"long"},{"name":"b","type":"string"}]})",
                  Value::Map{{"a", 27}, {"b", "foo"}}, text({0x36, 0x06, 0x66, 0x6f, 0x6f}));
  check_both_ways(R"({"type":"array","items":"long"})", Value::List{3, 27},
                  text({0x04, 0x06, 0x36, 0x00}));
  check_both_ways(R"(["null","string"])", "a", text({0x02, 0x02, 0x61}));
  check_both_ways(R"(["null","string"])", {}, text({0x00}));
  check_both_ways(R"({"type":"enum","name":"Foo","symbols":["A","B","C","D"]})", "D", text({0x06}));
  for (const auto& [number, byte] :
       std::vector<std::pair<int, int>>{{0, 0}, {-1, 1}, {1, 2}, {-2, 3}, {2, 4}, {-64, 0x7f}})
    check_both_ways("\"long\"", number, text({byte}));
  check_both_ways("\"long\"", 64, text({0x80, 0x01}));
}

TEST_CASE("avro: every type") {
  check_both_ways("\"null\"", {}, "");
  check_both_ways("\"boolean\"", true, text({1}));
  check_both_ways("\"boolean\"", false, text({0}));
  check_both_ways("\"int\"", std::numeric_limits<std::int32_t>::min(),
                  text({0xff, 0xff, 0xff, 0xff, 0x0f}));
  check_both_ways("\"long\"", std::numeric_limits<std::int64_t>::min(),
                  text({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}));
  check_both_ways("\"float\"", 1.5, text({0, 0, 0xc0, 0x3f}));
  check_both_ways("\"double\"", -2.0, text({0, 0, 0, 0, 0, 0, 0, 0xc0}));
  check_both_ways("\"bytes\"", Buffer{std::byte{0}, std::byte{9}}, text({4, 0, 9}));
  check_both_ways("\"string\"", std::string("a\0b", 3), text({6, 'a', 0, 'b'}));
  check_both_ways(R"({"type":"fixed","name":"F","size":2})", Buffer{std::byte{7}, std::byte{8}},
                  text({7, 8}));
  check_both_ways(R"({"type":"map","values":"boolean"})", Value::Map{{"x", true}, {"y", false}},
                  text({4, 2, 'x', 1, 2, 'y', 0, 0}));
  check_both_ways(R"({"type":"map","values":"int"})", Value::Map{}, text({0}));
  check_both_ways(R"({"type":"array","items":"int"})", Value::List{}, text({0}));
  check_both_ways(kList, Value::Map{{"value", 1}, {"next", Value::Map{{"value", 2}, {"next", {}}}}},
                  text({2, 2, 4, 0}));
}

TEST_CASE("avro: blocks that say their bytes, and several blocks") {
  const auto serializer = avro(R"({"type":"array","items":"long"})");
  const auto bytes = text({0x03, 0x04, 0x06, 0x36, 0x02, 0x02, 0x00});
  CHECK(*serializer->decode(bytes_of(bytes)) == Value(Value::List{3, 27, 1}));
}

TEST_CASE("avro: a union takes the branch that is just the value, else one that holds it") {
  constexpr std::string_view kNumbers = R"(["double","long","string"])";
  CHECK(*avro(kNumbers)->encode(1) == text({2, 2}));
  CHECK((*avro(kNumbers)->encode(0.0))[0] == 0);
  CHECK(*avro(R"(["null","double"])")->encode(0) == text({2, 0, 0, 0, 0, 0, 0, 0, 0}));
  CHECK(*avro(R"(["float","double"])")->encode(0.5) == text({2, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f}));
  constexpr std::string_view kRecords =
      R"([{"type":"record","name":"A","fields":[{"name":"a","type":"int"}]},
          {"type":"record","name":"B","fields":[{"name":"b","type":"int"}]}])";
  CHECK(*avro(kRecords)->encode(Value::Map{{"b", 1}}) == text({2, 2}));
  check_misfit(kRecords, Value::Map{{"c", 1}}, "a map fits no branch of the union");
}

TEST_CASE("avro: a value that does not fit the schema is refused by its place") {
  constexpr std::string_view kPrice =
      R"({"type":"record","name":"Price","fields":[{"name":"sku","type":"string"},
          {"name":"prices","type":{"type":"array","items":"double"}}]})";
  check_misfit(kPrice, Value::Map{{"sku", 1}, {"prices", Value::List{}}},
               "sku: an integer does not fit the schema's string");
  check_misfit(kPrice, Value::Map{{"sku", ""}, {"prices", Value::List{1, "2"}}},
               "prices: item 1: a text does not fit the schema's double");
  check_misfit(kPrice, Value::Map{{"sku", ""}}, "Price needs the field \"prices\"");
  check_misfit(kPrice, Value::Map{{"sku", ""}, {"prices", {}}, {"x", {}}},
               "Price has no field \"x\"");
  check_misfit(kPrice, "4711", "a text does not fit the schema's Price");
  check_misfit("\"int\"", 1LL << 31, "an integer does not fit the schema's int");
  check_misfit("\"double\"", (1LL << 53) + 1, "an integer does not fit the schema's double");
  check_misfit("\"float\"", (1LL << 24) + 1, "an integer does not fit the schema's float");
  check_misfit("\"float\"", 1e300, "a number with a fraction does not fit the schema's float");
  check_misfit("\"string\"", "\xFF", "a text does not fit the schema's string");
  check_misfit(R"({"type":"enum","name":"E","symbols":["A"]})", "B",
               "a text does not fit the schema's E");
  check_misfit(R"({"type":"enum","name":"E","symbols":["A"]})", std::string("A\0", 2),
               "a text does not fit the schema's E");
  check_misfit(R"({"type":"fixed","name":"F","size":2})", Buffer(3),
               "bytes does not fit the schema's F");
  check_misfit(R"({"type":"map","values":"int"})", Value::Map{{"\xFF", 1}},
               "a name in a map is not UTF-8");
}

TEST_CASE("avro: bytes that are not of the schema are refused") {
  check_bad("\"boolean\"", text({2}));
  check_bad("\"boolean\"", "");
  check_bad("\"int\"", text({0xff, 0xff, 0xff, 0xff, 0x1f}));
  check_bad("\"long\"", std::string(11, '\xff'));
  check_bad("\"double\"", std::string(7, '\0'));
  check_bad("\"string\"", text({2, 0xff}));
  check_bad("\"string\"", text({1}));  // of -1 bytes
  check_bad("\"null\"", text({0}));
  check_bad(R"({"type":"fixed","name":"F","size":2})", text({1}));
  check_bad(R"({"type":"enum","name":"E","symbols":["A"]})", text({2}));
  check_bad(R"({"type":"enum","name":"E","symbols":["A"]})", text({1}));
  check_bad(R"(["null","int"])", text({4}));
  check_bad(R"(["null","int"])", text({1}));
  check_bad(R"({"type":"array","items":"int"})", text({3, 2, 2, 2, 0}));  // 1 byte said, 2 there
  check_bad(R"({"type":"array","items":"int"})",
            text({0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}));
}

TEST_CASE("avro: a length or a count that lies costs nothing") {
  const auto large =
      text({0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01});  // 2^63 - 1
  check_bad("\"bytes\"", large);
  check_bad("\"string\"", large + "x");
  check_bad(R"({"type":"array","items":"long"})", large + "xx");
  check_bad(R"({"type":"map","values":"long"})", large + "xx");
  check_bad(R"({"type":"array","items":"null"})", large, Errc::kMessageTooLarge);
  check_bad(R"({"type":"array","items":{"type":"array","items":"null"}})",
            text({0x04}) + large + large, Errc::kMessageTooLarge);
}

TEST_CASE("avro: recursion ends at the limit, both ways") {
  const auto serializer = avro(kList);
  const auto list_of = [](std::size_t items) {
    Value list;
    for (; items > 0; --items) list = Value::Map{{"value", 1}, {"next", std::move(list)}};
    return list;
  };
  const auto bytes_of_list = [](std::size_t items) {
    std::string bytes;
    for (; items > 1; --items) bytes += text({2, 2});
    return bytes + text({2, 0});
  };
  constexpr std::size_t kItemsMax = (kValueDepthMax - 1) / 2;  // each a record and a union
  check_both_ways(kList, list_of(kItemsMax), bytes_of_list(kItemsMax));
  for (const std::size_t items : {kItemsMax + 1, std::size_t{100'000}})
    check_bad(kList, bytes_of_list(items), Errc::kMessageTooLarge);
  const auto encoded = serializer->encode(list_of(kItemsMax + 1));
  REQUIRE_FALSE(encoded);
  CHECK(encoded.error().code() == Errc::kMessageTooLarge);
  // A record that holds itself has no end, and so no bytes.
  constexpr std::string_view kEndless =
      R"({"type":"record","name":"R","fields":[{"name":"r","type":"R"}]})";
  check_bad(kEndless, "", Errc::kMessageTooLarge);
}

TEST_CASE("avro: a value that is too large is refused, both ways") {
  const auto serializer = avro("\"bytes\"");
  CHECK(serializer->encode(Buffer(kValueBytesMax - 5)));
  CHECK(serializer->encode(Buffer(kValueBytesMax)).error().code() == Errc::kMessageTooLarge);
  CHECK(serializer->decode(Buffer(kValueBytesMax + 1)).error().code() == Errc::kMessageTooLarge);
  const auto nulls = avro(R"({"type":"array","items":"null"})");
  const auto most = nulls->encode(Value::List(kEmptyItemsMax));
  REQUIRE(most);
  CHECK(*nulls->decode(bytes_of(*most)) == Value(Value::List(kEmptyItemsMax)));
  CHECK(nulls->encode(Value::List(kEmptyItemsMax + 1)).error().code() == Errc::kMessageTooLarge);
  const auto flags = avro(R"({"type":"array","items":"boolean"})");
  CHECK(flags->encode(Value::List(kValueCountMax - 1, true)));
  CHECK(flags->encode(Value::List(kValueCountMax, true)).error().code() == Errc::kMessageTooLarge);
  const auto counted = text({0xc2, 0xc2, 0x1e}) + std::string(250'017, '\1') + text({0});
  CHECK(flags->decode(bytes_of(counted)).error().code() == Errc::kMessageTooLarge);
}

TEST_CASE("avro: a schema that is none is refused") {
  for (const std::string_view bad :
       {"", "{}", "\"nothing\"", "[\"null\"", R"({"type":"record","name":"R"})",
        R"({"type":"array"})", R"({"type":"record","name":"R","fields":[{"name":"a"}]})"}) {
    CAPTURE(bad);
    const auto made = make_avro_serializer(bad);
    REQUIRE_FALSE(made);
    CHECK(made.error().code() == Errc::kInvalidRequest);
    CHECK(made.error().what().starts_with("not an Avro schema: "));
  }
  const auto made = make_avro_serializer(std::string(kSchemaBytesMax + 1, ' '));
  REQUIRE_FALSE(made);
  CHECK(made.error().what().starts_with("an Avro schema of "));
}

}  // namespace
}  // namespace xylem::network
