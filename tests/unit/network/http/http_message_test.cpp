#include "network/http/http_server.h"
#include "network/http/url.h"

#include <doctest/doctest.h>

namespace xylem::network {
namespace {

TEST_CASE("http message: every error code has a status a client can act on") {
  for (std::uint16_t number = 1; errc_of(number); ++number) {
    CAPTURE(number);
    const int status = http_status(*errc_of(number));
    CHECK(status >= 400);
    CHECK(status < 600);
    CHECK(reason_phrase(status) != "Status");
  }
  CHECK(http_status(Errc::kNotLeader) == 421);
  CHECK(http_status(Errc::kDuplicateNode) == 409);
  CHECK(http_status(Errc::kDiskFull) == 507);
}

TEST_CASE("http message: a problem document never changes its shape") {
  const auto response =
      problem(Error(Errc::kNotLeader, "broker \"l2-0\" does not own it", "root-0:9092"));
  CHECK(response.status == 421);
  CHECK(response.content_type == "application/problem+json");
  REQUIRE(response.body.size() == 1);
  CHECK(text_of(response.body[0].bytes) ==
        R"({"type":"about:blank","title":"Misdirected Request","status":421,)"
        R"("detail":"broker \"l2-0\" does not own it","code":"NOT_LEADER","hint":"root-0:9092"})");
}

TEST_CASE("http message: a number of the query, its bounds and its absence") {
  HttpRequest request;
  request.query = {{"n", "7"}, {"text", "x"}, {"mixed", "7x"}, {"empty", ""}};
  CHECK(request.number("n", 1, 0, 10).value() == 7);
  CHECK(request.number("absent", 1, 0, 10).value() == 1);
  CHECK(request.number("n", 1, 7, 7).value() == 7);
  for (const auto* name : {"text", "mixed", "empty"}) {
    CAPTURE(name);
    const auto number = request.number(name, 1, 0, 10);
    REQUIRE_FALSE(number);
    CHECK(number.error().code() == Errc::kInvalidRequest);
    CHECK(number.error().what().find(name) != std::string::npos);
  }
  CHECK_FALSE(request.number("n", 1, 8, 10));
  CHECK_FALSE(request.number("n", 1, 0, 6));
  CHECK(request.header("none").empty());
  CHECK(request.argument("none").empty());
}

TEST_CASE("url: queries") {
  const auto query = parse_query("a=1&&b&=v&c=x=y&a=2").value();
  CHECK(query ==
        std::map<std::string, std::string>{{"", "v"}, {"a", "2"}, {"b", ""}, {"c", "x=y"}});
  CHECK(parse_query("").value().empty());
  CHECK_FALSE(parse_query("a=%"));
  CHECK_FALSE(parse_query("%=a"));
}

}  // namespace
}  // namespace xylem::network
