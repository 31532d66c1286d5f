// The daemon: its parts, in the order they need each other. Construction starts them, destruction
// stops them in reverse: no more queries, no more deliveries, the group that is being committed
// finishes, logs are closed. What was received but not committed comes again after a restart.
//
// A view whose file turns out to be damaged while it is used is replaced in the same way: all that
// stands on it is stopped, the file set aside, and everything started again on a new one.
//
// Threads: one; it makes those of the parts (README.md).
#pragma once

#include "common/clock.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/random.h"
#include "common/result.h"
#include "consumer-app/applier.h"
#include "consumer-app/change_streams.h"
#include "consumer-app/config.h"
#include "consumer-app/query_api.h"
#include "consumer-app/rebuild.h"
#include "consumer-app/record_log.h"
#include "consumer-app/snapshots.h"
#include "consumer-app/stream.h"
#include "network/http/http_server.h"
#include "network/transport/transport.h"
#include "storage/disk.h"
#include "storage/storage_engine.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace xylem::consumer_app {

class App {
 public:
  // Opens the data, listens and subscribes. kAlreadyExists: another process uses the directory.
  static Result<std::unique_ptr<App>> create(const AppConfig& config);

  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  // Until SIGTERM or SIGINT. An error: the view was damaged and could not be replaced.
  Status run();

  [[nodiscard]] Loop& loop() { return loop_; }

  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  explicit App(const AppConfig& config);
  Status start();
  Status start_view(const network::Address& listen);
  Status start_answering();
  void stop_view();
  void want_replacement();
  void replace_view();
  void watch_topics();

  AppConfig config_;
  std::string view_path_;
  Loop loop_;
  SystemClock clock_;
  Random random_;
  Metrics metrics_;
  Logger logger_;
  storage::PosixDisk disk_;
  std::unique_ptr<storage::StorageEngine> storage_;
  std::optional<RecordLog> log_;
  std::unique_ptr<Applier> applier_;
  std::unique_ptr<Rebuild> rebuild_;
  std::unique_ptr<network::NetworkClient> network_;
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<network::HttpServer> server_;
  std::unique_ptr<ChangeStreams> changes_;
  std::unique_ptr<Snapshots> snapshots_;
  std::unique_ptr<QueryApi> queries_;
  std::uint16_t port_ = 0;
  bool is_replacing_ = false;
  Status failure_;
};

}  // namespace xylem::consumer_app
