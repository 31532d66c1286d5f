#include "common/text_encoding.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem {
namespace {

TEST_CASE("utf-8: accepts every shortest form and nothing else") {
  for (const std::string_view good :
       {"", "plain", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "gr\xC3\xBC\xC3\x9F"}) {
    CAPTURE(good);
    CHECK(is_utf8(good));
  }
  for (const std::string_view bad :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2 ", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xE1\x80",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "ok\xE2\x82"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("base64: RFC 4648 section 10, both ways") {
  const std::vector<std::pair<std::string, std::string>> vectors = {{"", ""},
                                                                    {"f", "Zg=="},
                                                                    {"fo", "Zm8="},
                                                                    {"foo", "Zm9v"},
                                                                    {"foob", "Zm9vYg=="},
                                                                    {"fooba", "Zm9vYmE="},
                                                                    {"foobar", "Zm9vYmFy"},
                                                                    {"\xFB\xFF", "+/8="}};
  for (const auto& [plain, encoded] : vectors) {
    CHECK(base64_encode(bytes_of(plain)) == encoded);
    const auto decoded = base64_decode(encoded);
    REQUIRE(decoded);
    CHECK(text_of(*decoded) == plain);
  }
}

TEST_CASE("base64: what is not base64 is refused") {
  for (const std::string_view bad :
       {"Z", "Zg=", "Z===", "Zg=a", "Zm9\n", "Zm_v", "=Zg=", "Zh==", "Zm9="}) {
    const auto decoded = base64_decode(bad);
    REQUIRE_FALSE(decoded);
    CHECK(decoded.error().code() == Errc::kInvalidRequest);
  }
}

TEST_CASE("json string: escapes what must be escaped") {
  std::string out;
  append_json_string(std::string_view("a\"b\\c\n\r\t\x01\x1F/\0z", 13), out);
  CHECK(out == R"("a\"b\\c\n\r\t\u0001\u001f/\u0000z")");
}

std::string readable(std::string_view text) {
  std::string out;
  append_readable(text, 1'000, out);
  return out;
}

TEST_CASE("readable text: controls are escaped, quotes are not, and nothing is ambiguous") {
  CHECK(readable(R"({"a":"b"})") == R"({"a":"b"})");
  CHECK(readable("\x1b[2J\n\x7f\xc2\x9b\xff") == "\\u001b[2J\\n\\u007f\\u009b\xef\xbf\xbd");
  CHECK(readable(R"(C:\Dir)") == R"(C:\Dir)");
  CHECK(readable(R"(a\nb \u001b \\ end\)") == R"(a\\nb \\u001b \\\ end\)");
  CHECK(readable("\\\n") == R"(\\\n)");
}

}  // namespace
}  // namespace xylem
