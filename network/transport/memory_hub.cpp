// Streams in memory: the twin of TCP for tests and simulation, on one loop.
#include "common/loop/turn_end.h"
#include "network/transport/stream.h"

#include <deque>
#include <map>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

namespace xylem::network {
namespace {

constexpr std::uint16_t kFirstPort = 20'000;  // given out for port 0
constexpr const char* kAnyHost = "0.0.0.0";

class MemorySockets;
class MemoryStream;
using StreamSet = std::unordered_set<std::shared_ptr<MemoryStream>>;

// What all that was made from one hub sees.
struct MemoryNetwork {
  explicit MemoryNetwork(Loop& loop) : turn_end(std::make_unique<TurnEnd>(loop)) {}

  void later(std::function<void()> task) {
    if (turn_end) turn_end->add(std::move(task));
  }

  std::unique_ptr<TurnEnd> turn_end;  // null: the hub is gone, nothing moves any more
  std::map<Address, MemorySockets*> listeners;
  std::uint16_t next_port = kFirstPort;
};

// One end of a pair. Its inbox stands for the network: what one end sends waits in the other's.
class MemoryStream final : public Stream, public std::enable_shared_from_this<MemoryStream> {
 public:
  MemoryStream(std::shared_ptr<MemoryNetwork> network, StreamSet& owner, std::string peer)
      : network_(std::move(network)), owner_(&owner), peer_(std::move(peer)) {}

  void join(const std::shared_ptr<MemoryStream>& other) { other_ = other; }

  void set_events(StreamEvents* events) override {
    events_ = events;
    is_started_ = true;
    wake();
  }

  void send(Slice piece) override {
    const auto other = other_.lock();
    if (why_ || !other || other->why_ || piece.bytes.empty()) return;
    if (!piece.owner) piece = Slice::copy(piece.bytes);
    other->inbox_bytes_ += piece.bytes.size();
    other->inbox_.push_back(std::move(piece));
    other->wake();
  }

  [[nodiscard]] std::size_t queued_bytes() const override {
    const auto other = other_.lock();
    return other ? other->inbox_bytes_ : 0;
  }

  void pause_reading(bool paused) override {
    is_paused_ = paused;
    wake();
  }

  void close(Error why) override {
    if (why_) return;
    why_ = std::move(why);
    wake();
  }

  void abort(Error why) override { close(std::move(why)); }

  // Whoever made it goes.
  void orphan() {
    owner_ = nullptr;
    abort({Errc::kCancelled, "closing"});
  }

  [[nodiscard]] const std::string& peer() const override { return peer_; }

 private:
  void wake() {
    if (is_woken_ || has_ended_) return;
    is_woken_ = true;
    network_->later([self = shared_from_this()] {
      self->is_woken_ = false;
      self->turn();
    });
  }

  void turn() {
    if (has_ended_) return;
    if (!why_ && is_started_) receive();
    if (why_) finish(*why_);
  }

  void receive() {
    bool has_taken = false;
    while (!inbox_.empty() && !is_paused_ && !why_) {
      const Slice piece = std::move(inbox_.front());
      inbox_.pop_front();
      inbox_bytes_ -= piece.bytes.size();
      has_taken = true;
      if (events_ != nullptr) events_->on_bytes(piece.bytes);
    }
    const auto other = other_.lock();
    if (has_taken && other && other->events_ != nullptr) other->events_->on_sent();
    if (inbox_.empty() && is_inbox_ended_ && !is_paused_ && !why_)
      why_ = Error(Errc::kUnavailable, "the peer closed the connection");
  }

  void finish(const Error& why) {
    has_ended_ = true;
    inbox_.clear();
    inbox_bytes_ = 0;
    if (const auto other = other_.lock()) {
      other->is_inbox_ended_ = true;
      other->wake();
    }
    const auto self = shared_from_this();
    if (owner_ != nullptr) owner_->erase(self);
    if (events_ != nullptr) events_->on_end(why);
  }

  std::shared_ptr<MemoryNetwork> network_;
  StreamSet* owner_;  // null: gone
  std::string peer_;
  std::weak_ptr<MemoryStream> other_;
  StreamEvents* events_ = nullptr;
  std::deque<Slice> inbox_;
  std::size_t inbox_bytes_ = 0;
  bool is_inbox_ended_ = false;
  bool is_started_ = false;
  bool is_paused_ = false;
  bool is_woken_ = false;
  bool has_ended_ = false;
  std::optional<Error> why_;
};

class MemorySockets final : public Sockets {
 public:
  MemorySockets(std::shared_ptr<MemoryNetwork> network, std::size_t connections_max)
      : network_(std::move(network)), connections_max_(connections_max) {}

  ~MemorySockets() override {
    *is_alive_ = false;
    std::erase_if(network_->listeners, [this](const auto& one) { return one.second == this; });
    for (const auto& stream : streams_) stream->orphan();
  }

  MemorySockets(const MemorySockets&) = delete;
  MemorySockets& operator=(const MemorySockets&) = delete;

  Result<std::uint16_t> listen(const Address& address, Accept accept) override {
    Address own = address;
    if (own.port == 0) own.port = network_->next_port++;
    if (!network_->listeners.emplace(own, this).second)
      return fail(Errc::kIo, "listen on " + own.text() + ": address already in use");
    accept_ = std::move(accept);
    return own.port;
  }

  void connect(const Address& address, std::uint64_t /*timeout_ms*/, Connected connected) override {
    network_->later([this, is_alive = is_alive_, address, connected = std::move(connected)] {
      if (*is_alive)
        connected(reach(address));
      else
        connected(fail(Errc::kCancelled, "connect to " + address.text() + " was given up"));
    });
  }

 private:
  Result<std::shared_ptr<Stream>> reach(const Address& address) {
    auto found = network_->listeners.find(address);
    if (found == network_->listeners.end())
      found = network_->listeners.find({kAnyHost, address.port});
    if (found == network_->listeners.end())
      return fail(Errc::kUnavailable, "connect to " + address.text() + ": connection refused");
    auto& server = *found->second;
    auto near = made(address.text());
    auto far = server.made("memory:" + std::to_string(network_->next_port++));
    near->join(far);
    far->join(near);
    if (server.streams_.size() > server.connections_max_)
      far->abort({Errc::kQuotaExceeded, "too many connections"});
    else
      server.accept_(far);
    return near;
  }

  std::shared_ptr<MemoryStream> made(std::string peer) {
    auto stream = std::make_shared<MemoryStream>(network_, streams_, std::move(peer));
    streams_.insert(stream);
    return stream;
  }

  std::shared_ptr<MemoryNetwork> network_;
  std::size_t connections_max_;
  Accept accept_;
  StreamSet streams_;
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace

class MemoryHub::Impl : public MemoryNetwork {
 public:
  using MemoryNetwork::MemoryNetwork;
};

MemoryHub::MemoryHub(Loop& loop) : impl_(std::make_shared<Impl>(loop)) {}

MemoryHub::~MemoryHub() { impl_->turn_end.reset(); }

std::unique_ptr<NetworkServer> MemoryHub::make_server(const TransportLimits& limits) {
  return make_frame_server(std::make_unique<MemorySockets>(impl_, limits.connections_max), limits);
}

std::unique_ptr<NetworkClient> MemoryHub::make_client(const TransportLimits& limits) {
  return make_frame_client(std::make_unique<MemorySockets>(impl_, limits.connections_max), limits);
}

}  // namespace xylem::network
