// GET /api/query/snapshot?topic=: a topic's whole copy as it was at one moment, as lines of JSON.
//
//   {"topic","topicId","generation","keys","cursor":{partition:next},"position"}
//   then every entry, as /api/query/key answers it, in the order of the keys' bytes
//
// `position` as Last-Event-ID of /api/query/changes?topic= goes on just behind it. The view goes on
// changing meanwhile, and a refresh may take the copy's place: the snapshot is one read transaction
// of SQLite, on a connection of its own, and shows neither. What is overwritten stays in the
// write-ahead log until it ends, so it has a time limit; then, or when the file cannot be read, the
// connection is cut: half a snapshot never looks whole.
//
// Limits: Limits (more: kQuotaExceeded); one page in memory each, the next is read once the socket
// has taken the last. Threads: the loop's.
#pragma once

#include "common/bytes.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/result.h"
#include "common/timer.h"
#include "common/worker.h"
#include "consumer-app/view_reader.h"
#include "network/http/http_server.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace xylem::consumer_app {

class Snapshots {
 public:
  static constexpr std::size_t kPageBytes = 128ULL * 1024;

  struct Limits {
    std::size_t snapshots_max = 4;
    std::uint64_t time_limit_ms = 300'000;
  };

  struct Context {
    Loop& loop;
    Logger& logger;
    Metrics& metrics;
    const std::vector<std::string>& topics;
    std::string view_path;
  };

  Snapshots(const Context& context, network::HttpServer& server, const Limits& limits);
  ~Snapshots();
  Snapshots(const Snapshots&) = delete;
  Snapshots& operator=(const Snapshots&) = delete;

  [[nodiscard]] std::size_t open() const { return running_.size(); }

  // Told when one finds the view's file damaged; it may be told again.
  void on_damaged(std::function<void()> told) { on_damaged_ = std::move(told); }

 private:
  // What the thread works on.
  struct Source {
    std::string topic;
    std::uint32_t tag = 0;
    std::unique_ptr<ViewReader> view;  // holds the moment
    std::optional<std::string> last_key;
  };

  struct Running {
    network::HttpReplyPtr reply;
    std::shared_ptr<Source> source;
    std::unique_ptr<Timer> limit;
    bool has_begun = false;
    bool is_reading = false;
  };

  struct Page {
    Buffer lines;
    bool is_last = false;
  };

  static Result<Page> begin(Source& source, const std::string& path);
  static Result<Page> go_on(Source& source);

  void ask(const network::HttpRequest& request, const network::HttpReplyPtr& reply);
  [[nodiscard]] Result<std::string> topic_of(const network::HttpRequest& request) const;
  void read(std::uint64_t id);
  void on_page(std::uint64_t id, const Result<Page>& page);
  void fail_with(std::uint64_t id, const Error& why);
  void give_up(std::uint64_t id, const Error& why);

  Context context_;
  Limits limits_;
  std::map<std::uint64_t, Running> running_;
  std::uint64_t last_id_ = 0;
  std::function<void()> on_damaged_;
  Counter& cut_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Worker reader_{"snapshots"};  // last: joined before what it uses goes
};

}  // namespace xylem::consumer_app
