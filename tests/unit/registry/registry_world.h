// A registry serving HTTP on a loop of its own, its store in memory; its clock stands still.
#pragma once

#include "common/http_client.h"
#include "common/loop/loop_thread.h"
#include "registry/registry_http.h"
#include "registry/store_writer.h"
#include "tests/support/run_until.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem::registry::testing {

using Json = nlohmann::json;
using Headers = std::vector<std::pair<std::string, std::string>>;

inline Json report_json(std::string_view location = "") {
  return {{"location", location},
          {"instance", "i1"},
          {"health", "HEALTHY"},
          {"addresses", {{"tcp", "h:1"}, {"http", "127.0.0.1:1"}, {"pipe", "http://h:3"}}}};
}

class RegistryWorld {
 public:
  explicit RegistryWorld(Status ready = {}) {
    port_ = thread_.run([&] {
      writer = std::make_unique<StoreWriter>(thread_.loop(), service, refreshes,
                                             NodeStore::open(":memory:").value(), Logger::none());
      http = std::make_unique<RegistryHttp>(
          RegistryHttp::Context{thread_.loop(), service, refreshes, metrics, Logger::none()},
          [ready] { return ready; });
      return http->listen({"127.0.0.1", 0}).value();
    });
    client_ = client();
  }

  ~RegistryWorld() {
    thread_.run([&] {
      http.reset();
      writer.reset();
    });
  }

  RegistryWorld(const RegistryWorld&) = delete;
  RegistryWorld& operator=(const RegistryWorld&) = delete;

  // A further one, for an exchange that waits.
  [[nodiscard]] std::unique_ptr<HttpClient> client() const {
    return HttpClient::create({.base_url = "http://127.0.0.1:" + std::to_string(port_)}).value();
  }

  HttpAnswer request(std::string_view method,
                     std::string_view target,
                     std::string_view body = {},
                     Headers headers = {}) {
    auto answer = client_->exchange({.method = std::string(method),
                                     .target = std::string(target),
                                     .headers = std::move(headers),
                                     .body = bytes_of(body),
                                     .timeout_ms = xylem::testing::kGiveUpMs});
    REQUIRE(answer);
    return *std::move(answer);
  }

  HttpAnswer get(std::string_view target, Headers headers = {}) {
    return request("GET", target, {}, std::move(headers));
  }

  HttpAnswer put(std::string_view id, const Json& report = report_json()) {
    return request("PUT", "/api/v1/nodes/" + std::string(id), report.dump());
  }

  // Runs on the registry's loop.
  template <class Function>
  auto on_loop(Function&& function) {
    return thread_.run(std::forward<Function>(function));
  }

  ManualClock clock;
  Metrics metrics;
  RegistryService service{{.insecure = true}, clock, {}};
  Random random{1};
  RefreshJobs refreshes{{service, clock, random, Logger::none(), metrics}, {}};
  std::unique_ptr<StoreWriter> writer;  // the loop's, as what follows
  std::unique_ptr<RegistryHttp> http;

 private:
  LoopThread thread_{"registry"};
  std::uint16_t port_ = 0;
  std::unique_ptr<HttpClient> client_;
};

inline Json json_of(const HttpAnswer& answer) {
  auto json = Json::parse(text_of(answer.body), nullptr, /*allow_exceptions=*/false);
  REQUIRE_FALSE(json.is_discarded());
  return json;
}

}  // namespace xylem::registry::testing
