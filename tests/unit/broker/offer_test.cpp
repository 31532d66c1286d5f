#include "broker/upstream/offer.h"

#include "tests/support/broker_world.h"

#include <doctest/doctest.h>

#include <optional>

namespace xylem::testing {
namespace {

TEST_CASE("offer: no child becomes a replica of a root tier of one by saying so") {
  BrokerWorld world;
  const auto topic = world.create("t");
  broker::Offer offer(*world.partitions, {.node = "root-0",
                                          .cluster = [] { return Uuid::from_words(1, 1); },
                                          .topology_version = [] { return std::uint64_t{0}; }});
  pipe::PipeServer server({world.loop, world.clock, world.random, world.metrics}, offer, {});
  pipe::FetchRequest request;
  request.child = "root-1";
  request.sequence = 1;
  request.replica = 1;
  request.partitions = {{.log = topic.log(0)}};
  std::optional<Error> error;
  server.fetch(pipe::encode(request), [&](const auto& answer) {
    REQUIRE_FALSE(answer);
    error = answer.error();
  });
  REQUIRE(error);
  CHECK(error->code() == Errc::kUnauthorized);
}

}  // namespace
}  // namespace xylem::testing
