#include "consumer-app/app.h"

#include "common/signals.h"
#include "consumer-app/open_view.h"
#include "consumer-app/view_origins.h"
#include "consumer-app/view_reader.h"
#include "consumer-app/view_store.h"
#include "storage/identity/disk_identity.h"

#include <utility>

namespace xylem::consumer_app {
namespace {

constexpr std::size_t kNameDigits = 12;  // of 32

// Two daemons of one type are two consumers to a broker, and each is the same one after a restart:
// a broker that refreshes it knows then whether it had finished.
std::string name_at_broker(const AppConfig& config,
                           storage::Disk& disk,
                           Random& random,
                           Logger& logger) {
  const auto identity = storage::open_disk_identity(disk, random, config.data_dir);
  if (!identity) logger.warn("app.unknown_at_broker", {{"error", identity.error().what()}});
  const auto id = identity ? identity->disk : Uuid::random(random);
  return config.stream.client_id + "-" + id.text().substr(0, kNameDigits);
}

}  // namespace

Result<std::unique_ptr<App>> App::create(const AppConfig& config) {
  auto app = std::unique_ptr<App>(new App(config));
  if (auto started = app->start(); !started) return pass(started);
  return app;
}

App::App(const AppConfig& config)
    : config_(config),
      view_path_(config.data_dir + "/view.db"),
      random_(system_seed()),
      logger_(config.logger) {
  metrics_.add_process_metrics();
  for (const auto& [name, value] : config.effective)
    logger_.info("config.setting", {{"name", name}, {"value", value}});
}

App::~App() {
  stop_view();
  log_.reset();
  if (!storage_) return;
  if (auto closed = storage_->close(); !closed)
    logger_.error("storage.close_failed", {{"error", closed.error().what()}});
}

Status App::start() {
  auto storage = storage::open_storage(config_.storage_type, config_.data_dir,
                                       {loop_, disk_, clock_, logger_, metrics_});
  if (!storage) return pass(storage);
  storage_ = std::move(*storage);
  config_.stream.client_id = name_at_broker(config_, disk_, random_, logger_);
  auto log = RecordLog::open(*storage_, config_.log);
  if (!log) return pass(log);
  log_.emplace(std::move(*log));
  network_ = network::make_tcp_client(loop_, {});
  if (auto started = start_view(config_.listen); !started) return started;
  watch_topics();
  logger_.info("app.started", {{"http", network::Address{config_.listen.host, port_}.text()},
                               {"data", config_.data_dir}});
  return {};
}

Status App::start_view(const network::Address& listen) {
  const ViewStore::Options options{disk_, config_.data_dir + "/origins.json", random_.next()};
  auto origins = load_origins(disk_, options.origins_path);
  if (!origins) logger_.warn("view.origins_unreadable", {{"error", origins.error().what()}});
  auto store = open_view(view_path_, options, logger_);
  if (!store) return pass(store);
  applier_ = std::make_unique<Applier>(Applier::Context{loop_, *log_, logger_, metrics_},
                                       std::move(*store), Applier::Limits());
  applier_->on_damaged([this] { want_replacement(); });
  stream_ = std::make_unique<Stream>(
      Stream::Context{loop_, *network_, clock_, random_, logger_, metrics_, *applier_, *log_},
      config_.stream);

  server_ = std::make_unique<network::HttpServer>(loop_, network::HttpServer::Limits());
  if (auto answering = start_answering(); !answering) return answering;
  auto port = server_->listen(listen);
  if (!port) return pass(port, "listen at " + listen.text());
  port_ = *port;
  rebuild_ = std::make_unique<Rebuild>(Rebuild::Context{loop_, *applier_, *log_, logger_});
  rebuild_->start(origins.value_or(Origins()), config_.stream.topics,
                  [this] { stream_->start(applier_->applied()); });
  return {};
}

Status App::start_answering() {
  auto for_changes = ViewReader::open(view_path_);
  if (!for_changes) return pass(for_changes);
  changes_ = std::make_unique<ChangeStreams>(
      ChangeStreams::Context{loop_, metrics_, *applier_, *log_, stream_->topics()},
      std::move(*for_changes), *server_, ChangeStreams::Limits());
  changes_->on_damaged([this] { want_replacement(); });
  snapshots_ = std::make_unique<Snapshots>(
      Snapshots::Context{loop_, logger_, metrics_, stream_->topics(), view_path_}, *server_,
      Snapshots::Limits());
  snapshots_->on_damaged([this] { want_replacement(); });
  auto for_lookups = ViewReader::open(view_path_);
  if (!for_lookups) return pass(for_lookups);
  queries_ = std::make_unique<QueryApi>(QueryApi::Context{loop_, clock_, metrics_, *stream_,
                                                          *applier_, *log_, *changes_, *snapshots_},
                                        std::move(*for_lookups), *server_);
  queries_->on_damaged([this] { want_replacement(); });
  return {};
}

void App::stop_view() {
  queries_.reset();
  snapshots_.reset();
  changes_.reset();
  server_.reset();
  rebuild_.reset();
  stream_.reset();
  applier_.reset();
}

// Later: whoever found the damage is among what is stopped.
void App::want_replacement() {
  if (std::exchange(is_replacing_, true)) return;
  loop_.answer([this] { replace_view(); });
}

void App::replace_view() {
  is_replacing_ = false;
  stop_view();
  failure_ = set_view_aside(view_path_, disk_);
  if (failure_) failure_ = start_view({.host = config_.listen.host, .port = port_});
  if (failure_) return;
  logger_.error("view.not_replaced", {{"error", failure_.error().what()},
                                      {"hint", "the daemon stops; start it when that is mended"}});
  loop_.stop();
}

void App::watch_topics() {
  metrics_.on_scrape([this] {
    metrics_.gauge("xylem_consumer_connected_bool", "1 while a broker is connected.")
        .set(stream_->is_connected() ? 1 : 0);
    metrics_.gauge("xylem_consumer_change_streams", "Open streams of changes.")
        .set(static_cast<double>(changes_->streams()));
    metrics_.gauge("xylem_consumer_snapshots", "Snapshots that are being read.")
        .set(static_cast<double>(snapshots_->open()));
    metrics_.gauge("xylem_consumer_log_bytes", "Bytes in the record log.")
        .set(static_cast<double>(log_->bytes()));
    for (const auto& topic : stream_->topics()) {
      metrics_.gauge("xylem_consumer_lag_records", "Records behind the broker.", {{"topic", topic}})
          .set(static_cast<double>(stream_->topic(topic)->lag()));
    }
  });
}

Status App::run() {
  const StopSignals signals(loop_, [this] {
    logger_.info("app.stopping");
    loop_.stop();
  });
  loop_.run();
  return failure_;
}

}  // namespace xylem::consumer_app
