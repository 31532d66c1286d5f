#include "cli/input_files.h"

#include "tests/support/run_until.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <fstream>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <utility>

namespace xylem::cli {
namespace {

Result<InputFiles::Piece> read(Loop& loop, InputFiles& files) {
  std::optional<Result<InputFiles::Piece>> answer;
  files.read([&](Result<InputFiles::Piece> piece) { answer = std::move(piece); });
  CHECK_FALSE(answer);  // never inside the call
  REQUIRE(testing::run_until(loop, [&] { return answer.has_value(); }));
  return *answer;
}

TEST_CASE("files are read one after the other, each to its end") {
  const TemporaryDirectory directory;
  const std::string big(InputFiles::kPieceBytes + 5, 'x');
  std::ofstream(directory.file("a")) << big;
  std::ofstream(directory.file("b")) << "";
  Loop loop;
  InputFiles files(loop, {directory.file("a"), directory.file("b")});
  CHECK(read(loop, files)->text + read(loop, files)->text == big);
  const auto end = read(loop, files);
  REQUIRE(end);
  CHECK(end->is_file_end);
  CHECK_FALSE(end->is_last);
  CHECK(files.file() == directory.file("b"));
  CHECK(read(loop, files)->is_last);
}

TEST_CASE("a file that is not there, and a directory, are errors") {
  Loop loop;
  InputFiles missing(loop, {"/nowhere/at/all"});
  CHECK(read(loop, missing).error().code() == Errc::kNotFound);
  InputFiles directory(loop, {"/tmp"});
  CHECK(read(loop, directory).error().code() == Errc::kIo);
}

TEST_CASE("a wait for a pipe that says nothing ends with its owner") {
  const TemporaryDirectory directory;
  const auto name = directory.file("pipe");
  REQUIRE(mkfifo(name.c_str(), 0600) == 0);
  const std::fstream both_ends(name);
  Loop loop;
  bool is_called = false;
  {
    InputFiles files(loop, {name});
    files.read([&](const auto&) { is_called = true; });
    testing::run_for(loop, 20);
  }
  testing::run_for(loop, 20);
  CHECK_FALSE(is_called);
}

}  // namespace
}  // namespace xylem::cli
