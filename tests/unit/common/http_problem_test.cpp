#include "common/http_problem.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem {
namespace {

Error problem(const std::string& body, Errc otherwise = Errc::kUnavailable) {
  const auto bytes = bytes_of(body);
  return problem_in({.status = 418, .headers = {}, .body = Buffer(bytes.begin(), bytes.end())},
                    otherwise);
}

TEST_CASE("http problem: code, detail and hint are taken") {
  const auto error = problem(R"({"code":"NOT_LEADER","detail":"ask","hint":"root:1"})");
  CHECK(error.code() == Errc::kNotLeader);
  CHECK(error.what() == "ask");
  CHECK(error.hint() == "root:1");
}

TEST_CASE("http problem: what is none is the status, under the code that is asked for") {
  for (const auto* body : {"", "{", "[]", "{}", R"({"code":7,"detail":[],"hint":{}})",
                           R"({"code":"NEWER_THAN_US"})"}) {
    CAPTURE(body);
    const auto error = problem(body, Errc::kUnauthorized);
    CHECK(error.code() == Errc::kUnauthorized);
    CHECK(error.what() == "HTTP status 418");
    CHECK(error.hint().empty());
  }
}

}  // namespace
}  // namespace xylem
