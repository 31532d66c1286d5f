#include "registry/role.h"

#include <doctest/doctest.h>

#include <string>

namespace xylem::registry {
namespace {

Location at(std::string_view text) {
  auto location = Location::parse(text);
  REQUIRE(location);
  return *location;
}

TEST_CASE("role: the wish, else the location, else the id, else LOCAL") {
  CHECK(role_of(Role::kL3, at("eu"), "pos-1") == Role::kL3);
  CHECK(role_of({}, at("eu"), "pos-1") == Role::kL2);
  CHECK(role_of({}, at("eu/berlin"), "root-1") == Role::kL3);
  CHECK(role_of({}, at("eu/berlin/s1"), "l2-1") == Role::kPos);
  CHECK(role_of({}, at("eu/berlin/s1/till"), "l2-1") == Role::kPos);
  CHECK(role_of({}, at(""), "root-0") == Role::kRoot);
  CHECK(role_of({}, at(""), "l2-0") == Role::kL2);
  CHECK(role_of({}, at(""), "l3-0") == Role::kL3);
  CHECK(role_of({}, at(""), "pos-0") == Role::kPos);
  CHECK(role_of({}, at(""), "posh") == Role::kLocal);
}

TEST_CASE("role: every name is read back") {
  for (std::size_t i = 0; i < kRoleCount; ++i) {
    const auto role = static_cast<Role>(i);
    CHECK(role_of_name(to_string(role)) == role);
  }
  CHECK_FALSE(role_of_name("root"));
  CHECK_FALSE(role_of_name(""));
}

TEST_CASE("location: depth, site and what contains it") {
  const auto till = at("eu/berlin/s1/till-2");
  CHECK(till.depth() == 4);
  CHECK(till.site() == "eu/berlin/s1");
  CHECK(at("eu/berlin/s1").site() == "eu/berlin/s1");
  CHECK(at("eu/berlin").site().empty());
  CHECK(at("").site().empty());
  CHECK(at("eu/berlin").containing() == std::vector<std::string_view>{"eu/berlin", "eu", ""});
  CHECK(at("").containing() == std::vector<std::string_view>{""});
}

TEST_CASE("location: what is not one is refused") {
  const std::string too_long(Location::kLengthMax + 1, 'a');
  std::string too_deep = "a";
  for (std::size_t i = 0; i < Location::kDepthMax; ++i) too_deep += "/a";
  for (const std::string_view text :
       {std::string_view("/eu"), std::string_view("eu/"), std::string_view("eu//berlin"),
        std::string_view("eu/../x"), std::string_view("eu/ber lin"),
        std::string_view("eu/\xC3\xA4"), std::string_view(too_long), std::string_view(too_deep)}) {
    CAPTURE(text);
    const auto location = Location::parse(text);
    REQUIRE_FALSE(location);
    CHECK(location.error().code() == Errc::kInvalidRequest);
  }
  CHECK(Location::parse(std::string(Location::kLengthMax, 'a')));
}

}  // namespace
}  // namespace xylem::registry
