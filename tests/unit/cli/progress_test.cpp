#include "cli/progress.h"

#include "cli/exit_code.h"
#include "cli/output.h"

#include <doctest/doctest.h>

namespace xylem::cli {
namespace {

TEST_CASE("numbers, sizes and ages as people read them") {
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1'000) == "1,000");
  CHECK(with_commas(-1'234'567) == "-1,234,567");
  CHECK(human_bytes(999) == "999 B");
  CHECK(human_bytes(1'500) == "1.5 kB");
  CHECK(human_bytes(51'100'000) == "51.1 MB");
  CHECK(human_bytes(INT64_MAX).ends_with(" TB"));
  CHECK(human_age(999) == "999 ms");
  CHECK(human_age(1'500) == "1.5 s");
  CHECK(human_age(90'000) == "1 min");
  CHECK(human_age(3 * 3'600'000) == "3 h");
  CHECK(human_age(5LL * 24 * 3'600'000) == "5 d");
  CHECK(human_age(-1) == "?");
}

TEST_CASE("a summary gives the rate of the whole run") {
  ManualClock clock;
  const Progress progress(clock, false);
  clock.advance_ms(2'000);
  CHECK(progress.summary(5'000, 1'000) == "5,000 records, 1.0 kB, 2.0 s, 2,500 records/s");
}

TEST_CASE("tables align their columns") {
  Table table({"A", "LONG"});
  table.add({"wide", "1"});
  CHECK(table.text() == "A     LONG\nwide  1\n");
}

TEST_CASE("exit codes say why") {
  CHECK(exit_code_of(Errc::kInvalidRequest) == ExitCode::kUsage);
  CHECK(exit_code_of(Errc::kUnknownTopicOrPartition) == ExitCode::kNotFound);
  CHECK(exit_code_of(Errc::kTimeout) == ExitCode::kUnavailable);
  CHECK(exit_code_of(Errc::kDiskFull) == ExitCode::kFailed);
}

}  // namespace
}  // namespace xylem::cli
