#include "cli/up/endpoints_file.h"

#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace xylem::cli {
namespace {

TEST_CASE("the file has the shape that scripts rely on") {
  CHECK(endpoints_json({}) == "{\n  \"nodes\": []\n}\n");
  CHECK(endpoints_json({{.id = "pos-0", .role = "POS", .pid = 17, .tcp = "h:1", .http = "h:2"}}) ==
        "{\n  \"nodes\": [\n    {\n      \"id\": \"pos-0\",\n      \"role\": \"POS\",\n"
        "      \"pid\": 17,\n      \"tcp\": \"h:1\",\n      \"http\": \"h:2\"\n    }\n  ]\n}\n");
}

TEST_CASE("the pid of a process that does not run is null") {
  CHECK(endpoints_json({{.id = "pos-0"}}).find("\"pid\": null,") != std::string::npos);
}

TEST_CASE("it is replaced as a whole, and nothing else is left behind") {
  const TemporaryDirectory directory;
  REQUIRE(write_endpoints(directory.path(), {{.id = "a"}, {.id = "b"}}));
  REQUIRE(write_endpoints(directory.path(), {{.id = "a"}}));
  std::ifstream file(directory.file("endpoints.json"));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  CHECK(text == endpoints_json({{.id = "a"}}));
  const std::filesystem::directory_iterator files(directory.path());
  CHECK(std::distance(begin(files), end(files)) == 1);
}

TEST_CASE("a directory that is gone is an error") {
  CHECK_FALSE(write_endpoints("/nowhere/at/all", {}));
}

}  // namespace
}  // namespace xylem::cli
