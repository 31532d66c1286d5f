#include "cli/format/input_format.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::cli {
namespace {

using Kind = InputFormat::Kind;

// Fed `piece_bytes` at a time, so that every test also cuts records anywhere.
std::vector<InputRecord> read(const InputFormat::Options& options,
                              std::string_view text,
                              std::size_t piece_bytes) {
  auto format = make_input_format(options);
  REQUIRE(format);
  std::vector<InputRecord> records;
  while (!text.empty()) {
    (*format)->feed(text.substr(0, piece_bytes), records);
    text.remove_prefix(std::min(piece_bytes, text.size()));
  }
  (*format)->finish(records);
  return records;
}

// "line:key=value", "line:!" for an error, "-" for none.
std::string shown(const InputRecord& input) {
  const auto line = std::to_string(input.line);
  if (!input.record) return line + ":!";
  return line + ":" + input.record->key.value_or("-") + "=" + input.record->value.value_or("-");
}

void check_read(const InputFormat::Options& options,
                std::string_view text,
                const std::vector<std::string>& expected) {
  for (const std::size_t piece_bytes : {1U, 2U, 3U, 7U, 1'000U}) {
    CAPTURE(piece_bytes);
    std::vector<std::string> found;
    for (const auto& record : read(options, text, piece_bytes)) found.push_back(shown(record));
    CHECK(found == expected);
  }
}

TEST_CASE("a line is a value, also an empty or an unfinished one") {
  check_read({.kind = Kind::kLines}, "a\n\nb c\nlast", {"1:-=a", "2:-=", "3:-=b c", "4:-=last"});
  check_read({.kind = Kind::kLines}, "", {});
}

TEST_CASE("a delimiter splits a line at its first place") {
  check_read({.kind = Kind::kLines, .delimiter = "::"}, "k::v::w\n::v\nk::\nnone\n",
             {"1:k=v::w", "2:=v", "3:k=", "4:!"});
}

TEST_CASE("an NDJSON line is the value as it stands, its key a field") {
  check_read({.kind = Kind::kNdjson, .key = "id"},
             "{\"id\":\"a\", \"x\" : 1}\n\n{\"id\":7}\n{\"x\":1}\n[1]\n{\"id\"\n{\"id\":null}\n",
             {"1:a={\"id\":\"a\", \"x\" : 1}", "3:7={\"id\":7}", "4:!", "5:!", "6:!", "7:!"});
  check_read({.kind = Kind::kNdjson}, "{}\n", {"1:-={}"});
}

TEST_CASE("JSON that is nested too deeply is refused") {
  const std::string deep = R"({"a":)" + std::string(200, '[') + std::string(200, ']') + "}";
  check_read({.kind = Kind::kNdjson}, deep, {"1:!"});
}

TEST_CASE("an envelope brings key, value, headers and time; null deletes") {
  const InputFormat::Options options{.kind = Kind::kNdjson, .envelope = true};
  check_read(
      options,
      "{\"key\":\"k\",\"value\":\"v\"}\n{\"key\":\"k\",\"value\":null}\n"
      "{\"value\":{\"a\":1}}\n{\"key\":\"k\"}\n"
      "{\"key\":\"AAE=\",\"keyEncoding\":\"base64\",\"value\":\"!\",\"encoding\":\"base64\"}\n"
      "{\"value\":1,\"headers\":[]}\n{\"value\":1,\"timestamp\":\"now\"}\n",
      {"1:k=v", "2:k=-", "3:-={\"a\":1}", "4:!", "5:!", "6:!", "7:!"});
  const auto records = read(
      options, R"({"value":"AAE=","encoding":"base64","headers":{"h":"x","n":null},"timestamp":5})",
      1'000);
  REQUIRE(records.size() == 1);
  REQUIRE(records[0].record);
  CHECK(records[0].record->value == std::string("\0\1", 2));
  CHECK(records[0].record->timestamp_ms == 5);
  REQUIRE(records[0].record->headers.size() == 2);
  CHECK(records[0].record->headers[0].second == "x");
  CHECK(records[0].record->headers[1].second == std::nullopt);
}

TEST_CASE("a CSV row is an object of its head's names") {
  check_read({.kind = Kind::kCsv, .key = "id"},
             "id,name\r\n1,\"a, \"\"b\"\"\"\r\n\n2,\"two\nlines\"\n3\n4,x\"y\n5,\"z\"q\n6,last",
             {"2:1={\"id\":\"1\",\"name\":\"a, \\\"b\\\"\"}",
              "4:2={\"id\":\"2\",\"name\":\"two\\nlines\"}", "6:!", "7:!", "8:!",
              "9:6={\"id\":\"6\",\"name\":\"last\"}"});
  check_read({.kind = Kind::kCsv, .delimiter = ";"}, "a;b\n1;\n", {"2:-={\"a\":\"1\",\"b\":\"\"}"});
}

TEST_CASE("CSV that cannot be right is an error for each row") {
  check_read({.kind = Kind::kCsv, .key = "id"}, "a,b\n1,2\n3,4\n", {"2:!", "3:!"});
  check_read({.kind = Kind::kCsv}, "a\n\"open\n", {"2:!"});
  check_read({.kind = Kind::kCsv}, "a\n\xff\n", {"2:!"});
}

TEST_CASE("a stanza is a paragraph of a control file under its package's name") {
  check_read({.kind = Kind::kStanza},
             "Package: a\nDescription: x\n more: y\n .\n\n\n  \npackage:  b  \nV: 1\n\nV: 2\n\n"
             "Package: c",
             {"1:a=Package: a\nDescription: x\n more: y\n .", "8:b=package:  b  \nV: 1", "11:!",
              "13:c=Package: c"});
  check_read({.kind = Kind::kStanza, .key = "Source"}, "Package: a\nSource: s\n",
             {"1:s=Package: a\nSource: s"});
}

TEST_CASE("what is too long is refused, and what follows is read") {
  const std::string huge(kInputRecordBytesMax + 1, 'x');
  const auto lines = read({.kind = Kind::kLines}, huge + "\nnext\n", 1'000'000);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].record.error().code() == Errc::kMessageTooLarge);
  CHECK(shown(lines[1]) == "2:-=next");
  const auto stanzas =
      read({.kind = Kind::kStanza}, "Package: a\nX: " + huge + "\nY: 1\n\nPackage: b\n", 1'000'000);
  REQUIRE(stanzas.size() == 2);
  CHECK(stanzas[0].record.error().code() == Errc::kMessageTooLarge);
  CHECK(shown(stanzas[1]) == "5:b=Package: b");
  const auto rows = read({.kind = Kind::kCsv}, "a\n" + huge + "\n1\n", 1'000'000);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].record.error().code() == Errc::kMessageTooLarge);
  CHECK(rows[1].record);
}

TEST_CASE("options that make no sense together are refused") {
  const auto refused = [](const InputFormat::Options& options) {
    const auto format = make_input_format(options);
    return !format && format.error().code() == Errc::kInvalidRequest;
  };
  CHECK(refused({.kind = Kind::kLines, .key = "k"}));
  CHECK(refused({.kind = Kind::kNdjson, .delimiter = ","}));
  CHECK(refused({.kind = Kind::kNdjson, .key = "k", .envelope = true}));
  CHECK(refused({.kind = Kind::kStanza, .envelope = true}));
  CHECK(refused({.kind = Kind::kCsv, .delimiter = "ab"}));
  CHECK(refused({.kind = Kind::kCsv, .delimiter = "\""}));
  CHECK(input_kind_of("xml").error().code() == Errc::kInvalidRequest);
  CHECK(input_kind_of("csv") == Kind::kCsv);
}

}  // namespace
}  // namespace xylem::cli
