#include "consumer-app/query_api.h"

#include "common/check.h"
#include "common/text_encoding.h"
#include "consumer-app/etag.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>
#include <vector>

namespace xylem::consumer_app {
namespace {

using network::HttpResponse;

constexpr std::int64_t kLimitDefault = 100;

std::string path_argument(const network::HttpRequest& request, const std::string& name) {
  const auto found = request.path_args.find(name);
  return found == request.path_args.end() ? std::string() : found->second;
}

Result<std::size_t> limit_of(const network::HttpRequest& request) {
  auto limit = request.number("limit", kLimitDefault, 1, QueryApi::kLimitMax);
  if (!limit) return pass(limit);
  return static_cast<std::size_t>(*limit);
}

}  // namespace

QueryApi::QueryApi(const Context& context,
                   std::unique_ptr<ViewReader> view,
                   network::HttpServer& server)
    : context_(context),
      view_(std::move(view)),
      started_ms_(context.clock.monotonic_ms()),
      queries_(context.metrics.counter("xylem_consumer_queries_total", "Queries asked.")) {
  route(server, "/api/query/key/{key*}", &QueryApi::key);
  route(server, "/api/query/keys", &QueryApi::keys);
  route(server, "/api/query/offset/{offset}", &QueryApi::offset);
  route(server, "/api/query/range", &QueryApi::range);
  route(server, "/api/query/history/{key*}", &QueryApi::history);
  route(server, "/api/query/stats", &QueryApi::stats);
  route(server, "/api/query/segments", &QueryApi::segments);
  route(server, "/api/query/health", &QueryApi::health);
  route(server, "/healthz", &QueryApi::alive);
  route(server, "/readyz", &QueryApi::ready);
  route(server, "/metrics", &QueryApi::metrics);
}

QueryApi::~QueryApi() = default;

void QueryApi::route(network::HttpServer& server, std::string_view pattern, Handler handler) {
  server.route(
      "GET", pattern,
      [this, handler, alive = std::weak_ptr(alive_)](const Request& request, const Reply& reply) {
        if (alive.lock()) (this->*handler)(request, reply);
      });
}

void QueryApi::key(const Request& request, const Reply& reply) {
  std::vector<std::string> topics = context_.stream.topics();
  if (!request.argument("topic").empty()) {
    auto topic = topic_of(request);
    if (!topic) return reply->send_error(topic.error());
    topics = {*topic};
  }
  look_up(reply, [this, topics, key = path_argument(request, "key"),
                  known = std::string(request.header("if-none-match"))] {
    return value_of(topics, key, known);
  });
}

Result<HttpResponse> QueryApi::value_of(const std::vector<std::string>& topics,
                                        const std::string& key,
                                        std::string_view if_none_match) {
  for (const auto& topic : topics) {
    if (auto whole = view_->check_whole(topic); !whole) return pass(whole);
    auto entry = view_->find(topic, key);
    if (!entry && entry.error().code() == Errc::kNotFound) continue;
    if (!entry) return pass(entry);
    const auto etag = record_etag({entry->incarnation, entry->partition}, entry->offset);
    const bool is_known = matches_etag(if_none_match, etag);
    auto response = is_known ? HttpResponse{.status = 304}
                             : HttpResponse::json(200, entry_json(topic, key, *entry));
    response.headers.emplace_back("ETag", etag);
    return response;
  }
  return fail(Errc::kNotFound, "there is no such key");
}

void QueryApi::keys(const Request& request, const Reply& reply) {
  auto topic = topic_of(request);
  if (!topic) return reply->send_error(topic.error());
  const auto limit = limit_of(request);
  if (!limit) return reply->send_error(limit.error());
  std::optional<std::string> after;
  if (request.query.contains("after")) after = request.argument("after");
  if (request.query.contains("afterBase64")) {
    auto decoded = base64_decode(request.argument("afterBase64"));
    if (!decoded) return reply->send_error(std::move(decoded).error().within("afterBase64"));
    after = text_of(*decoded);
  }
  look_up(reply,
          [this, topic = *topic, after, prefix = std::string(request.argument("prefix")),
           limit = *limit]() -> Result<HttpResponse> {
            if (auto whole = view_->check_whole(topic); !whole) return pass(whole);
            auto found = view_->keys(topic, {.prefix = prefix, .after = after, .limit = limit + 1});
            if (!found) return pass(found);
            return HttpResponse::json(200, keys_json(topic, *found, limit));
          });
}

void QueryApi::offset(const Request& request, const Reply& reply) {
  auto topic = topic_of(request);
  if (!topic) return reply->send_error(topic.error());
  const std::string text = path_argument(request, "offset");
  std::int64_t offset = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || offset < 0)
    return reply->send_error(Error(Errc::kInvalidRequest, "the offset is not a number from 0 up"));
  auto log = log_of(request, *topic);
  if (!log) return reply->send_error(log.error());
  scan(reply,
       [topic = *topic, log = *log, offset] { return record_at_json(topic, log, Offset(offset)); });
}

