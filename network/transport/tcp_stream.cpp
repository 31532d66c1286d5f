#include "network/transport/tcp_stream.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace xylem::network {
namespace {

constexpr std::size_t kBuffersMax = 1024;  // IOV_MAX of Linux
constexpr unsigned kKeepaliveSeconds = 60;

uv_buf_t buffer_of(const Slice& piece) {
  auto* base = const_cast<std::byte*>(piece.bytes.data());  // libuv only reads it
  return uv_buf_init(reinterpret_cast<char*>(base), static_cast<unsigned>(piece.bytes.size()));
}

Error lost(std::string_view doing, int status) {
  return {Errc::kUnavailable, std::string(doing) + ": " + uv_strerror(status)};
}

// For finish(), which keeps the reason that close() was given.
Error closed() { return {Errc::kCancelled, "closed"}; }

TcpStream* stream_of(const void* data) { return static_cast<TcpStream*>(const_cast<void*>(data)); }

}  // namespace

// A libuv write under way; keeps its bytes alive.
struct TcpStream::Write {
  uv_write_t request{};
  std::vector<Slice> pieces;
};

TcpStream::TcpStream(UvHandle<uv_tcp_t> socket, TcpShared& shared)
    : socket_(std::move(socket)), shared_(&shared), peer_(peer_of(*socket_)) {
  socket_->data = this;
  uv_tcp_nodelay(socket_.get(), 1);
  uv_tcp_keepalive(socket_.get(), 1, kKeepaliveSeconds);
}

void TcpStream::set_events(StreamEvents* events) {
  events_ = events;
  if (!is_paused_) start_reading();
}

void TcpStream::start_reading() {
  if (!socket_ || is_reading_ || has_peer_shut_) return;
  is_reading_ = true;
  uv_read_start(
      raw(),
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        auto& room = stream_of(handle->data)->shared_->read_buffer;
        *buffer = uv_buf_init(room.data(), static_cast<unsigned>(room.size()));
      },
      [](uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer) {
        if (count == 0) return;
        const auto self = stream_of(handle->data)->shared_from_this();
        self->on_read(count, buffer->base);
      });
}

void TcpStream::on_read(ssize_t count, const char* data) {
  if (count > 0) {
    const Bytes bytes = std::as_bytes(std::span(data, static_cast<std::size_t>(count)));
    if (!why_ && events_ != nullptr) events_->on_bytes(bytes);
    return;
  }
  if (count != UV_EOF) {
    finish(lost("read", static_cast<int>(count)));
    return;
  }
  has_peer_shut_ = true;
  is_reading_ = false;
  uv_read_stop(raw());
  if (is_shut_)
    finish(closed());
  else
    close({Errc::kUnavailable, "the peer closed the connection"});
}

void TcpStream::pause_reading(bool paused) {
  is_paused_ = paused;
  if (!socket_ || why_) return;
  if (!paused) {
    start_reading();
  } else if (is_reading_) {
    is_reading_ = false;
    uv_read_stop(raw());
  }
}

void TcpStream::send(Slice piece) {
  if (why_ || piece.bytes.empty()) return;
  queue_bytes_ += piece.bytes.size();
  queue_.push_back(std::move(piece));
  flush_at_turn_end();
}

std::size_t TcpStream::queued_bytes() const {
  return socket_ ? queue_bytes_ + uv_stream_get_write_queue_size(raw()) : 0;
}

void TcpStream::flush_at_turn_end() {
  if (is_flush_due_) return;
  is_flush_due_ = true;
  shared_->turn_end.add([weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->is_flush_due_ = false;
      self->flush();
    }
  });
}

void TcpStream::flush() {
  if (!socket_ || is_writing_) return;
  const std::size_t before = queue_bytes_;
  while (!queue_.empty()) {
    const std::size_t offered = queue_bytes_;
    if (!write_now()) return;
    if (queue_bytes_ == offered) break;
  }
  const bool has_sent = queue_bytes_ < before;
  if (!queue_.empty())
    write_rest();
  else if (why_)
    output_done();
  if (has_sent && events_ != nullptr && socket_) events_->on_sent();
}

bool TcpStream::write_now() {
  std::array<uv_buf_t, kBuffersMax> buffers;  // NOLINT(*-member-init): filled below
  const std::size_t count = std::min(queue_.size(), kBuffersMax);
  for (std::size_t i = 0; i < count; ++i) buffers[i] = buffer_of(queue_[i]);
  const int sent = uv_try_write(raw(), buffers.data(), static_cast<unsigned>(count));
  if (sent >= 0) drop_sent(static_cast<std::size_t>(sent));
  if (sent >= 0 || sent == UV_EAGAIN) return true;
  finish(lost("write", sent));
  return false;
}

