#include "cli/commands/root.h"

#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

namespace xylem::cli {
namespace {

TEST_CASE("a root gets a cluster once, and keeps it") {
  const TemporaryDirectory directory;
  const auto data_dir = directory.file("a/b");
  const auto made = init_root(data_dir, std::nullopt);
  REQUIRE(made);
  CHECK_FALSE(made->is_nil());
  CHECK(init_root(data_dir, std::nullopt) == *made);
  CHECK(init_root(data_dir, *made) == *made);
  CHECK(init_root(data_dir, Uuid::from_words(1, 2)).error().code() == Errc::kAlreadyExists);
}

TEST_CASE("a cluster may be given") {
  const TemporaryDirectory directory;
  CHECK(init_root(directory.path(), Uuid::from_words(1, 2)) == Uuid::from_words(1, 2));
}

}  // namespace
}  // namespace xylem::cli