void QueryApi::range(const Request& request, const Reply& reply) {
  auto topic = topic_of(request);
  if (!topic) return reply->send_error(topic.error());
  auto log = log_of(request, *topic);
  if (!log) return reply->send_error(log.error());
  const auto limit = limit_of(request);
  if (!limit) return reply->send_error(limit.error());
  const auto from = request.number("from", log->log->start_offset().value(), 0, INT64_MAX);
  if (!from) return reply->send_error(from.error());
  const auto to = request.number("to", INT64_MAX, 0, INT64_MAX);
  if (!to) return reply->send_error(to.error());
  const OffsetRange range{Offset(*from), Offset(*to), *limit};
  scan(reply, [topic = *topic, log = *log, range] { return range_json(topic, log, range); });
}

void QueryApi::history(const Request& request, const Reply& reply) {
  auto topic = topic_of(request);
  if (!topic) return reply->send_error(topic.error());
  auto logs = logs_of(*topic);
  if (!logs) return reply->send_error(logs.error());
  const auto limit = limit_of(request);
  if (!limit) return reply->send_error(limit.error());
  HistoryPlace place;
  if (request.query.contains("after")) {
    const auto parsed = HistoryPlace::parse(request.argument("after"));
    if (!parsed) return reply->send_error(parsed.error());
    place = *parsed;
  }
  scan(reply, [topic = *topic, key = path_argument(request, "key"), logs = *logs, place,
               limit = *limit] { return history_json(topic, key, logs, place, limit); });
}

void QueryApi::stats(const Request& /*request*/, const Reply& reply) {
  const LogSize size{context_.log.segments().size(), context_.log.bytes()};
  look_up(reply,
          [this, topics = context_.stream.topics(), size,
           doing = activity()]() -> Result<HttpResponse> {
            auto copies = view_->copies();
            if (!copies) return pass(copies);
            return HttpResponse::json(200, stats_json(topics, *copies, size, doing));
          });
}

void QueryApi::segments(const Request& /*request*/, const Reply& reply) {
  reply->send(HttpResponse::json(200, segments_json(context_.log.segments())));
}

void QueryApi::health(const Request& /*request*/, const Reply& reply) {
  const auto health = look();
  reply->send(HttpResponse::json(health.failure.empty() ? 200 : 503, health_json(health)));
}

void QueryApi::alive(const Request& /*request*/, const Reply& reply) {
  reply->send(HttpResponse::text(200, "ok\n"));
}

void QueryApi::ready(const Request& /*request*/, const Reply& reply) {
  const auto health = look();
  reply->send(HttpResponse::json(health.is_ready() ? 200 : 503, health_json(health)));
}

void QueryApi::metrics(const Request& /*request*/, const Reply& reply) {
  auto response = HttpResponse::text(200, context_.metrics.text());
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  reply->send(std::move(response));
}

Result<std::string> QueryApi::topic_of(const Request& request) const {
  const auto& topics = context_.stream.topics();
  std::string topic(request.argument("topic"));
  if (topic.empty()) {
    if (topics.size() == 1) return topics.front();
    return fail(Errc::kInvalidRequest, "topic: required, there are several");
  }
  if (std::ranges::find(topics, topic) != topics.end()) return topic;
  return fail(Errc::kNotFound, "topic: \"" + topic + "\" is not kept here");
}

Result<std::vector<TopicLog>> QueryApi::logs_of(const std::string& topic) const {
  const auto* state = context_.stream.topic(topic);
  XYLEM_CHECK(state != nullptr);
  const auto incarnation = state->incarnation();
  if (!incarnation) return fail(Errc::kNotFound, "nothing of " + topic + " has arrived yet");
  return context_.log.partitions(*incarnation);
}

