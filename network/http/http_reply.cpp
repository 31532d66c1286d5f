#include "network/http/http_reply.h"

#include <utility>

namespace xylem::network {

ConnectionReply::ConnectionReply(std::weak_ptr<HttpConnection> connection)
    : connection_(std::move(connection)) {}

ConnectionReply::~ConnectionReply() {
  const auto open = connection();
  if (!open) return;
  if (state_ == State::kOpen)
    open->answer(problem(500, Error(Errc::kUnavailable, "the request was not answered")));
  else if (state_ == State::kStarted)
    open->cut();
}

std::shared_ptr<HttpConnection> ConnectionReply::connection() const {
  return is_gone_ ? nullptr : connection_.lock();
}

void ConnectionReply::send(HttpResponse response) {
  XYLEM_CHECK(state_ == State::kOpen);
  const auto open = connection();
  done();
  if (open) open->answer(std::move(response));
}

void ConnectionReply::send_error(const Error& error) { send(problem(error)); }

void ConnectionReply::start(HttpResponse head) {
  XYLEM_CHECK(state_ == State::kOpen);
  state_ = State::kStarted;
  if (const auto open = connection()) open->start_chunks(std::move(head));
}

std::size_t ConnectionReply::write(Slice piece) {
  XYLEM_CHECK(state_ == State::kStarted);
  const auto open = connection();
  return open ? open->write_chunk(std::move(piece)) : 0;
}

void ConnectionReply::end() {
  XYLEM_CHECK(state_ == State::kStarted);
  const auto open = connection();
  done();
  if (open) open->end_chunks();
}

void ConnectionReply::on_drained(std::function<void()> callback) {
  if (state_ != State::kDone && !is_gone()) on_drained_ = std::move(callback);
}

void ConnectionReply::on_gone(std::function<void()> callback) {
  if (state_ != State::kDone && !is_gone()) on_gone_ = std::move(callback);
}

bool ConnectionReply::is_gone() const { return is_gone_ || connection_.expired(); }

void ConnectionReply::gone() {
  is_gone_ = true;
  on_drained_ = nullptr;
  if (const auto callback = std::exchange(on_gone_, nullptr)) callback();
}

void ConnectionReply::drained() {
  if (const auto callback = on_drained_) callback();  // a copy: it may end the answer
}

// The callbacks may hold the reply itself: dropping them ends that circle.
void ConnectionReply::done() {
  state_ = State::kDone;
  const auto drained = std::exchange(on_drained_, nullptr);
  const auto gone = std::exchange(on_gone_, nullptr);
}

}  // namespace xylem::network
