#include "cli/options/options.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace xylem::cli {
namespace {

Result<Command> parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"bench", "storage"});
  return parse_command(arguments, {});
}

TEST_CASE("bench storage: sizes with units, parts by name") {
  const auto all = parse({});
  REQUIRE(all);
  const auto& defaults = std::get<BenchStorageOptions>(*all);
  CHECK(defaults.only.empty());
  CHECK(defaults.directory == "/var/tmp");
  CHECK(defaults.load.bytes == std::int64_t{1} << 30);
  const auto some =
      parse({"--bytes", "10GiB", "--only", "append,read", "--size", "100", "--pairs", "3"});
  REQUIRE(some);
  const auto& options = std::get<BenchStorageOptions>(*some);
  CHECK(options.only == std::vector<std::string>{"append", "read"});
  CHECK(options.load.bytes == std::int64_t{10} << 30);
  CHECK(options.load.record_bytes == 100);
  CHECK(options.load.pairs == 3);
}

TEST_CASE("bench storage: what makes no sense is refused") {
  for (const auto& wrong : std::vector<std::vector<std::string>>{{"--only", "appendix"},
                                                                 {"--bytes", "0"},
                                                                 {"--bytes", "much"},
                                                                 {"--pairs", "0"},
                                                                 {"--seconds", "0"}}) {
    const auto command = parse(wrong);
    REQUIRE_FALSE(command);
    CHECK(command.error().code() == Errc::kInvalidRequest);
  }
}

}  // namespace
}  // namespace xylem::cli
