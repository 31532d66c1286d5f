#include "network/http/http_connection.h"

#include "network/http/http_reply.h"
#include "network/http/response_head.h"

#include <array>
#include <charconv>
#include <utility>

namespace xylem::network {
namespace {

// Up to here head and body are copied together: one small write.
constexpr std::size_t kCopiedBytes = 4ULL * 1024;

Slice text_slice(std::string_view text) { return Slice::copy(bytes_of(text)); }

std::size_t body_bytes(const HttpResponse& response) {
  std::size_t bytes = 0;
  for (const auto& piece : response.body) bytes += piece.bytes.size();
  return bytes;
}

std::string chunk_head(std::size_t bytes) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), bytes, 16).ptr;
  return std::string(digits.data(), end) + "\r\n";
}

}  // namespace

HttpConnection::HttpConnection(std::shared_ptr<Stream> stream, HttpShared& shared)
    : stream_(std::move(stream)), shared_(&shared), deadline_(shared.loop), stall_(shared.loop) {}

HttpConnection::~HttpConnection() { stream_->set_events(nullptr); }

void HttpConnection::start() {
  expect_head();
  stream_->set_events(this);
}

void HttpConnection::detach() {
  shared_ = nullptr;
  is_closing_ = true;
  exchange_.reset();
  deadline_.stop();
  stall_.stop();
  stream_->set_events(nullptr);
}

void HttpConnection::expect_head() {
  deadline_.start(shared_->limits.head_timeout_ms, 0,
                  [this] { give_up(408, "the head took too long"); });
}

// A peer that has sent part of a request is told; one that has sent nothing just loses its place.
void HttpConnection::give_up(int status, std::string why) {
  const auto self = shared_from_this();
  if (parser_)
    refuse({status, std::move(why)});
  else
    stream_->close({Errc::kTimeout, std::move(why)});
}

bool HttpConnection::may_serve() const {
  return !exchange_ && !is_closing_ && stream_->queued_bytes() < kOutputPauseBytes;
}

void HttpConnection::on_bytes(Bytes bytes) {
  if (may_serve() && unread_.empty()) {
    consume(bytes);
    return;
  }
  append(bytes, unread_);
  if (unread_.size() > kUnreadBytes) stream_->pause_reading(true);
}

void HttpConnection::consume(Bytes bytes) {
  const auto self = shared_from_this();
  is_consuming_ = true;
  while (!bytes.empty() && may_serve()) {
    if (!parser_) {
      parser_ = std::make_unique<HttpRequestParser>(shared_->limits);
      expect_head();
    }
    const auto fed = parser_->feed(bytes);
    if (!fed) {
      refuse(fed.error());
      break;
    }
    if (parser_->is_whole()) {
      serve();
    } else if (parser_->has_head() && !has_seen_head_) {
      has_seen_head_ = true;
      head_is_whole(!parser_->request().body.empty());
    }
  }
  is_consuming_ = false;
  if (is_closing_) return;
  unread_.assign(bytes.begin(), bytes.end());
  if (unread_.empty()) Buffer().swap(unread_);
  stream_->pause_reading(unread_.size() > kUnreadBytes);
  if (!unread_.empty() && may_serve()) resume();
}

void HttpConnection::head_is_whole(bool body_has_begun) {
  deadline_.start(shared_->limits.body_timeout_ms, 0,
                  [this] { give_up(408, "the body took too long"); });
  if (parser_->expects_continue() && !body_has_begun)
    send(text_slice("HTTP/1.1 100 Continue\r\n\r\n"));
}

void HttpConnection::serve() {
  deadline_.stop();
  has_seen_head_ = false;
  const auto parser = std::move(parser_);
  auto& request = parser->request();
  request.peer = stream_->peer();
  exchange_ = HttpExchange{.reply = {},
                           .is_head = request.method == "HEAD",
                           .is_http10 = parser->is_http10(),
                           .closes = !parser->keeps_alive()};
  auto found = shared_->router.find(request.method, parser->raw_path());
  if (!found) {
    answer(problem(found.error()));
  } else if (found->handler != nullptr) {
    call(*found, request);
  } else if (found->allow.empty()) {
    answer(problem(Error(Errc::kNotFound, "nothing at " + request.path)));
  } else {
    auto response = problem(405, Error(Errc::kInvalidRequest, "this path takes " + found->allow));
    response.headers.emplace_back("Allow", found->allow);
    answer(std::move(response));
  }
}

void HttpConnection::call(const HttpRouter::Found& found, HttpRequest& request) {
  request.path_args = found.args;
  auto reply = std::make_shared<ConnectionReply>(weak_from_this());
  if (exchange_) exchange_->reply = reply;
  (*found.handler)(request, std::move(reply));
}

