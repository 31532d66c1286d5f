// The whole daemon on real files and sockets; its broker is on a loop of its own.
#include "consumer-app/app.h"

#include "common/http_client.h"
#include "common/loop/loop_thread.h"
#include "common/sqlite.h"
#include "tests/support/fake_broker.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/try_until.h"

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace xylem::consumer_app {
namespace {

constexpr std::int64_t kPageBytes = 4'096;

class TcpBroker {
 public:
  TcpBroker() {
    thread_.run([&] {
      broker_.emplace(network::make_tcp_server(thread_.loop(), {}));
      broker_->add_topic("t", 1);
      broker_->append("t", 0, {"a", "b"});
    });
  }

  ~TcpBroker() { stop(); }

  TcpBroker(const TcpBroker&) = delete;
  TcpBroker& operator=(const TcpBroker&) = delete;

  void stop() {
    thread_.run([&] { broker_.reset(); });
  }

  std::string address() {
    return thread_.run([&] { return broker_->address.text(); });
  }

 private:
  LoopThread thread_{"broker"};
  std::optional<testing::FakeBroker> broker_;
};

struct Running {
  void start(const std::string& broker) {
    const std::vector<std::string> arguments;
    auto config = load_config(arguments, {{"CONSUMER_TOPIC", "t"},
                                          {"CONSUMER_BROKERS", broker},
                                          {"CONSUMER_HOST", "127.0.0.1"},
                                          {"CONSUMER_PORT", "0"},
                                          {"LOG_LEVEL", "error"},
                                          {"STORAGE_DATA_DIR", directory.file("data")}});
    REQUIRE(config);
    auto made = App::create(*config);
    REQUIRE(made);
    app = std::move(*made);
  }

  int status_of(const std::string& target) {
    std::atomic<int> status = 0;
    std::thread asker([&] {
      auto client =
          HttpClient::create({.base_url = "http://127.0.0.1:" + std::to_string(app->port())});
      auto answer = (*client)->exchange({.target = target, .timeout_ms = testing::kGiveUpMs});
      status = answer ? answer->status : -1;
    });
    REQUIRE(testing::run_until(app->loop(), [&] { return status != 0; }));
    asker.join();
    return status;
  }

  void until_status(const std::string& target, int expected) {
    CHECK(testing::try_until(app->loop(), [&] { return status_of(target) == expected; }));
  }

  TemporaryDirectory directory;
  std::unique_ptr<App> app;
};

// Garbage where the entries are; the file can still be opened.
void damage_entries(const std::string& path) {
  std::int64_t page = 0;
  {
    auto database = Database::open(path, {.read_only = true});
    REQUIRE(database);
    auto row = database->prepare("SELECT rootpage FROM sqlite_schema WHERE name='entries_by_key'");
    REQUIRE(row);
    REQUIRE(*row->next());
    page = row->integer(0);
  }

  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp((page - 1) * kPageBytes);
  file << std::string(kPageBytes, '\x5A');
}

TEST_CASE("app: a view that was lost while it was stopped is answered from the log alone") {
  Running daemon;
  TcpBroker broker;
  const auto address = broker.address();
  daemon.start(address);
  daemon.until_status("/api/query/key/k-b", 200);
  daemon.app.reset();
  broker.stop();
  for (const auto* name : {"view.db", "view.db-wal", "view.db-shm"})
    std::filesystem::remove(daemon.directory.file("data") + "/" + name);
  daemon.start(address);
  daemon.until_status("/api/query/key/k-b", 200);
  CHECK(daemon.status_of("/api/query/key/k-never") == 404);
}

TEST_CASE("app: damage that a query finds has the view replaced while the daemon runs") {
  Running daemon;
  TcpBroker broker;
  const auto address = broker.address();
  daemon.start(address);
  daemon.until_status("/api/query/key/k-b", 200);
  daemon.app.reset();
  broker.stop();
  const auto view = daemon.directory.file("data") + "/view.db";
  CHECK_FALSE(std::filesystem::exists(view + "-wal"));
  damage_entries(view);
  daemon.start(address);
  CHECK(daemon.status_of("/api/query/key/k-b") == 500);
  daemon.until_status("/api/query/key/k-b", 200);
  CHECK(std::filesystem::exists(view + ".damaged"));
}

}  // namespace
}  // namespace xylem::consumer_app
