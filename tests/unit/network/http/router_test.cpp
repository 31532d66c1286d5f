#include "network/http/router.h"

#include <doctest/doctest.h>

namespace xylem::network {
namespace {

// A router whose handlers only say which of them was meant.
struct Routes {
  void add(std::string_view method, std::string_view pattern) {
    router.add(method, pattern,
               [this, name = std::string(pattern)](const auto&, const auto&) { called = name; });
  }

  std::string find(std::string_view method, std::string_view path) {
    called.clear();
    const auto found = router.find(method, path);
    REQUIRE(found);
    args = found->args;
    if (found->handler == nullptr) return found->allow.empty() ? "404" : "405 " + found->allow;
    (*found->handler)(HttpRequest(), nullptr);
    return called;
  }

  HttpRouter router;
  std::string called;
  std::map<std::string, std::string> args;
};

TEST_CASE("router: literals before arguments before the rest, whatever the order of adding") {
  Routes routes;
  routes.add("GET", "/{path*}");
  routes.add("GET", "/topics/{name}");
  routes.add("GET", "/topics/all");
  routes.add("GET", "/topics/{name}/records");
  CHECK(routes.find("GET", "/topics/all") == "/topics/all");
  CHECK(routes.find("GET", "/topics/prices") == "/topics/{name}");
  CHECK(routes.args.at("name") == "prices");
  CHECK(routes.find("GET", "/topics/all/records") == "/topics/{name}/records");
  CHECK(routes.find("GET", "/topics/") == "/{path*}");
  CHECK(routes.find("GET", "/") == "/{path*}");
  CHECK(routes.args.at("path").empty());
  CHECK(routes.find("GET", "/a/b%2Fc/") == "/{path*}");
  CHECK(routes.args.at("path") == "a/b/c/");
}

TEST_CASE("router: methods") {
  Routes routes;
  routes.add("GET", "/a");
  routes.add("PUT", "/a");
  CHECK(routes.find("HEAD", "/a") == "/a");
  CHECK(routes.find("POST", "/a") == "405 GET, HEAD, PUT");
  CHECK(routes.find("GET", "/a/") == "404");
  CHECK(routes.find("GET", "/A") == "404");
  CHECK(routes.find("GET", "/a/b") == "404");
}

TEST_CASE("router: a bad encoding is the client's fault") {
  Routes routes;
  routes.add("GET", "/{key}");
  const auto found = routes.router.find("GET", "/%zz");
  REQUIRE_FALSE(found);
  CHECK(found.error().code() == Errc::kInvalidRequest);
}

}  // namespace
}  // namespace xylem::network
