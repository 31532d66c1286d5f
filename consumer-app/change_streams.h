// GET /api/query/changes: what is applied to the view, as server-sent events.
//
//   ?topic=     one topic; else all          ?prefix=   of keys
//   ?from=      now (default): what is applied from here on; start: from the log's start
//   Last-Event-ID                            goes on behind that event
//
//   event: change   change_pages.h
//   event: reset    {"topic","topicId","generation","reason"}: what is held of the topic is to be
//                   thrown away; its copy follows. reason: refresh (another copy took its place),
//                   history (the log no longer has what the position needs), resumed (the stream
//                   ended between reset and ready)
//   event: ready    {"topic","topicId","generation"}: the copy is whole, changes follow
//
// Between reset and ready a key may be told twice; the last one counts. Order is kept within a
// partition. A comment, with the position so far, comes first and then every heartbeat_ms.
//
// A client is its cursors (change_cursor.h) and at most one page: the next is read, on a thread,
// once its socket has taken the last. One that takes nothing is closed by the server's deadline,
// and goes on with its last id.
//
// Limits: Limits (more: kQuotaExceeded); kPositionBytesMax. Threads: the loop's.
#pragma once

#include "common/loop.h"
#include "common/metrics.h"
#include "common/result.h"
#include "common/timer.h"
#include "common/worker.h"
#include "consumer-app/applier.h"
#include "consumer-app/change_cursor.h"
#include "consumer-app/change_pages.h"
#include "consumer-app/record_log.h"
#include "consumer-app/view_reader.h"
#include "network/http/http_server.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace xylem::consumer_app {

class ChangeStreams {
 public:
  struct Limits {
    std::size_t streams_max = 128;
    std::uint64_t heartbeat_ms = 15'000;
  };

  struct Context {
    Loop& loop;
    Metrics& metrics;
    Applier& applier;
    RecordLog& log;
    const std::vector<std::string>& topics;
  };

  ChangeStreams(const Context& context,
                std::unique_ptr<ViewReader> view,
                network::HttpServer& server,
                const Limits& limits);
  ~ChangeStreams();
  ChangeStreams(const ChangeStreams&) = delete;
  ChangeStreams& operator=(const ChangeStreams&) = delete;

  [[nodiscard]] std::size_t streams() const { return clients_.size(); }

  // Told when a reader finds the view's file damaged; it may be told again.
  void on_damaged(std::function<void()> told) { on_damaged_ = std::move(told); }

 private:
  struct Client {
    network::HttpReplyPtr reply;
    std::string prefix;
    ChangeCursor cursor;
    bool is_reading = false;
    bool is_full = false;  // until its socket has taken what was written
  };

  void open(const network::HttpRequest& request, const network::HttpReplyPtr& reply);
  [[nodiscard]] Result<ChangeCursor> cursor_for(const network::HttpRequest& request) const;
  void add(Client client);
  void go_on_all();
  void go_on(std::uint64_t id);
  void take(std::uint64_t id, const Announce& step);
  void take(std::uint64_t id, ReadLog step);
  void take(std::uint64_t id, ReadCopy step);
  void on_log_page(std::uint64_t id, const ReadLog& step, Result<LogPage> page);
  void on_copy_page(std::uint64_t id, const ReadCopy& step, Result<CopyPage> page);
  void hand_to_reader(std::uint64_t id, std::function<void()> work);
  void answer(std::function<void()> on_loop);
  Client* done_reading(std::uint64_t id);  // null: it has left
  [[nodiscard]] bool is_current(const std::string& topic, std::uint32_t tag) const;
  void end(std::uint64_t id, const Error& why);
  void write(std::uint64_t id, Buffer text);
  void beat();

  Context context_;
  Limits limits_;
  std::unique_ptr<ViewReader> view_;  // the thread's
  std::map<std::uint64_t, Client> clients_;
  std::uint64_t last_id_ = 0;
  std::function<void()> on_damaged_;
  Counter& bytes_;
  Counter& resets_;
  Timer heartbeat_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Worker reader_{"changes"};  // last: joined before what it uses goes
};

}  // namespace xylem::consumer_app
