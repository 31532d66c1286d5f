#include "cli/up/ports.h"

#include "common/loop.h"
#include "network/transport/transport.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem::cli {
namespace {

TEST_CASE("a port in use is told with who needs it") {
  Loop loop;
  const auto server = network::make_tcp_server(loop, {});
  const auto port = server->listen({.host = "127.0.0.1", .port = 0}, [](const auto&) {});
  REQUIRE(port);
  CHECK_FALSE(check_port(*port));

  Plan plan;
  plan.processes.push_back({.id = "pos-3"});
  plan.processes.back().ports.emplace_back("PIPE_PORT", *port);
  const auto free = check_ports(plan);
  REQUIRE_FALSE(free);
  CHECK(free.error().code() == Errc::kAlreadyExists);
  CHECK(free.error().what().contains(std::to_string(*port)));
  CHECK(free.error().what().contains("pos-3 needs it (PIPE_PORT)"));
}

TEST_CASE("a port that was given back is free") {
  std::uint16_t port = 0;
  {
    Loop loop;
    const auto server = network::make_tcp_server(loop, {});
    port = server->listen({.host = "127.0.0.1", .port = 0}, [](const auto&) {}).value();
  }
  CHECK(check_port(port));
}

}  // namespace
}  // namespace xylem::cli
