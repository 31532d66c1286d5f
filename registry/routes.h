// The registry's HTTP routes: a list of them beside the server's own, and what every answer has in
// common.
//
// Every answer carries security headers (no sniffing, no framing, no referrer, and a content
// security policy that allows nothing unless the handler chose one). A request that changes
// something is refused when a browser sent it from another origin.
//
// Threads: the loop's.
#pragma once

#include "common/metrics.h"
#include "network/http/http_server.h"

#include <string>
#include <string_view>
#include <vector>

namespace xylem::registry {

class Routes {
 public:
  struct Entry {
    std::string method;
    std::string pattern;

    auto operator<=>(const Entry&) const = default;
  };

  Routes(network::HttpServer& server, Metrics& metrics) : server_(server), metrics_(metrics) {}

  void add(std::string_view method, std::string_view pattern, network::HttpHandler handler);

  [[nodiscard]] const std::vector<Entry>& entries() const noexcept { return entries_; }

 private:
  network::HttpServer& server_;
  Metrics& metrics_;
  std::vector<Entry> entries_;
};

}  // namespace xylem::registry
