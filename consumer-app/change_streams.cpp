#include "consumer-app/change_streams.h"

#include "common/check.h"

#include <algorithm>
#include <utility>

namespace xylem::consumer_app {

using network::HttpReplyPtr;
using network::HttpRequest;
using network::HttpResponse;

namespace {

constexpr std::string_view kEventStream = "text/event-stream";

// A comment, and the position without an event.
Buffer sign_of_life(const ChangeCursor& cursor) {
  Buffer out;
  append(bytes_of(":\nid: " + cursor.position() + "\n\n"), out);
  return out;
}

}  // namespace

ChangeStreams::ChangeStreams(const Context& context,
                             std::unique_ptr<ViewReader> view,
                             network::HttpServer& server,
                             const Limits& limits)
    : context_(context),
      limits_(limits),
      view_(std::move(view)),
      bytes_(context.metrics.counter("xylem_consumer_change_bytes_total",
                                     "Bytes written to readers of changes.")),
      resets_(context.metrics.counter("xylem_consumer_change_resets_total",
                                      "Readers of changes that were told to begin anew.")),
      heartbeat_(context.loop) {
  server.route("GET", "/api/query/changes",
               network::with_arguments(
                   {"topic", "prefix", "from"},
                   [this, alive = std::weak_ptr(alive_)](const auto& request, const auto& reply) {
                     if (alive.lock()) open(request, reply);
                   }));
  const auto wake = [this, alive = std::weak_ptr(alive_)] {
    if (alive.lock()) go_on_all();
  };
  context_.applier.on_applied(wake);
  context_.log.on_written(wake);
  heartbeat_.start(limits_.heartbeat_ms, limits_.heartbeat_ms, [this] { beat(); });
}

ChangeStreams::~ChangeStreams() {
  const auto clients = std::exchange(clients_, {});
  for (const auto& [id, client] : clients) client.reply->end();
}

void ChangeStreams::open(const HttpRequest& request, const HttpReplyPtr& reply) {
  context_.loop.check_here();
  if (clients_.size() >= limits_.streams_max)
    return reply->send_error(
        Error(Errc::kQuotaExceeded,
              "more than " + std::to_string(limits_.streams_max) + " streams of changes are open"));
  auto cursor = cursor_for(request);
  if (!cursor) return reply->send_error(cursor.error());
  HttpResponse head{.status = 200, .content_type = std::string(kEventStream)};
  head.headers.emplace_back("Cache-Control", "no-store");
  if (request.method == "HEAD") return reply->send(std::move(head));
  reply->start(std::move(head));
  add({.reply = reply,
       .prefix = std::string(request.argument("prefix")),
       .cursor = *std::move(cursor)});
}

Result<ChangeCursor> ChangeStreams::cursor_for(const HttpRequest& request) const {
  std::vector<std::string> topics = context_.topics;
  const std::string topic(request.argument("topic"));
  if (!topic.empty()) {
    if (std::ranges::find(topics, topic) == topics.end())
      return fail(Errc::kNotFound, "topic: \"" + topic + "\" is not kept here");
    topics = {topic};
  }
  const auto from = request.argument("from");
  if (!from.empty() && from != "now" && from != "start")
    return fail(Errc::kInvalidRequest, "from: must be now or start");
  const auto last = request.header("last-event-id");
  auto position = parse_position(last);
  if (!position) return pass(position);
  auto now = ChangeCursor::now(topics, context_.applier.applied());
  if (now.position().size() > kPositionBytesMax)
    return fail(Errc::kInvalidRequest, "topic: required, all together have too many partitions");
  return last.empty() && from != "start" ? now : ChangeCursor::at(topics, *position);
}

void ChangeStreams::add(Client client) {
  const std::uint64_t id = ++last_id_;
  client.reply->on_gone([this, id, alive = std::weak_ptr(alive_)] {
    if (alive.lock()) clients_.erase(id);
  });
  client.reply->on_drained([this, id, alive = std::weak_ptr(alive_)] {
    if (!alive.lock()) return;
    const auto found = clients_.find(id);
    if (found == clients_.end()) return;
    found->second.is_full = false;
    go_on(id);
  });
  const auto added = clients_.emplace(id, std::move(client)).first;
  write(id, sign_of_life(added->second.cursor));
  go_on(id);
}

void ChangeStreams::go_on_all() {
  std::vector<std::uint64_t> ids;  // a write may lose a client
  for (const auto& [id, client] : clients_) {
    if (!client.is_reading && !client.is_full) ids.push_back(id);
  }
  for (const auto id : ids) go_on(id);
}

void ChangeStreams::go_on(std::uint64_t id) {
  for (;;) {
    const auto found = clients_.find(id);
    if (found == clients_.end() || found->second.is_reading || found->second.is_full) return;
    auto step = found->second.cursor.next(context_.applier.applied(), context_.log);
    if (std::holds_alternative<std::monostate>(step)) return;
    if (auto* announce = std::get_if<Announce>(&step)) take(id, *announce);
    if (auto* read = std::get_if<ReadLog>(&step)) take(id, std::move(*read));
    if (auto* read = std::get_if<ReadCopy>(&step)) take(id, std::move(*read));
  }
}

void ChangeStreams::take(std::uint64_t id, const Announce& step) {
  if (step.event == "reset") resets_.add();
  const auto event = network::sse_event(step.event, step.data, step.position);
  write(id, Buffer(event.bytes.begin(), event.bytes.end()));
}

void ChangeStreams::take(std::uint64_t id, ReadLog step) {
  hand_to_reader(id, [this, id, step = std::move(step), prefix = clients_.at(id).prefix] {
    auto page = std::make_shared<Result<LogPage>>(read_log_page(step, prefix));
    answer([this, id, step, page] { on_log_page(id, step, std::move(*page)); });
  });
}

void ChangeStreams::take(std::uint64_t id, ReadCopy step) {
  hand_to_reader(id, [this, id, step = std::move(step), prefix = clients_.at(id).prefix] {
    auto page = std::make_shared<Result<CopyPage>>(read_copy_page(*view_, step, prefix));
    answer([this, id, step, page] { on_copy_page(id, step, std::move(*page)); });
  });
}

// What was read of a copy that is no longer the current one is of no use: a reset follows.
void ChangeStreams::on_log_page(std::uint64_t id, const ReadLog& step, Result<LogPage> page) {
  auto* client = done_reading(id);
  if (client == nullptr) return;
  if (!page && page.error().code() == Errc::kIo) return end(id, page.error());
  if (!is_current(step.topic, step.tag)) return go_on(id);
  if (page) {
    client->cursor.read(step, page->next);
    write(id, std::move(page->events));
  } else {
    client->cursor.lose(step);
  }
  go_on(id);
}

void ChangeStreams::on_copy_page(std::uint64_t id, const ReadCopy& step, Result<CopyPage> page) {
  auto* client = done_reading(id);
  if (client == nullptr) return;
  const bool is_gone = !page && page.error().code() == Errc::kNotFound;
  if (!page && !is_gone) return end(id, page.error());
  // The flip is in the file before it is told here: the next commit's notice goes on.
  if (is_gone && is_current(step.topic, step.tag)) return;
  if (!is_current(step.topic, step.tag)) return go_on(id);
  if (page->last_key) client->cursor.read(step, *page->last_key);
  if (page->is_last) client->cursor.read_all(step, context_.applier.applied());
  write(id, std::move(page->events));
  go_on(id);
}

// A client has one page out at a time; but those of clients that went away may fill the queue.
void ChangeStreams::hand_to_reader(std::uint64_t id, std::function<void()> work) {
  clients_.at(id).is_reading = true;
  if (!reader_.submit(std::move(work)))
    end(id, Error(Errc::kUnavailable, "too many pages are being read", "connect again"));
}

void ChangeStreams::answer(std::function<void()> on_loop) {
  context_.loop.answer([alive = std::weak_ptr(alive_), run = std::move(on_loop)] {
    if (alive.lock()) run();
  });
}

ChangeStreams::Client* ChangeStreams::done_reading(std::uint64_t id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return nullptr;
  found->second.is_reading = false;
  return &found->second;
}

bool ChangeStreams::is_current(const std::string& topic, std::uint32_t tag) const {
  const auto& applied = context_.applier.applied();
  const auto found = applied.find(topic);
  return found != applied.end() && found->second.current && found->second.current->tag == tag;
}

// Cut, so that it does not look like an end: the client comes back with its last id.
void ChangeStreams::end(std::uint64_t id, const Error& why) {
  clients_.erase(id);
  if (why.code() == Errc::kCorrupt && on_damaged_) on_damaged_();
}

void ChangeStreams::write(std::uint64_t id, Buffer text) {
  if (text.empty()) return;
  bytes_.add(text.size());
  const auto reply = clients_.at(id).reply;
  const bool is_full = reply->write(Slice::own(std::move(text))) > 0;
  const auto found = clients_.find(id);
  if (found != clients_.end()) found->second.is_full = is_full;
}

void ChangeStreams::beat() {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, client] : clients_) {
    if (!client.is_reading && !client.is_full) ids.push_back(id);
  }
  for (const auto id : ids) {
    const auto found = clients_.find(id);
    if (found != clients_.end()) write(id, sign_of_life(found->second.cursor));
  }
}

}  // namespace xylem::consumer_app
