#include "registry/registry_http.h"

#include "registry/page_api.h"
#include "registry/status_api.h"

#include <cstddef>
#include <utility>

namespace xylem::registry {
namespace {

constexpr std::size_t kBodyBytesMax = 2ULL * 1024 * 1024;  // a report of kReportTopicsMax topics

}  // namespace

RegistryHttp::RegistryHttp(const Context& context, std::function<Status()> ready)
    : server_(context.loop, {.connections_max = 24'000, .body_bytes_max = kBodyBytesMax}),
      routes_(server_, context.metrics),
      nodes_(routes_, context.service, context.refreshes, context.metrics, context.logger),
      topology_(context.loop, routes_, context.service),
      events_(context.loop, routes_, context.service, context.refreshes, context.metrics),
      topics_(context.loop, routes_, context.service),
      refreshes_(routes_, context.refreshes) {
  add_pages(routes_);
  add_status(routes_, context.metrics, context.service, std::move(ready));
}

}  // namespace xylem::registry
