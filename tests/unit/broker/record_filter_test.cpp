#include "broker/delivery/record_filter.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>

namespace xylem::broker {
namespace {

struct TestRecord {
  std::optional<std::string> key = "till-7";
  std::optional<std::string> value =
      R"({"price":{"amount":12.5,"currency":"EUR"},"tags":["a","b"],"sold":false,"by":null})";
  std::string header_name = "region";
  std::optional<std::string> header_value = "north";

  [[nodiscard]] RecordView view() const {
    RecordView view;
    if (key) view.key = bytes_of(*key);
    if (value) view.value = bytes_of(*value);
    HeaderView header{.key = header_name, .value = std::nullopt};
    if (header_value) header.value = bytes_of(*header_value);
    view.headers = {header};
    return view;
  }
};

bool matches(const std::string& filter, const TestRecord& record = {}) {
  const auto parsed = RecordFilter::parse(filter);
  if (!parsed) FAIL(filter, ": ", parsed.error().what());
  return parsed->matches(record.view());
}

TEST_CASE("filter: keys, headers and values, all of them") {
  CHECK(matches(R"(key = "till-7")"));
  CHECK_FALSE(matches(R"(key = "till")"));
  CHECK(matches(R"(key ^= "till-")"));
  CHECK(matches(R"(key ^= "")"));
  CHECK_FALSE(matches(R"(key ^= "till-70")"));
  CHECK(matches(R"(header "region" = "north")"));
  CHECK_FALSE(matches(R"(header "region" = "nort")"));
  CHECK_FALSE(matches(R"(header "Region" = "north")"));
  CHECK(matches(R"(  key^="till-"and header"region"="north" and value"/price/amount">=12.5  )"));
  CHECK_FALSE(matches(R"(key ^= "till-" and header "region" = "south")"));
}

TEST_CASE("filter: comparisons are of numbers with numbers and of texts with texts") {
  for (const auto* filter :
       {R"(value "/price/amount" > 12)", R"(value "/price/amount" < 13)",
        R"(value "/price/amount" = 12.5)", R"(value "/price/amount" != 12)",
        R"(value "/price/amount" <= 1.25e1)", R"(value "/price/currency" >= "EUR")",
        R"(value "/price/currency" < "USD")", R"(value "/tags/1" = "b")",
        R"(value "/sold" = false)", R"(value "/by" = null)", R"(value "/price/amount" != "12.5")",
        R"(value "" != 1)"})
    CHECK_MESSAGE(matches(filter), filter);
  for (const auto* filter :
       {R"(value "/price/amount" > "1")", R"(value "/price/amount" <= null)",
        R"(value "/price/cost" != 1)", R"(value "/tags/2" = "b")", R"(value "/tags/-" != 1)",
        R"(value "/tags/99999999999999999999999" != 1)", R"(value "/sold" < true)",
        R"(value "/price/amount" = "12.5")"})
    CHECK_FALSE_MESSAGE(matches(filter), filter);
}

TEST_CASE("filter: a record without a key, without a header's value, without JSON") {
  TestRecord bare{.key = std::nullopt, .value = "no JSON", .header_value = std::nullopt};
  CHECK_FALSE(matches(R"(key ^= "")", bare));
  CHECK_FALSE(matches(R"(header "region" = "")", bare));
  CHECK_FALSE(matches(R"(value "" != 1)", bare));
  bare.value = "\"" + std::string(RecordFilter::kValueBytesMax, 'x') + "\"";
  CHECK_FALSE(matches(R"(value "" != 1)", bare));
}

TEST_CASE("filter: a deletion passes what is said of values, and nothing else") {
  const TestRecord deleted{.value = std::nullopt};
  CHECK(matches(R"(value "/price/amount" > 1000)", deleted));
  CHECK_FALSE(matches(R"(value "/price/amount" > 1000 and key = "till-8")", deleted));
}

TEST_CASE("filter: what is wrong is said, with its place") {
  for (const auto& [filter, said] :
       {std::pair("", "key, header or value is expected at character 1"),
        {R"(keys = "a")", "key, header or value is expected at character 1"},
        {R"(key "a")", "= or ^= is expected at character 5"},
        {R"(key = a)", "a key in quotes is expected at character 7"},
        {R"(key = "a)", "a key in quotes is expected at character 7"},
        {R"(key = "\q")", "a key in quotes is expected at character 7"},
        {R"(header "a" "b")", "= is expected at character 12"},
        {R"(value "price" = 1)", "a JSON pointer"},
        {R"(value "/a~2" = 1)", "a JSON pointer"},
        {R"(value "/a" == 1)", "a text in quotes, a number"},
        {R"(value "/a" ~ 1)", "=, !=, <, <=, > or >= is expected at character 12"},
        {R"(value "/a" = [1])", "a text in quotes, a number"},
        {R"(key = "a" or key = "b")", "and, or the end, is expected at character 11"},
        {R"(key = "a" and)", "key, header or value is expected at character 14"}}) {
    const auto parsed = RecordFilter::parse(filter);
    REQUIRE_FALSE_MESSAGE(parsed, filter);
    CHECK_MESSAGE(parsed.error().what().contains(said), parsed.error().what());
  }
}

TEST_CASE("filter: its size, its clauses and its pointers have limits") {
  CHECK_FALSE(RecordFilter::parse("key = \"" + std::string(RecordFilter::kTextMax, 'k') + "\""));
  std::string many = R"(key = "a")";
  for (std::size_t i = 1; i < RecordFilter::kClausesMax; ++i) many += R"( and key = "a")";
  CHECK(RecordFilter::parse(many));
  CHECK_FALSE(RecordFilter::parse(many + R"( and key = "a")"));
  std::string deep;
  for (std::size_t i = 0; i < RecordFilter::kPointerDepthMax; ++i) deep += "/a";
  CHECK(RecordFilter::parse("value \"" + deep + "\" = 1"));
  CHECK_FALSE(RecordFilter::parse("value \"" + deep + "/a\" = 1"));
}

}  // namespace
}  // namespace xylem::broker
