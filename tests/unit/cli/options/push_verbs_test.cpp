#include "cli/options/options.h"

#include <doctest/doctest.h>

namespace xylem::cli {
namespace {

Result<Command> parse(const std::vector<std::string>& arguments) {
  return parse_command(arguments, {});
}

TEST_CASE("bench push: ten thousand small records a second, beside one broker or two") {
  const auto plain = parse({"bench", "push"});
  REQUIRE(plain);
  const auto& options = std::get<BenchPushOptions>(*plain);
  CHECK(options.load.rate == 10'000);
  CHECK(options.load.bytes == 100);
  CHECK(options.flush == "never");
  CHECK(options.versus.empty());
  const auto both = parse({"bench", "push", "--vs", "null", "nats", "--flush", "always"});
  REQUIRE(both);
  CHECK(std::get<BenchPushOptions>(*both).versus == std::vector<std::string>{"null", "nats"});
  CHECK(std::get<BenchPushOptions>(*both).flush == "always");
  CHECK_FALSE(parse({"bench", "push", "--size", "27"}));  // holds no probe
  CHECK_FALSE(parse({"bench", "push", "--vs", "kafka"}));
}

TEST_CASE("bench fanout: a hundred consumers, and a window in bytes") {
  const auto plain = parse({"bench", "fanout"});
  REQUIRE(plain);
  CHECK(std::get<BenchFanoutOptions>(*plain).consumers == 100);
  CHECK(std::get<BenchFanoutOptions>(*plain).window_bytes == 256ULL * 1024);
  const auto other =
      parse({"bench", "fanout", "--consumers", "3", "--window", "1MiB", "--vs", "null"});
  REQUIRE(other);
  CHECK(std::get<BenchFanoutOptions>(*other).consumers == 3);
  CHECK(std::get<BenchFanoutOptions>(*other).window_bytes == 1024ULL * 1024);
  CHECK(std::get<BenchFanoutOptions>(*other).vs_null);
  CHECK_FALSE(parse({"bench", "fanout", "--consumers", "0"}));
  CHECK_FALSE(parse({"bench", "fanout", "--window", "0"}));
  CHECK_FALSE(parse({"bench", "fanout", "--window", "1GiB"}));
}

TEST_CASE("bench idle: ten thousand consumers, and a gigabyte past one that sleeps") {
  const auto plain = parse({"bench", "idle"});
  REQUIRE(plain);
  CHECK(std::get<BenchIdleOptions>(*plain).load.consumers == 10'000);
  CHECK(std::get<BenchIdleOptions>(*plain).load.stalled_bytes == std::size_t{1} << 30U);
  CHECK_FALSE(parse({"bench", "idle", "--bytes", "0"}));
  CHECK_FALSE(parse({"bench", "idle", "--consumers", "10001"}));
}

}  // namespace
}  // namespace xylem::cli
