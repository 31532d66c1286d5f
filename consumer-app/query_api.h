// The HTTP side: queries, health and metrics.
//
//   GET /api/query/key/{key}          the current value, or 404; keys may contain slashes. With an
//                                     ETag; If-None-Match is answered with 304
//   GET /api/query/keys               ?prefix= &after= (or &afterBase64=) &limit=
//   GET /api/query/offset/{n}         the record stored at an offset
//   GET /api/query/range              ?from= &to= &limit=
//   GET /api/query/history/{key}      ?after= &limit=: every stored record of a key
//   GET /api/query/stats, segments, health;  GET /healthz, /readyz, /metrics
//   (GET /api/query/changes: change_streams.h; GET /api/query/snapshot: snapshots.h)
//
// `topic` selects one of several topics. A key's lookup without it takes the first topic, in the
// order configured, that has the key; the others then refuse. `partition` may be left out where the
// topic has just one.
//
// What the view answers is of a whole copy: while a topic's first copy is built, or one that was
// lost is built again, it answers 503 and says so. Offsets, ranges and histories come from the log
// and are answered meanwhile.
//
// Lookups (SQLite) and scans (logs) have a thread each, so that a long scan delays no lookup and
// neither delays the stream.
//
// Threads: the loop's. Limits: `limit` 1..kLimitMax.
#pragma once

#include "common/clock.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/result.h"
#include "common/worker.h"
#include "consumer-app/answers.h"
#include "consumer-app/applier.h"
#include "consumer-app/change_streams.h"
#include "consumer-app/record_log.h"
#include "consumer-app/snapshots.h"
#include "consumer-app/stream.h"
#include "consumer-app/view_reader.h"
#include "network/http/http_server.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace xylem::consumer_app {

class QueryApi {
 public:
  static constexpr std::int64_t kLimitMax = 1'000;

  struct Context {
    Loop& loop;
    const Clock& clock;
    Metrics& metrics;
    const Stream& stream;
    const Applier& applier;
    const RecordLog& log;
    const ChangeStreams& changes;
    const Snapshots& snapshots;
  };

  QueryApi(const Context& context, std::unique_ptr<ViewReader> view, network::HttpServer& server);
  ~QueryApi();
  QueryApi(const QueryApi&) = delete;
  QueryApi& operator=(const QueryApi&) = delete;

  // Told when a lookup finds the view's file damaged; it may be told again.
  void on_damaged(std::function<void()> told) { on_damaged_ = std::move(told); }

 private:
  using Request = network::HttpRequest;
  using Reply = network::HttpReplyPtr;
  using Query = std::function<Result<std::string>()>;  // off the loop; the answer is JSON
  using Lookup = std::function<Result<network::HttpResponse>()>;  // off the loop, of the view
  using Handler = void (QueryApi::*)(const Request&, const Reply&);

  void route(network::HttpServer& server, std::string_view pattern, Handler handler);

  void key(const Request& request, const Reply& reply);
  void keys(const Request& request, const Reply& reply);
  void offset(const Request& request, const Reply& reply);
  void range(const Request& request, const Reply& reply);
  void history(const Request& request, const Reply& reply);
  void stats(const Request& request, const Reply& reply);
  void segments(const Request& request, const Reply& reply);
  void health(const Request& request, const Reply& reply);
  void alive(const Request& request, const Reply& reply);
  void ready(const Request& request, const Reply& reply);
  void metrics(const Request& request, const Reply& reply);

  [[nodiscard]] Result<std::string> topic_of(const Request& request) const;
  [[nodiscard]] Result<std::vector<TopicLog>> logs_of(const std::string& topic) const;
  [[nodiscard]] Result<TopicLog> log_of(const Request& request, const std::string& topic) const;
  [[nodiscard]] Result<network::HttpResponse> value_of(const std::vector<std::string>& topics,
                                                       const std::string& key,
                                                       std::string_view if_none_match);
  [[nodiscard]] Health look() const;
  [[nodiscard]] Activity activity() const;
  [[nodiscard]] Error not_whole(const Error& error) const;

  void look_up(const Reply& reply, Lookup lookup);
  void scan(const Reply& reply, Query query);
  void ask(Worker& worker, const Reply& reply, std::function<void(std::uint64_t id)> work);
  void finish_lookup(std::uint64_t id, const Result<network::HttpResponse>& result);
  void finish_scan(std::uint64_t id, const Result<std::string>& result);
  [[nodiscard]] Reply take_waiting(std::uint64_t id);

  Context context_;
  std::unique_ptr<ViewReader> view_;  // the lookups' thread's
  std::int64_t started_ms_;
  std::map<std::uint64_t, Reply> waiting_;
  std::uint64_t last_id_ = 0;
  std::function<void()> on_damaged_;
  Counter& queries_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Worker lookups_{"lookups"};  // last: joined before what they use goes
  Worker scans_{"scans"};
};

}  // namespace xylem::consumer_app
