// Frames over any Sockets: Connection, NetworkServer, NetworkClient.
#include "network/protocol/messages.h"
#include "network/transport/stream.h"

#include <utility>

namespace xylem::network {
namespace {

// Up to here a frame is copied together: one piece is cheaper than keeping several alive.
constexpr std::size_t kCopiedFrameBytes = 1024;

class FrameConnection final : public Connection,
                              public StreamEvents,
                              public std::enable_shared_from_this<FrameConnection> {
 public:
  FrameConnection(std::shared_ptr<Stream> stream, const TransportLimits& limits)
      : stream_(std::move(stream)), limits_(limits) {}

  ~FrameConnection() override {
    stream_->set_events(nullptr);
    stream_->close({Errc::kCancelled, "closed"});
  }

  FrameConnection(const FrameConnection&) = delete;
  FrameConnection& operator=(const FrameConnection&) = delete;

  void set_handler(ConnectionHandler* handler) override {
    handler_ = handler;
    if (!is_started_) stream_->set_events(this);
    is_started_ = true;
  }

  void send(FrameType type, std::uint64_t id, std::span<const Slice> pieces) override {
    if (is_closed_) return;
    std::size_t bytes = 0;
    for (const auto& piece : pieces) bytes += piece.bytes.size();
    const auto header = encode_frame_header(type, id, bytes);
    Buffer head(header.begin(), header.end());
    if (bytes <= kCopiedFrameBytes) {
      head.reserve(header.size() + bytes);
      for (const auto& piece : pieces) append(piece.bytes, head);
      pieces = {};
    }
    stream_->send(Slice::own(std::move(head)));
    for (const auto& piece : pieces) stream_->send(piece);
    const std::size_t queued = stream_->queued_bytes();
    is_above_low_ = is_above_low_ || queued > limits_.output_low_bytes;
    if (queued <= limits_.output_bytes_max) return;
    is_closed_ = true;
    stream_->abort({Errc::kQuotaExceeded, "the peer does not take its output"});
  }

  void close() override {
    is_closed_ = true;
    stream_->close({Errc::kCancelled, "closed"});
  }

  [[nodiscard]] std::size_t queued_bytes() const override { return stream_->queued_bytes(); }

  [[nodiscard]] std::uint64_t received_bytes() const override { return received_bytes_; }

  void pause_reading(bool paused) override { stream_->pause_reading(paused); }

  void allow_large_payloads() override { parser_.set_payload_bytes_max(kPayloadBytesMax); }

  [[nodiscard]] const std::string& peer() const override { return stream_->peer(); }

  void on_bytes(Bytes bytes) override {
    received_bytes_ += bytes.size();
    const auto self = shared_from_this();
    const auto is_dropped = [&self] { return self.use_count() == 1; };
    while (!bytes.empty() && !is_closed_ && handler_ != nullptr && !is_dropped()) {
      auto frame = parser_.next(bytes);
      if (!frame) {
        refuse(frame.error());
        return;
      }
      if (auto whole = std::move(*frame)) handler_->on_frame(std::move(*whole));
    }
  }

  void on_sent() override {
    if (!is_above_low_ || stream_->queued_bytes() > limits_.output_low_bytes) return;
    is_above_low_ = false;
    const auto self = shared_from_this();
    if (handler_ != nullptr) handler_->on_writable();
  }

  void on_end(const Error& why) override {
    is_closed_ = true;
    const auto self = shared_from_this();
    if (handler_ != nullptr) handler_->on_closed(why);
  }

 private:
  // The stream of frames is lost: the peer is told why, and that was it.
  void refuse(const Error& error) {
    const Slice text = Slice::own(encode(to_message(error)));
    send(FrameType::kError, 0, {&text, 1});
    is_closed_ = true;
    stream_->close(error);
  }

  std::shared_ptr<Stream> stream_;
  TransportLimits limits_;
  FrameParser parser_;
  std::uint64_t received_bytes_ = 0;
  ConnectionHandler* handler_ = nullptr;
  bool is_started_ = false;
  bool is_closed_ = false;
  bool is_above_low_ = false;
};

class FrameServer final : public NetworkServer {
 public:
  FrameServer(std::unique_ptr<Sockets> sockets, const TransportLimits& limits)
      : limits_(limits), sockets_(std::move(sockets)) {}

  Result<std::uint16_t> listen(const Address& address, Accept accept) override {
    return sockets_->listen(address, [limits = limits_, accept = std::move(accept)](auto stream) {
      accept(std::make_shared<FrameConnection>(std::move(stream), limits));
    });
  }

 private:
  TransportLimits limits_;
  std::unique_ptr<Sockets> sockets_;
};

class FrameClient final : public NetworkClient {
 public:
  FrameClient(std::unique_ptr<Sockets> sockets, const TransportLimits& limits)
      : limits_(limits), sockets_(std::move(sockets)) {}

  void connect(const Address& address, std::uint64_t timeout_ms, Connected connected) override {
    sockets_->connect(address, timeout_ms,
                      [limits = limits_, connected = std::move(connected)](auto stream) {
                        if (!stream)
                          connected(pass(stream));
                        else
                          connected(std::make_shared<FrameConnection>(std::move(*stream), limits));
                      });
  }

 private:
  TransportLimits limits_;
  std::unique_ptr<Sockets> sockets_;
};

}  // namespace

std::unique_ptr<NetworkServer> make_frame_server(std::unique_ptr<Sockets> sockets,
                                                 const TransportLimits& limits) {
  return std::make_unique<FrameServer>(std::move(sockets), limits);
}

std::unique_ptr<NetworkClient> make_frame_client(std::unique_ptr<Sockets> sockets,
                                                 const TransportLimits& limits) {
  return std::make_unique<FrameClient>(std::move(sockets), limits);
}

}  // namespace xylem::network
