#include "cli/bench/storage/scratch.h"
#include "cli/bench/storage/storage_line.h"
#include "cli/bench/storage/storage_report.h"
#include "common/batch/batch.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace xylem::cli {
namespace {

TEST_CASE("prebuilt batches are whole, as large as asked for, and half random") {
  const BatchSet set(100, 16 * 1024);
  for (std::int64_t i = 0; i < 3; ++i) {
    const auto header = check_batch(set.batch(i));
    REQUIRE(header);
    CHECK(header->record_count == set.records());
    CHECK(header->bytes == set.batch_bytes());
  }
  CHECK(set.batch_bytes() <= 16 * 1024);
  CHECK(set.batch_bytes() > 16 * 1024 - 200);
  CHECK_FALSE(std::ranges::equal(set.batch(0), set.batch(1)));
  CHECK(set.batches_in(1) == 1);
  CHECK(set.batches_in(std::int64_t{10} * 16 * 1024) == 10);
  CHECK(BatchSet(1'000, 1).records() == 1);
}

TEST_CASE("pairs are measured in turns, and a ratio is the median of the pairs'") {
  std::string order;
  StorageLine line{.name = "x", .what = "x", .compare = Compare::kRecordsPerSecond};
  const auto run = [&](char name, std::int64_t records) {
    return [&order, name, records]() -> Result<StorageRun> {
      order += name;
      return StorageRun{.seconds = 2, .cpu_ns = 1'000, .records = records, .bytes = 10};
    };
  };
  const StorageRivals rivals{run('A', 30), {{"x", run('B', 60)}, {"x_vs_y", run('C', 15)}}};
  REQUIRE(measure_line(2, rivals, line));
  CHECK(order == "ABCABC");
  StorageReport report{.lines = {line}};
  const auto json = nlohmann::json::parse(storage_json(report));
  CHECK(json["name"] == "storage");
  CHECK(json["ratio"]["x"] == 0.5);
  CHECK(json["ratio"]["x_vs_y"] == 2.0);
  CHECK(json["results"]["x"]["records_per_s"] == 15.0);
  CHECK(json["limit"]["x"]["records_per_s"] == 30.0);
  CHECK(json["ratio_interval_90"]["x"].is_null());  // two pairs cannot say
  CHECK(storage_text(report).find("0.50") != std::string::npos);
}

TEST_CASE("a run that fails says which") {
  StorageLine line{.name = "x"};
  const StorageRivals rivals{[]() -> Result<StorageRun> { return fail(Errc::kIo, "broken"); }, {}};
  const auto done = measure_line(1, rivals, line);
  REQUIRE_FALSE(done);
  CHECK(done.error().what() == "x: broken");
}

TEST_CASE("a scratch directory goes, however its work ends") {
  const TemporaryDirectory parent;
  const auto end_with = [&](const std::function<ExitCode(const std::string&)>& end) {
    const auto code = run_in_scratch(parent.path(), [&](const std::string& directory) {
      std::ofstream(directory + "/file") << "x";
      return end(directory);
    });
    CHECK(std::filesystem::is_empty(parent.path()));
    return code;
  };
  CHECK(end_with([](const auto&) { return ExitCode::kOk; }) == ExitCode::kOk);
  CHECK(end_with([](const auto&) { return ExitCode::kUnavailable; }) == ExitCode::kUnavailable);
  CHECK(end_with([](const auto&) {
          (void)std::raise(SIGKILL);
          return ExitCode::kOk;
        }) == ExitCode::kFailed);
  CHECK(end_with([](const auto&) {
          (void)kill(getppid(), SIGTERM);  // as Ctrl-C does
          for (;;) pause();
          return ExitCode::kOk;
        }) == ExitCode::kInterrupted);
}

TEST_CASE("a directory that cannot be made is an error") {
  CHECK(run_in_scratch("/nonexistent", [](const auto&) { return ExitCode::kOk; }) ==
        ExitCode::kFailed);
}

}  // namespace
}  // namespace xylem::cli
