// One TCP connection as a Stream, on libuv.
//
// Output gathers in `queue_` and leaves at the end of the turn: one non-blocking write first, and
// what the kernel did not take as a libuv write of at most kWriteBytes, so that progress is seen
// while a long queue drains. Input passes through one buffer that all streams of a TcpShared use.
//
// Closing sends the queue, then FIN, then drops input until the peer closes too: closing a socket
// with unread input would reset it and take the last answer from the peer. A peer that takes
// nothing of the queue for kStallMs, or does not close within kLingerMs of our FIN, is cut off.
//
// Threads: the loop's.
#pragma once

#include "common/loop/turn_end.h"
#include "common/timer.h"
#include "common/uv_handle.h"
#include "network/transport/stream.h"

#include <array>
#include <deque>
#include <optional>
#include <unordered_set>

namespace xylem::network {

class TcpStream;

// What the streams of one Sockets share.
struct TcpShared {
  explicit TcpShared(Loop& the_loop) : loop(the_loop), turn_end(the_loop, TurnEnd::Stage::kSend) {}

  Loop& loop;
  TurnEnd turn_end;
  std::unordered_set<std::shared_ptr<TcpStream>> streams;
  std::array<char, 64ULL * 1024> read_buffer{};
};

class TcpStream final : public Stream, public std::enable_shared_from_this<TcpStream> {
 public:
  static constexpr std::size_t kWriteBytes = 256ULL * 1024;
  static constexpr std::uint64_t kLingerMs = 1'000;
  static constexpr std::uint64_t kStallMs = 10'000;

  // `socket` is connected.
  TcpStream(UvHandle<uv_tcp_t> socket, TcpShared& shared);

  void set_events(StreamEvents* events) override;
  void send(Slice piece) override;
  [[nodiscard]] std::size_t queued_bytes() const override;
  void pause_reading(bool paused) override;
  void close(Error why) override;
  void abort(Error why) override;

  [[nodiscard]] const std::string& peer() const override { return peer_; }

 private:
  struct Write;

  void start_reading();
  void on_read(ssize_t count, const char* data);
  void flush_at_turn_end();
  void flush();
  [[nodiscard]] bool write_now();  // false: the stream has ended
  void write_rest();
  void on_written(int status);
  void drop_sent(std::size_t bytes);
  void output_done();
  void linger();
  void finish(Error why);

  uv_stream_t* raw() const { return reinterpret_cast<uv_stream_t*>(socket_.get()); }

  UvHandle<uv_tcp_t> socket_;  // null: ended
  TcpShared* shared_;          // while socket_ is there
  StreamEvents* events_ = nullptr;
  std::deque<Slice> queue_;  // not yet given to libuv
  std::size_t queue_bytes_ = 0;
  std::string peer_;
  bool is_reading_ = false;
  bool is_paused_ = false;
  bool is_writing_ = false;  // a libuv write is under way
  bool is_flush_due_ = false;
  bool is_shut_ = false;  // FIN sent
  bool has_peer_shut_ = false;
  std::optional<Error> why_;  // closing, or ended
  std::unique_ptr<Timer> linger_;
  std::size_t lingering_bytes_ = 0;  // queued at the last look
  std::uint64_t stalled_ms_ = 0;
  std::shared_ptr<TcpStream> self_;  // until libuv has closed the socket
};

// "host:port" of the other end.
std::string peer_of(const uv_tcp_t& socket);

}  // namespace xylem::network
