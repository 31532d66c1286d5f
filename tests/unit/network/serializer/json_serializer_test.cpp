#include "network/serializer/serializer.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace xylem::network {
namespace {

const auto kJson = make_json_serializer();

Result<Value> decoded(std::string_view text) { return kJson->decode(bytes_of(text)); }

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

TEST_CASE("value: what it is, and what it is not") {
  const Value value(Value::Map{{"sku", "4711"}, {"count", 3U}, {"off", false}, {"none", {}}});
  CHECK(*value.get<std::string>("sku") == "4711");
  CHECK(*value.get<std::int64_t>("count") == 3);
  CHECK(*value.get<bool>("off") == false);
  CHECK(value.find("none")->is_null());
  CHECK(value.get<double>("count") == nullptr);
  CHECK(value.find("other") == nullptr);
  CHECK(Value("text").find("sku") == nullptr);
  CHECK(Value(1) != Value(1.0));
  CHECK(Value(Buffer{std::byte{1}}).kind() == "bytes");
}

TEST_CASE("bytes: any go through, anything else is refused") {
  const auto serializer = make_bytes_serializer();
  const Buffer bytes = {std::byte{0}, std::byte{255}};
  CHECK(*serializer->decode(bytes) == Value(bytes));
  CHECK(bytes_of(*serializer->encode(bytes)).size() == 2);
  CHECK(*serializer->encode("t\xC3\xBC") == "t\xC3\xBC");
  CHECK(serializer->encode(17).error().code() == Errc::kInvalidRequest);
  CHECK(serializer->encode({}).error().code() == Errc::kInvalidRequest);
  CHECK(serializer->encode(Buffer(kValueBytesMax)));
  CHECK(serializer->encode(Buffer(kValueBytesMax + 1)).error().code() == Errc::kMessageTooLarge);
  CHECK(serializer->decode(Buffer(kValueBytesMax + 1)).error().code() == Errc::kMessageTooLarge);
}

TEST_CASE("json: written in one way, and read back as what it was") {
  const Value value(Value::Map{{"z", Value::List{1, -2.5, true, {}, "\"\n"}},
                               {"a", Value::Map{}},
                               {"whole", 3.0},
                               {"least", std::numeric_limits<std::int64_t>::min()},
                               {"most", std::numeric_limits<std::int64_t>::max()},
                               {"large", 1e300}});
  const auto text = kJson->encode(value);
  REQUIRE(text);
  CHECK(*text ==
        R"({"a":{},"large":1e+300,"least":-9223372036854775808,"most":9223372036854775807,)"
        R"("whole":3.0,"z":[1,-2.5,true,null,"\"\n"]})");
  CHECK(*decoded(*text) == value);
}

TEST_CASE("json: reads what others write") {
  CHECK(*decoded(" [ 1 , 2e0 , \"\\u00fc\" ] ") == Value(Value::List{1, 2.0, "\xC3\xBC"}));
  CHECK(*decoded("null") == Value());
  CHECK(*decoded(R"({"a":[1],"a":2})") == Value(Value::Map{{"a", 2}}));
  CHECK(*decoded(R"({"a":1,"a":[2]})") == Value(Value::Map{{"a", Value::List{2}}}));
}

TEST_CASE("json: what is none says where") {
  for (const std::string_view bad :
       {"", " ", "nul", "[1,]", "{\"a\"}", "{\"a\":1", "1 2", "\"\xFF\"", "01", "+1", "NaN",
        "1e999", "'a'", "\"\n\"", "[1}", "9223372036854775808", "-9223372036854775809",
        "99999999999999999999999"}) {
    CAPTURE(bad);
    const auto value = decoded(bad);
    REQUIRE_FALSE(value);
    CHECK(value.error().code() == Errc::kCorrupt);
    CHECK(value.error().what().starts_with("not JSON"));
  }
  CHECK(decoded("{\"a\":x}").error().what().find("at byte 6") != std::string::npos);
}

TEST_CASE("json: every cut of a text is refused") {
  const std::string text = R"({"a":[1.5,true,null,"x\u00fc"],"b":{"c":-17}})";
  REQUIRE(decoded(text));
  for (std::size_t bytes = 0; bytes < text.size(); ++bytes)
    CHECK_FALSE(decoded(text.substr(0, bytes)));
}

TEST_CASE("json: depth, number of values and bytes are limited, both ways") {
  CHECK(decoded(nested(kValueDepthMax)));
  CHECK(decoded(nested(kValueDepthMax + 1)).error().code() == Errc::kMessageTooLarge);
  CHECK(decoded(nested(1'000'000)).error().code() == Errc::kMessageTooLarge);
  auto deep = *decoded(nested(kValueDepthMax));
  CHECK(kJson->encode(deep));
  CHECK(kJson->encode(Value::List{deep}).error().code() == Errc::kMessageTooLarge);

  const auto list = [](std::size_t count) {
    std::string text = "[0";
    for (std::size_t i = 1; i < count; ++i) text += ",0";
    return text + "]";
  };
  CHECK(decoded(list(kValueCountMax - 1)));
  CHECK(decoded(list(kValueCountMax)).error().code() == Errc::kMessageTooLarge);
  CHECK(kJson->encode(Value::List(kValueCountMax)).error().code() == Errc::kMessageTooLarge);

  const std::string large(kValueBytesMax, 'x');
  CHECK(decoded(large).error().code() == Errc::kCorrupt);
  CHECK(decoded(large + "x").error().code() == Errc::kMessageTooLarge);
  CHECK(kJson->encode(large).error().code() == Errc::kMessageTooLarge);
}

TEST_CASE("json: what has no form is refused by its place") {
  const auto why = [](const Value& value) {
    const auto text = kJson->encode(Value::Map{{"a", Value::List{1, value}}});
    REQUIRE_FALSE(text);
    CHECK(text.error().code() == Errc::kInvalidRequest);
    CHECK(text.error().what().starts_with("a: item 1: "));
  };
  why(Buffer{});
  why("\xFF");
  why(std::numeric_limits<double>::infinity());
  why(std::numeric_limits<double>::quiet_NaN());
  why(Value::Map{{"\xFF", 1}});
}

}  // namespace
}  // namespace xylem::network