void TcpStream::drop_sent(std::size_t bytes) {
  queue_bytes_ -= bytes;
  while (!queue_.empty() && bytes >= queue_.front().bytes.size()) {
    bytes -= queue_.front().bytes.size();
    queue_.pop_front();
  }
  if (bytes > 0) queue_.front().bytes = queue_.front().bytes.subspan(bytes);
}

void TcpStream::write_rest() {
  auto write = std::make_unique<Write>();
  std::vector<uv_buf_t> buffers;
  std::size_t bytes = 0;
  for (const auto& piece : queue_) {
    const std::size_t taken = std::min(piece.bytes.size(), kWriteBytes - bytes);
    write->pieces.push_back(piece.sub(0, taken));
    buffers.push_back(buffer_of(write->pieces.back()));
    bytes += taken;
    if (bytes == kWriteBytes || buffers.size() == kBuffersMax) break;
  }
  write->request.data = write.get();
  const int status = uv_write(&write->request, raw(), buffers.data(),
                              static_cast<unsigned>(buffers.size()), [](uv_write_t* done, int s) {
                                const std::unique_ptr<Write> owned(static_cast<Write*>(done->data));
                                if (s == UV_ECANCELED) return;
                                const auto self = stream_of(done->handle->data)->shared_from_this();
                                self->on_written(s);
                              });
  if (status < 0) {
    finish(lost("write", status));
    return;
  }
  write.release();  // NOLINT(bugprone-unused-return-value): its callback owns it now
  is_writing_ = true;
  drop_sent(bytes);
}

void TcpStream::on_written(int status) {
  is_writing_ = false;
  if (status < 0) {
    finish(lost("write", status));
    return;
  }
  if (events_ != nullptr) events_->on_sent();
  flush();
}

void TcpStream::close(Error why) {
  if (why_) return;
  why_ = std::move(why);
  start_reading();  // even if paused: to see the peer's end
  linger();
  flush_at_turn_end();
}

void TcpStream::output_done() {
  if (is_shut_) return;
  is_shut_ = true;
  linger();
  auto request = std::make_unique<uv_shutdown_t>();
  const bool is_started =
      !has_peer_shut_ && uv_shutdown(request.get(), raw(), [](uv_shutdown_t* done, int) {
                           const std::unique_ptr<uv_shutdown_t> d(done);
                         }) == 0;
  if (is_started)
    request.release();  // NOLINT(bugprone-unused-return-value): its callback owns it now
  else
    finish(closed());
}

void TcpStream::linger() {
  linger_ = std::make_unique<Timer>(shared_->loop);
  lingering_bytes_ = queued_bytes();
  linger_->start(kLingerMs, kLingerMs, [this] {
    const std::size_t queued = queued_bytes();
    stalled_ms_ = queued == std::exchange(lingering_bytes_, queued) ? stalled_ms_ + kLingerMs : 0;
    if (is_shut_ || stalled_ms_ >= kStallMs) finish(closed());
  });
}

void TcpStream::abort(Error why) {
  if (!socket_) return;
  if (!is_writing_ && !queue_.empty() && !write_now()) return;
  finish(std::move(why));
}

void TcpStream::finish(Error why) {
  if (!socket_) return;
  if (!why_) why_ = std::move(why);
  self_ = shared_from_this();
  shared_->streams.erase(self_);
  linger_.reset();
  queue_.clear();
  queue_bytes_ = 0;
  auto* socket = socket_.release();
  uv_close(reinterpret_cast<uv_handle_t*>(socket), [](uv_handle_t* closed) {
    const auto self = std::move(stream_of(closed->data)->self_);
    std::default_delete<uv_tcp_t>()(reinterpret_cast<uv_tcp_t*>(closed));
    if (self->events_ != nullptr) self->events_->on_end(*self->why_);
  });
}

std::string peer_of(const uv_tcp_t& socket) {
  sockaddr_storage storage{};
  int length = sizeof storage;
  std::array<char, INET6_ADDRSTRLEN> host{};
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (uv_tcp_getpeername(&socket, address, &length) != 0) return "unknown";
  if (uv_ip_name(address, host.data(), host.size()) != 0) return "unknown";
  const auto port = storage.ss_family == AF_INET6
                        ? reinterpret_cast<const sockaddr_in6*>(address)->sin6_port
                        : reinterpret_cast<const sockaddr_in*>(address)->sin_port;
  return Address{host.data(), ntohs(port)}.text();
}

}  // namespace xylem::network
