// A two-way stream of bytes and what makes such streams: the seam under frames and under HTTP.
//
// Two implementations: TCP on libuv (tcp_sockets.h) and pairs in memory (memory_hub.cpp).
//
// Owns: `Sockets` keeps every stream it made until it has ended, and aborts the rest when it goes.
// Threads: the loop's. Events come from the loop, never inside a call that caused them.
#pragma once

#include "common/bytes.h"
#include "common/error.h"
#include "common/result.h"
#include "network/transport/transport.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace xylem::network {

class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  virtual void on_bytes(Bytes bytes) = 0;  // valid during the call
  virtual void on_sent() = 0;              // some of the output has left

  // Once, last: with the reason close() or abort() was given; kUnavailable: the peer is gone.
  virtual void on_end(const Error& why) = 0;
};

class Stream {
 public:
  virtual ~Stream() = default;

  // Reading begins with the first call. Null: nobody is told any more, what was read is dropped.
  virtual void set_events(StreamEvents* events) = 0;

  // What is sent in one turn of the loop leaves in one system call. Nothing after close().
  virtual void send(Slice piece) = 0;
  [[nodiscard]] virtual std::size_t queued_bytes() const = 0;

  virtual void pause_reading(bool paused) = 0;

  // No more input; ends once the output is sent, or the peer stops taking it.
  virtual void close(Error why) = 0;

  // Ends now; what the kernel does not take at once is dropped.
  virtual void abort(Error why) = 0;

  [[nodiscard]] virtual const std::string& peer() const = 0;
};

class Sockets {
 public:
  using Accept = std::function<void(std::shared_ptr<Stream>)>;
  using Connected = std::function<void(Result<std::shared_ptr<Stream>>)>;

  virtual ~Sockets() = default;
  virtual Result<std::uint16_t> listen(const Address& address, Accept accept) = 0;
  virtual void connect(const Address& address, std::uint64_t timeout_ms, Connected connected) = 0;
};

// Frames over either.
std::unique_ptr<NetworkServer> make_frame_server(std::unique_ptr<Sockets> sockets,
                                                 const TransportLimits& limits);
std::unique_ptr<NetworkClient> make_frame_client(std::unique_ptr<Sockets> sockets,
                                                 const TransportLimits& limits);

}  // namespace xylem::network
