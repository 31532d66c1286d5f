// Finds the handler of a request by method and path.
//
// Paths are matched segment by segment as they were sent, and arguments decoded after that, so an
// encoded slash never splits a segment. Where several patterns match, the one with a literal in the
// first segment that differs wins.
#pragma once

#include "network/http/http_server.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::network {

class HttpRouter {
 public:
  struct Found {
    const HttpHandler* handler = nullptr;  // null: none; see `allow`
    std::map<std::string, std::string> args;
    std::string allow;  // of the path: "GET, HEAD"; empty: no such path
  };

  void add(std::string_view method, std::string_view pattern, HttpHandler handler);

  // `raw_path` is not decoded. HEAD is answered by GET's handler. kInvalidRequest: bad encoding.
  [[nodiscard]] Result<Found> find(std::string_view method, std::string_view raw_path) const;

 private:
  enum class Kind : std::uint8_t { kLiteral, kArgument, kRest };  // in order of preference

  struct Segment {
    Kind kind = Kind::kLiteral;
    std::string text;  // or the argument's name
  };

  struct Route {
    std::string method;
    std::vector<Segment> segments;
    HttpHandler handler;
  };

  static bool matches(const Route& route, const std::vector<std::string_view>& path);
  static bool is_better(const Route& left, const Route& right);
  static Status bind(const Route& route,
                     const std::vector<std::string_view>& path,
                     std::map<std::string, std::string>& args);

  std::vector<Route> routes_;
};

}  // namespace xylem::network
