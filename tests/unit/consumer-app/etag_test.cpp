#include "consumer-app/etag.h"

#include <doctest/doctest.h>

namespace xylem::consumer_app {
namespace {

TEST_CASE("etag: each record of each history has its own") {
  const LogId log{{Uuid::from_words(1, 2), 3}, PartitionId(4)};
  CHECK(record_etag(log, Offset(5)) == R"("00000000000000010000000000000002.3.4.5")");
}

TEST_CASE("etag: If-None-Match is a list, or any") {
  constexpr std::string_view kTag = R"("a.1")";
  for (const auto* match : {R"("a.1")", R"(W/"a.1")", R"("x", "a.1")", R"("x","y,z" ,W/"a.1", "b")",
                            "*", " * ", R"(, ,"a.1",)"})
    CHECK_MESSAGE(matches_etag(match, kTag), match);
  for (const auto* other : {"", " ", "a.1", R"("a.1)", R"("a.10")", R"("x,"a.1")", R"(x, "a.1")",
                            "**", R"(*, "a.1")", "W/", "W/*", R"("")"})
    CHECK_FALSE_MESSAGE(matches_etag(other, kTag), other);
}

}  // namespace
}  // namespace xylem::consumer_app