Result<TopicLog> QueryApi::log_of(const Request& request, const std::string& topic) const {
  auto partition = request.number("partition", -1, 0, INT32_MAX);
  if (!partition) return pass(partition);
  auto logs = logs_of(topic);
  if (!logs) return pass(logs);
  if (*partition == -1 && logs->size() > 1)
    return fail(Errc::kInvalidRequest, "partition: required, " + topic + " has several");
  for (auto& log : *logs) {
    if (*partition == -1 || log.partition.value() == *partition) return std::move(log);
  }
  return fail(Errc::kNotFound, "no record of that partition has arrived yet");
}

Health QueryApi::look() const {
  Health health{.connected = context_.stream.is_connected(),
                .failure = {},
                .last_error = context_.stream.last_error(),
                .topics = {}};
  if (const auto log = context_.log.health(); !log) health.failure = log.error().what();
  if (!context_.applier.health()) health.failure = context_.applier.health().error().what();
  for (const auto& name : context_.stream.topics()) {
    const auto* topic = context_.stream.topic(name);
    const auto stored = context_.applier.health(name);
    if (!stored) health.failure = "topic " + name + ": " + stored.error().what();
    health.topics.push_back({.topic = name,
                             .whole = topic->is_whole(),
                             .rebuilding = topic->is_rebuilding(),
                             .lag = topic->lag(),
                             .failure = stored ? "" : stored.error().what()});
  }
  return health;
}

Activity QueryApi::activity() const {
  Activity activity{.connected = context_.stream.is_connected(),
                    .uptime_ms = context_.clock.monotonic_ms() - started_ms_,
                    .records_applied = context_.applier.records_applied(),
                    .change_streams = context_.changes.streams(),
                    .snapshots = context_.snapshots.open(),
                    .lag = {},
                    .gaps = {}};
  for (const auto& topic : context_.stream.topics()) {
    const auto* state = context_.stream.topic(topic);
    activity.lag[topic] = state->lag();
    activity.gaps[topic] = state->gaps();
  }
  return activity;
}

Error QueryApi::not_whole(const Error& error) const {
  std::string_view how = "it is filled from the broker";
  if (!context_.stream.is_connected()) how = "it is filled from the broker, which is not connected";
  if (!context_.stream.is_started()) how = "it is built again from the record log";
  return {error.code(), error.what() + ": " + std::string(how),
          "ask again; /api/query/health tells how far it is"};
}

void QueryApi::look_up(const Reply& reply, Lookup lookup) {
  ask(lookups_, reply,
      [this, lookup = std::move(lookup), alive = std::weak_ptr(alive_)](std::uint64_t id) {
        context_.loop.answer([this, id, alive, result = lookup()] {
          if (alive.lock()) finish_lookup(id, result);
        });
      });
}

void QueryApi::scan(const Reply& reply, Query query) {
  ask(scans_, reply,
      [this, query = std::move(query), alive = std::weak_ptr(alive_)](std::uint64_t id) {
        context_.loop.answer([this, id, alive, result = query()] {
          if (alive.lock()) finish_scan(id, result);
        });
      });
}

// The reply stays on the loop; only the work travels.
void QueryApi::ask(Worker& worker, const Reply& reply, std::function<void(std::uint64_t id)> work) {
  queries_.add();
  const std::uint64_t id = ++last_id_;
  if (!worker.submit([id, work = std::move(work)] { work(id); }))
    return reply->send_error(Error(Errc::kUnavailable, "too many queries at once"));
  waiting_.emplace(id, reply);
}

void QueryApi::finish_lookup(std::uint64_t id, const Result<HttpResponse>& result) {
  const auto reply = take_waiting(id);
  if (result) return reply->send(*result);
  const auto& error = result.error();
  reply->send_error(error.code() == Errc::kUnavailable ? not_whole(error) : error);
  if (error.code() == Errc::kCorrupt && on_damaged_) on_damaged_();
}

void QueryApi::finish_scan(std::uint64_t id, const Result<std::string>& result) {
  const auto reply = take_waiting(id);
  if (!result) return reply->send_error(result.error());
  reply->send(HttpResponse::json(200, *result));
}

QueryApi::Reply QueryApi::take_waiting(std::uint64_t id) {
  return std::move(waiting_.extract(id).mapped());
}

}  // namespace xylem::consumer_app
