// A consumer-app in one process and on one loop: a broker and a network in memory, the view in a
// file, the logs in memory. A stop forgets what was not committed, as a kill would.
#pragma once

#include "common/metrics.h"
#include "consumer-app/applier.h"
#include "consumer-app/open_view.h"
#include "consumer-app/rebuild.h"
#include "consumer-app/record_log.h"
#include "consumer-app/stream.h"
#include "consumer-app/view_origins.h"
#include "consumer-app/view_reader.h"
#include "consumer-app/view_store.h"
#include "storage/disk.h"
#include "storage/storage_engine.h"
#include "tests/support/client_world.h"
#include "tests/support/temporary_directory.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem::consumer_app {

// An engine whose logs of one topic cannot be opened.
class BrokenTopicEngine final : public storage::StorageEngine {
 public:
  BrokenTopicEngine(std::unique_ptr<storage::StorageEngine> inner, std::string topic)
      : inner_(std::move(inner)), topic_(std::move(topic)) {}

  Result<std::shared_ptr<storage::PartitionLog>> open(const storage::LogName& name,
                                                      const storage::LogOptions& options) override {
    if (name.topic == topic_) return fail(Errc::kIo, "bad disk");
    return inner_->open(name, options);
  }

  [[nodiscard]] std::vector<storage::LogName> logs() const override { return inner_->logs(); }

  Status remove(const LogId& id) override { return inner_->remove(id); }

  Status carry_over(const storage::LogName& name) override { return inner_->carry_over(name); }

  Status close() override { return inner_->close(); }

 private:
  std::unique_ptr<storage::StorageEngine> inner_;
  std::string topic_;
};

struct Daemon {
  explicit Daemon(std::vector<std::string> kept = {"t"}) : topics(std::move(kept)) {
    auto opened = storage::open_storage("memory", directory.file("logs"),
                                        {world.loop, disk, world.clock, Logger::none(), metrics});
    REQUIRE(opened);
    storage = std::move(*opened);
  }

  ~Daemon() { stop(); }

  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  void start(const Applier::Limits& limits = {}) {
    auto opened = RecordLog::open(*storage, {});
    REQUIRE(opened);
    log.emplace(std::move(*opened));
    auto store = open_view(view_path(), view_options(), Logger::none());
    REQUIRE(store);
    applier = std::make_unique<Applier>(Applier::Context{world.loop, *log, Logger::none(), metrics},
                                        std::move(*store), limits);
    stream = std::make_unique<Stream>(
        Stream::Context{world.loop, *world.network, world.clock, world.random, Logger::none(),
                        metrics, *applier, *log},
        Stream::Options{.brokers = {world.first.address, world.second.address},
                        .client_id = "daemon",
                        .group = {},
                        .topics = topics,
                        .retry = network::RetryPolicy::kSkipOnError});
    auto reading = ViewReader::open(view_path());
    REQUIRE(reading);
    reader = std::move(*reading);
    auto origins = load_origins(disk, view_options().origins_path);
    rebuild =
        std::make_unique<Rebuild>(Rebuild::Context{world.loop, *applier, *log, Logger::none()});
    rebuild->start(origins.value_or(Origins()), topics,
                   [this] { stream->start(applier->applied()); });
  }

  void stop() {
    rebuild.reset();
    stream.reset();
    applier.reset();
    reader.reset();
    log.reset();
  }

  [[nodiscard]] ViewStore::Options view_options() {
    return {disk, directory.file("origins.json"), world.random.next()};
  }

  // While it is stopped.
  void lose_view() const {
    for (const auto* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(view_path() + suffix);
  }

  // The copy is whole.
  bool until_whole(const std::string& topic = "t") {
    return world.until([&] { return current(topic).whole; });
  }

  [[nodiscard]] std::string view_path() const { return directory.file("view.db"); }

  // The value of a key; "-" when there is none.
  std::string value(std::string_view key, std::string_view topic = "t") {
    const auto entry = reader->find(topic, key);
    return entry ? entry->value : "-";
  }

  bool until_value(std::string_view key, std::string_view expected) {
    return world.until([&] { return value(key) == expected; });
  }

  CopyState current(const std::string& topic = "t") {
    const auto copies = reader->copies();
    REQUIRE(copies);
    const auto found = copies->find(topic);
    return found != copies->end() && found->second.current ? *found->second.current : CopyState();
  }

  TemporaryDirectory directory;
  xylem::testing::ClientWorld world;
  storage::PosixDisk disk;
  Metrics metrics;
  std::vector<std::string> topics;
  std::unique_ptr<storage::StorageEngine> storage;
  std::optional<RecordLog> log;
  std::unique_ptr<Applier> applier;
  std::unique_ptr<Stream> stream;
  std::unique_ptr<Rebuild> rebuild;
  std::unique_ptr<ViewReader> reader;
};

}  // namespace xylem::consumer_app
