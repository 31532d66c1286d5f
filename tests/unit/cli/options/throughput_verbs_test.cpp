#include "cli/options/options.h"

#include <doctest/doctest.h>

namespace xylem::cli {
namespace {

Result<Command> parse(const std::vector<std::string>& arguments) {
  return parse_command(arguments, {});
}

BenchThroughputOptions parsed(const std::vector<std::string>& arguments) {
  auto command = parse(arguments);
  if (!command) FAIL(command.error().what());
  return std::get<BenchThroughputOptions>(*command);
}

TEST_CASE("bench produce: sizes, policies and what to compare with") {
  const auto plain = parsed({"bench", "produce"});
  CHECK_FALSE(plain.consumes);
  CHECK(plain.record_bytes == std::vector<std::size_t>{100, 1024, 4096, 65536});
  CHECK(plain.flushes == std::vector<std::string>{"never"});
  CHECK(plain.window_bytes == 1024 * 1024);
  CHECK(plain.bytes == 0);
  const auto full = parsed({"bench", "produce", "--size", "200", "2KiB", "--flush", "never",
                            "always", "--vs", "null", "--pairs", "3", "--bytes", "1MiB"});
  CHECK(full.record_bytes == std::vector<std::size_t>{200, 2048});
  CHECK(full.flushes == std::vector<std::string>{"never", "always"});
  CHECK(full.versus == "null");
  CHECK(full.pairs == 3);
  CHECK(full.bytes == 1024 * 1024);
}

TEST_CASE("bench consume: a log of a gigabyte, or a topic that is there") {
  const auto plain = parsed({"bench", "consume"});
  CHECK(plain.consumes);
  CHECK(plain.bytes == std::size_t{1} << 30U);
  const auto there = parsed({"bench", "consume", "--broker", "h:1", "--topic", "t"});
  CHECK(there.broker == network::Address{"h", 1});
  CHECK(there.topic == "t");
  CHECK_FALSE(parse({"bench", "consume", "--topic", "t"}));  // of which broker?
  CHECK_FALSE(parse({"bench", "consume", "--vs", "nats"}));
  CHECK_FALSE(parse({"bench", "produce", "--size", "0"}));
  CHECK_FALSE(parse({"bench", "produce", "--size", "2MiB"}));
  CHECK_FALSE(parse({"bench", "produce", "--window", "1GiB"}));
}

}  // namespace
}  // namespace xylem::cli
