#include "consumer-app/snapshots.h"

#include "common/batch/record_json.h"
#include "common/check.h"
#include "consumer-app/answers.h"
#include "consumer-app/change_position.h"

#include <algorithm>
#include <utility>

namespace xylem::consumer_app {

using network::HttpReplyPtr;
using network::HttpRequest;
using network::HttpResponse;

namespace {

HttpResponse head() {
  HttpResponse response{.status = 200, .content_type = "application/x-ndjson"};
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

std::string first_line(const std::string& topic, const CopyState& copy) {
  std::string out = "{\"topic\":";
  append_json_bytes(bytes_of(topic), out);
  out += ",\"topicId\":\"" + copy.incarnation.topic.text() + "\"";
  out += ",\"generation\":" + std::to_string(copy.incarnation.generation);
  out += ",\"keys\":" + std::to_string(copy.keys) + ",\"cursor\":{";
  for (const auto& [partition, next] : copy.cursors) {
    if (!out.ends_with('{')) out += ',';
    out += '"' + std::to_string(partition.value()) + "\":" + std::to_string(next.value());
  }
  const Position position = {{topic, {.tag = copy.tag, .next = copy.cursors}}};
  return out += "},\"position\":\"" + position_text(position) + "\"}\n";
}

}  // namespace

Snapshots::Snapshots(const Context& context, network::HttpServer& server, const Limits& limits)
    : context_(context),
      limits_(limits),
      cut_(context.metrics.counter("xylem_consumer_snapshots_cut_total",
                                   "Snapshots that were given up before their end.")) {
  server.route("GET", "/api/query/snapshot",
               network::with_arguments({"topic"}, [this, alive = std::weak_ptr(alive_)](
                                                      const auto& request, const auto& reply) {
                 if (alive.lock()) ask(request, reply);
               }));
}

Snapshots::~Snapshots() = default;

void Snapshots::ask(const HttpRequest& request, const HttpReplyPtr& reply) {
  context_.loop.check_here();
  auto topic = topic_of(request);
  if (!topic) return reply->send_error(topic.error());
  if (running_.size() >= limits_.snapshots_max)
    return reply->send_error(
        Error(Errc::kQuotaExceeded,
              "more than " + std::to_string(limits_.snapshots_max) + " snapshots at once",
              "ask again when one has ended"));
  if (request.method == "HEAD") return reply->send(head());
  const std::uint64_t id = ++last_id_;
  const auto weak = std::weak_ptr(alive_);
  reply->on_gone([this, id, weak] {
    if (weak.lock()) running_.erase(id);
  });
  reply->on_drained([this, id, weak] {
    if (weak.lock() && running_.contains(id)) read(id);
  });
  auto& running = running_[id];
  running.reply = reply;
  running.source = std::make_shared<Source>(*std::move(topic));
  running.limit = std::make_unique<Timer>(context_.loop);
  running.limit->start(limits_.time_limit_ms, 0, [this, id] {
    give_up(id, {Errc::kTimeout, "a snapshot took longer than it may"});
  });
  read(id);
}

Result<std::string> Snapshots::topic_of(const HttpRequest& request) const {
  std::string topic(request.argument("topic"));
  if (topic.empty() && context_.topics.size() == 1) return context_.topics.front();
  if (topic.empty()) return fail(Errc::kInvalidRequest, "topic: required, there are several");
  if (std::ranges::find(context_.topics, topic) != context_.topics.end()) return topic;
  return fail(Errc::kNotFound, "topic: \"" + topic + "\" is not kept here");
}

Result<Snapshots::Page> Snapshots::begin(Source& source, const std::string& path) {
  auto view = ViewReader::open(path);
  if (!view) return pass(view);
  if (auto held = (*view)->hold(); !held) return pass(held);
  if (auto whole = (*view)->check_whole(source.topic); !whole) return pass(whole);
  auto copies = (*view)->copies();
  if (!copies) return pass(copies);
  const CopyState& copy = *copies->at(source.topic).current;
  source.view = std::move(*view);
  source.tag = copy.tag;
  Page page;
  append(bytes_of(first_line(source.topic, copy)), page.lines);
  return page;
}

Result<Snapshots::Page> Snapshots::go_on(Source& source) {
  Page page;
  std::optional<std::string> last_key;
  auto walked =
      source.view->walk({.topic = source.topic, .tag = source.tag, .after = source.last_key},
                        [&](std::string_view key, const Entry& entry) {
                          append(bytes_of(entry_json(source.topic, key, entry) + "\n"), page.lines);
                          last_key = key;
                          return page.lines.size() < kPageBytes;
                        });
  if (!walked) return pass(walked);
  if (last_key) source.last_key = std::move(last_key);
  page.is_last = *walked;
  return page;
}

// One page of each is out at a time; but those of clients that went away may fill the queue.
void Snapshots::read(std::uint64_t id) {
  auto& running = running_.at(id);
  if (std::exchange(running.is_reading, true)) return;
  const bool is_taken = reader_.submit([this, id, source = running.source,
                                        path = context_.view_path, alive = std::weak_ptr(alive_)] {
    auto page = source->view ? go_on(*source) : begin(*source, path);
    context_.loop.answer([this, id, alive, page = std::move(page)] {
      if (alive.lock()) on_page(id, page);
    });
  });
  if (!is_taken) fail_with(id, Error(Errc::kUnavailable, "too many snapshots at once", "retry"));
}

void Snapshots::on_page(std::uint64_t id, const Result<Page>& page) {
  const auto found = running_.find(id);
  if (found == running_.end()) return;
  found->second.is_reading = false;
  if (!page) return fail_with(id, page.error());
  const auto reply = found->second.reply;
  if (!std::exchange(found->second.has_begun, true)) reply->start(head());
  const std::size_t waiting = page->lines.empty() ? 0 : reply->write(Slice::copy(page->lines));
  if (!running_.contains(id)) return;
  if (!page->is_last) return waiting > 0 ? void() : read(id);
  running_.erase(id);
  reply->end();
}

void Snapshots::fail_with(std::uint64_t id, const Error& why) {
  const auto found = running_.find(id);
  if (found->second.has_begun) {
    give_up(id, why);
  } else {
    const auto reply = std::move(found->second.reply);
    running_.erase(found);
    reply->send_error(why);
  }
  if (why.code() == Errc::kCorrupt && on_damaged_) on_damaged_();
}

// The reply that is dropped cuts its connection, or says that it was not answered.
void Snapshots::give_up(std::uint64_t id, const Error& why) {
  context_.logger.warn("snapshot.cut", {{"error", why.what()}});
  cut_.add();
  running_.erase(id);
}

}  // namespace xylem::consumer_app
