// Connections that carry frames: a seam with two implementations, TCP and in-memory.
//
// Both sides are alike once they are connected: send() queues, the handler is called with what
// arrives. The transport knows frames, not their meaning, and does no HELLO of its own; only a
// stream that cannot be a run of frames is answered by ERROR and closed.
//
// Threads: the loop's. Callbacks run on the loop, never inside the call that caused them.
// Limits: Connection::queued_bytes() is what waits to be sent; past `output_bytes_max` the
// connection is closed (a caller that must not lose a peer stops sending before, see on_writable).
#pragma once

#include "common/bytes.h"
#include "common/loop.h"
#include "common/metrics.h"
#include "common/result.h"
#include "network/protocol/frame.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace xylem::network {

struct Address {
  std::string host;
  std::uint16_t port = 0;

  auto operator<=>(const Address&) const = default;

  // "host:port"; IPv6 in brackets. kInvalidRequest: not that.
  static Result<Address> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
};

class Connection;

class ConnectionHandler {
 public:
  virtual ~ConnectionHandler() = default;
  virtual void on_frame(Frame frame) = 0;

  // Once, last. kCancelled: we closed it; kUnavailable: the peer did; else why it was closed.
  virtual void on_closed(const Error& why) = 0;

  // The output fell below Limits::output_low_bytes after having been above it.
  virtual void on_writable() {}
};

class Connection {
 public:
  virtual ~Connection() = default;  // closes

  // Must be called before the loop turns again after the connection was handed over. nullptr: from
  // here on nothing is called any more, also when called from within a callback.
  virtual void set_handler(ConnectionHandler* handler) = 0;

  // One frame whose payload is the pieces in order; they are kept alive until sent. Frames sent in
  // one turn of the loop leave in one system call. After close() it does nothing.
  virtual void send(FrameType type, std::uint64_t id, std::span<const Slice> pieces) = 0;

  // Sends what is queued, then closes; on_closed follows.
  virtual void close() = 0;

  [[nodiscard]] virtual std::size_t queued_bytes() const = 0;

  // Stops and goes on reading from the peer: back-pressure. What was read already (up to 64 KiB)
  // still arrives.
  virtual void pause_reading(bool paused) = 0;

  // After a good HELLO: whole payloads are allowed (kPayloadBytesMax).
  virtual void allow_large_payloads() = 0;

  [[nodiscard]] virtual const std::string& peer() const = 0;  // "host:port", for people

  // In all, also of a frame that is not whole yet: grows as long as the peer sends.
  [[nodiscard]] virtual std::uint64_t received_bytes() const = 0;
};

struct TransportLimits {
  std::size_t connections_max = 20'000;
  std::size_t output_bytes_max = 64ULL * 1024 * 1024;  // per connection
  std::size_t output_low_bytes = 128ULL * 1024;
};

class NetworkServer {
 public:
  using Accept = std::function<void(std::shared_ptr<Connection>)>;

  virtual ~NetworkServer() = default;  // closes the listener and every connection

  // Port 0: any free one; the answer is the port it got.
  virtual Result<std::uint16_t> listen(const Address& address, Accept accept) = 0;
};

class NetworkClient {
 public:
  using Connected = std::function<void(Result<std::shared_ptr<Connection>>)>;

  virtual ~NetworkClient() = default;  // pending connects get kCancelled; its connections close

  // kUnavailable: refused or unreachable; kTimeout.
  virtual void connect(const Address& address, std::uint64_t timeout_ms, Connected connected) = 0;
};

std::unique_ptr<NetworkServer> make_tcp_server(Loop& loop, const TransportLimits& limits);
std::unique_ptr<NetworkClient> make_tcp_client(Loop& loop, const TransportLimits& limits);

// All servers and clients made from one hub see each other, by address.
class MemoryHub {
 public:
  explicit MemoryHub(Loop& loop);
  ~MemoryHub();
  MemoryHub(const MemoryHub&) = delete;
  MemoryHub& operator=(const MemoryHub&) = delete;

  std::unique_ptr<NetworkServer> make_server(const TransportLimits& limits = {});
  std::unique_ptr<NetworkClient> make_client(const TransportLimits& limits = {});

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace xylem::network