void HttpConnection::refuse(const HttpRefusal& refusal) {
  deadline_.stop();
  exchange_ = HttpExchange{.reply = {}, .closes = true};
  const auto code = refusal.status == 413 ? Errc::kMessageTooLarge : Errc::kInvalidRequest;
  answer(problem(refusal.status, Error(code, refusal.why)));
}

void HttpConnection::answer(HttpResponse response) {
  if (!exchange_ || is_closing_) return;
  const std::size_t bytes = body_bytes(response);
  BodyFraming framing{
      .content_length = bytes, .closes = exchange_->closes, .keeps_alive = exchange_->is_http10};
  if (has_no_body(response.status)) framing.content_length.reset();
  Buffer head;
  append(bytes_of(response_head(response, framing)), head);
  const bool has_body = !exchange_->is_head && !has_no_body(response.status);
  if (has_body && bytes <= kCopiedBytes)
    for (const auto& piece : response.body) append(piece.bytes, head);
  send(Slice::own(std::move(head)));
  if (has_body && bytes > kCopiedBytes)
    for (auto& piece : response.body) send(std::move(piece));
  finish_exchange();
}

void HttpConnection::start_chunks(HttpResponse head) {
  if (!exchange_ || is_closing_) return;
  exchange_->closes = exchange_->closes || exchange_->is_http10;
  const BodyFraming framing{
      .content_length = {}, .is_chunked = !exchange_->is_http10, .closes = exchange_->closes};
  send(text_slice(response_head(head, framing)));
  for (auto& piece : head.body) write_chunk(std::move(piece));
}

std::size_t HttpConnection::write_chunk(Slice piece) {
  if (!exchange_ || is_closing_) return 0;
  if (exchange_->is_head || piece.bytes.empty()) return stream_->queued_bytes();
  if (exchange_->is_http10) {
    send(std::move(piece));
    return stream_->queued_bytes();
  }
  Buffer head;
  append(bytes_of(chunk_head(piece.bytes.size())), head);
  if (piece.bytes.size() <= kCopiedBytes) {
    append(piece.bytes, head);
    append(bytes_of("\r\n"), head);
    send(Slice::own(std::move(head)));
  } else {
    send(Slice::own(std::move(head)));
    send(std::move(piece));
    send(text_slice("\r\n"));
  }
  return stream_->queued_bytes();
}

void HttpConnection::end_chunks() {
  if (!exchange_ || is_closing_) return;
  if (!exchange_->is_head && !exchange_->is_http10) send(text_slice("0\r\n\r\n"));
  finish_exchange();
}

void HttpConnection::cut() {
  if (is_closing_) return;
  is_closing_ = true;
  stream_->abort({Errc::kCancelled, "the answer was given up"});
}

void HttpConnection::finish_exchange() {
  const bool closes = exchange_ && exchange_->closes;
  exchange_.reset();
  parser_.reset();
  has_seen_head_ = false;
  if (closes) {
    is_closing_ = true;
    deadline_.stop();
    stream_->close({Errc::kCancelled, "answered"});
    return;
  }
  deadline_.start(shared_->limits.idle_timeout_ms, 0, [this] { give_up(408, "idle"); });
  if (!is_consuming_ && !unread_.empty()) resume();
}

// Later: whoever called is in the middle of something.
void HttpConnection::resume() {
  if (std::exchange(is_resume_due_, true)) return;
  shared_->turn_end.add([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->shared_ == nullptr) return;
    self->is_resume_due_ = false;
    if (self->may_serve()) self->consume(std::exchange(self->unread_, {}));
  });
}

void HttpConnection::send(Slice piece) {
  stream_->send(std::move(piece));
  if (stream_->queued_bytes() > kOutputBytesMax) {
    is_closing_ = true;
    stream_->abort({Errc::kQuotaExceeded, "the peer does not take its answer"});
    return;
  }
  if (!stall_.is_active()) watch_output();
}

void HttpConnection::watch_output() {
  stall_.start(shared_->limits.write_timeout_ms, 0,
               [this] { stream_->abort({Errc::kTimeout, "the peer does not take its answer"}); });
}

void HttpConnection::on_sent() {
  const auto self = shared_from_this();
  stall_.stop();
  if (stream_->queued_bytes() > 0) {
    watch_output();
  } else if (exchange_) {
    if (const auto reply = exchange_->reply.lock()) reply->drained();
  }
  if (shared_ != nullptr && !unread_.empty() && may_serve()) resume();
}

void HttpConnection::on_end(const Error& /*why*/) {
  const auto self = shared_from_this();
  is_closing_ = true;
  deadline_.stop();
  stall_.stop();
  if (shared_ != nullptr) shared_->connections.erase(self);
  if (!exchange_) return;
  const auto reply = exchange_->reply.lock();
  exchange_.reset();
  if (reply) reply->gone();
}

}  // namespace xylem::network
