#include "consumer-app/app.h"

#include "common/signals.h"
#include "consumer-app/view_reader.h"
#include "consumer-app/view_store.h"

#include <utility>

namespace xylem::consumer_app {

Result<std::unique_ptr<App>> App::create(const AppConfig& config) {
  auto app = std::unique_ptr<App>(new App(config));
  if (auto started = app->start(config); !started) return pass(started);
  return app;
}

App::App(const AppConfig& config) : random_(system_seed()), logger_(config.logger) {
  metrics_.add_process_metrics();
  for (const auto& [name, value] : config.effective)
    logger_.info("config.setting", {{"name", name}, {"value", value}});
}

App::~App() {
  queries_.reset();
  server_.reset();
  stream_.reset();
  applier_.reset();
  log_.reset();
  if (!storage_) return;
  if (auto closed = storage_->close(); !closed)
    logger_.error("storage.close_failed", {{"error", closed.error().what()}});
}

Status App::start(const AppConfig& config) {
  auto storage = storage::open_storage(config.storage_type, config.data_dir,
                                       {loop_, disk_, clock_, logger_, metrics_});
  if (!storage) return pass(storage);
  storage_ = std::move(*storage);
  auto log = RecordLog::open(*storage_, config.log);
  if (!log) return pass(log);
  log_.emplace(std::move(*log));

  const std::string path = config.data_dir + "/view.db";
  auto store = ViewStore::open(path);
  if (!store) return pass(store);
  auto reader = ViewReader::open(path);
  if (!reader) return pass(reader);
  const Copies copies = (*store)->copies();
  applier_ = std::make_unique<Applier>(Applier::Context{loop_, *log_, logger_, metrics_},
                                       std::move(*store), Applier::Limits());
  network_ = network::make_tcp_client(loop_, {});
  stream_ = std::make_unique<Stream>(
      Stream::Context{loop_, *network_, clock_, random_, logger_, metrics_, *applier_, *log_},
      config.stream, copies);

  server_ = std::make_unique<network::HttpServer>(loop_, network::HttpServer::Limits());
  queries_ = std::make_unique<QueryApi>(
      QueryApi::Context{loop_, metrics_, *stream_, *applier_, *log_}, std::move(*reader), *server_);
  auto port = server_->listen(config.listen);
  if (!port) return pass(port, "listen at " + config.listen.text());
  port_ = *port;
  watch_topics();
  stream_->start();
  logger_.info("app.started", {{"http", network::Address{config.listen.host, port_}.text()},
                               {"data", config.data_dir}});
  return {};
}

void App::watch_topics() {
  metrics_.on_scrape([this] {
    metrics_.gauge("xylem_consumer_connected_bool", "1 while a broker is connected.")
        .set(stream_->is_connected() ? 1 : 0);
    metrics_.gauge("xylem_consumer_log_bytes", "Bytes in the record log.")
        .set(static_cast<double>(log_->bytes()));
    for (const auto& topic : stream_->topics()) {
      metrics_.gauge("xylem_consumer_lag_records", "Records behind the broker.", {{"topic", topic}})
          .set(static_cast<double>(stream_->topic(topic)->lag()));
    }
  });
}

void App::run() {
  const StopSignals signals(loop_, [this] {
    logger_.info("app.stopping");
    loop_.stop();
  });
  loop_.run();
}

}  // namespace xylem::consumer_app
