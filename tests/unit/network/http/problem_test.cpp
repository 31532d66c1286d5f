#include "network/http/http_server.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem::network {
namespace {

std::string text_of_body(const HttpResponse& response) {
  std::string text;
  for (const auto& piece : response.body) text += text_of(piece.bytes);
  return text;
}

TEST_CASE("problem: members of its own stand behind the usual ones") {
  const Error error(Errc::kOffsetOutOfRange, "below the start", "begin there");
  const auto response = problem(error, R"("start":5,"highWatermark":9)");
  CHECK(response.status == 416);
  CHECK(response.content_type == "application/problem+json");
  CHECK(text_of_body(response) ==
        R"({"type":"about:blank","title":"Range Not Satisfiable","status":416,)"
        R"("detail":"below the start","code":"OFFSET_OUT_OF_RANGE","hint":"begin there",)"
        R"("start":5,"highWatermark":9})");
  CHECK(text_of_body(problem(error)).ends_with(R"("hint":"begin there"})"));
}

}  // namespace
}  // namespace xylem::network
