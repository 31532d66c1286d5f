#include "registry/app.h"

#include "common/process.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace xylem::registry {

Result<std::unique_ptr<App>> App::create(const RegistryConfig& config) {
  auto store = NodeStore::open(config.store_path);
  if (!store) return pass(store);
  auto state = store->load();
  if (!state) return pass(state);
  std::unique_ptr<App> app(new App(config, *std::move(store), *std::move(state)));
  if (auto listening = app->listen(config); !listening) return pass(listening);
  return app;
}

App::App(const RegistryConfig& config, NodeStore store, RegistryState state)
    : random_(system_seed()),
      logger_(config.log),
      service_(config.service, clock_, state),
      refreshes_({service_, clock_, random_, logger_, metrics_}, std::move(state.refreshes)),
      writer_(loop_, service_, refreshes_, std::move(store), logger_),
      http_({loop_, service_, refreshes_, metrics_, logger_}, [this] { return writer_.status(); }),
      lapse_(loop_),
      signals_(loop_, [this] {
        logger_.info("registry.stopping");
        loop_.stop();
      }) {
  raise_descriptor_limit();
  metrics_.add_process_metrics();
  constexpr std::uint64_t kChecksPerHeartbeat = 4;
  const auto every_ms =
      static_cast<std::uint64_t>(config.service.heartbeat_ms) / kChecksPerHeartbeat;
  lapse_.start(every_ms, every_ms, [this] {
    service_.lapse();
    refreshes_.lapse();
  });
  for (const auto& [name, value] : config.effective)
    logger_.info("registry.setting", {{"name", name}, {"value", value}});
  logger_.info("registry.restored",
               {{"nodes", state.nodes.size()}, {"topology_version", state.topology_version}});
}

App::~App() = default;

Status App::listen(const RegistryConfig& config) {
  auto port = http_.listen(config.listen);
  if (!port) return pass(port, "listen at " + config.listen.text());
  logger_.info("registry.listening", {{"host", config.listen.host}, {"port", *port}});
  return {};
}

void App::run() { loop_.run(); }

}  // namespace xylem::registry
