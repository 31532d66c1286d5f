#include "broker/cluster/peer_network.h"

#include "network/protocol/messages.h"

#include <array>
#include <utility>

namespace xylem::broker {

using network::Frame;
using network::FrameType;

namespace {

constexpr auto kCommand = "cluster.propose";
constexpr std::uint32_t kHeartbeatMs = 1'000;
constexpr std::uint64_t kConnectMsMax = 1'000;
constexpr std::uint64_t kBackoffMs = 50;
constexpr std::uint64_t kBackoffMsMax = 500;

}  // namespace

// A peer that has connected to us.
class PeerNetwork::Guest final : public network::ConnectionHandler {
 public:
  Guest(PeerNetwork& owner, std::shared_ptr<network::Connection> connection)
      : owner_(owner), connection_(std::move(connection)), self_(std::make_shared<Guest*>(this)) {
    connection_->set_handler(this);
  }

  ~Guest() override { *self_ = nullptr; }

  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  void on_frame(Frame frame) override {
    if (!peer_) return on_hello(frame);
    switch (frame.type) {
      case FrameType::kHeartbeat:
        return connection_->send(FrameType::kHeartbeat, frame.id, {});
      case FrameType::kQuorum:
        return owner_.hooks_.message(*peer_, frame.payload.bytes);
      case FrameType::kAdmin:
        return on_command(frame);
      default:
        return refuse({Errc::kInvalidRequest, "this port is for root brokers"});
    }
  }

  void on_closed(const Error& /*why*/) override { owner_.forget(this); }

 private:
  void on_hello(const Frame& frame) {
    if (frame.type != FrameType::kHello)
      return refuse({Errc::kInvalidRequest, "a connection begins with HELLO"});
    const auto hello = network::decode<network::Hello>(frame.payload.bytes);
    if (!hello) return refuse(hello.error());
    const auto& options = owner_.options_;
    peer_ = number_of(options.peers, hello->client_id);
    if (!peer_ || *peer_ == options.self)
      return refuse({Errc::kUnauthorized, hello->client_id + " is none of our peers",
                     "ROOT_PEERS must be the same on every root broker"});
    network::HelloAnswer answer;
    answer.node = owner_.self().node;
    answer.role = "ROOT";
    answer.cluster = options.cluster;
    answer.payload_bytes_max = network::kPayloadBytesMax;
    answer.heartbeat_ms = kHeartbeatMs;
    connection_->allow_large_payloads();
    send(FrameType::kHello, frame.id, network::encode(answer));
  }

  void on_command(const Frame& frame) {
    const auto asked = network::decode<network::Admin>(frame.payload.bytes);
    if (!asked) return refuse(asked.error());
    owner_.hooks_.command(asked->json, [self = self_, id = frame.id](const Status& done) {
      if (*self == nullptr) return;
      if (done) return (*self)->send(FrameType::kAdmin, id, network::encode(network::Admin{}));
      const auto error = network::to_message(done.error());
      (*self)->send(FrameType::kError, id, network::encode(error));
    });
  }

  void send(FrameType type, std::uint64_t id, Buffer payload) {
    const std::array pieces = {Slice::own(std::move(payload))};
    connection_->send(type, id, pieces);
  }

  void refuse(const Error& why) {
    owner_.context_.logger.warn("peer.refused",
                                {{"peer", connection_->peer()}, {"error", why.what()}});
    send(FrameType::kError, 0, network::encode(network::to_message(why)));
    connection_->close();
  }

  PeerNetwork& owner_;
  std::shared_ptr<network::Connection> connection_;
  std::optional<ReplicaId> peer_;
  std::shared_ptr<Guest*> self_;  // what answers hold: null once this is gone
};

PeerNetwork::PeerNetwork(const Context& context, Options options, Hooks hooks)
    : context_(context), options_(std::move(options)), hooks_(std::move(hooks)) {}

PeerNetwork::~PeerNetwork() = default;

const RootPeer& PeerNetwork::self() const {
  return options_.peers[static_cast<std::size_t>(options_.self.value())];
}

Result<std::uint16_t> PeerNetwork::start(const network::Address& address) {
  auto port = context_.server.listen(
      address, [this](std::shared_ptr<network::Connection> it) { accept(std::move(it)); });
  if (!port) return port;
  for (std::size_t i = 0; i < options_.peers.size(); ++i) {
    const ReplicaId peer(static_cast<std::int32_t>(i));
    if (peer != options_.self) connect(peer);
  }
  return port;
}

void PeerNetwork::connect(ReplicaId to) {
  const auto& peer = options_.peers[static_cast<std::size_t>(to.value())];
  network::ClientSession::Handlers handlers;
  handlers.ready = [this, to](const network::HelloAnswer& hello) {
    is_connected_[to] = true;
    is_right_[to] = is_who_we_want(to, hello);
    if (is_right_[to]) hooks_.reached(to);
  };
  handlers.lost = [this, to](const Error& why) {
    const bool was_connected = std::exchange(is_connected_[to], false);
    is_right_[to] = false;
    if (!was_connected && why.code() == Errc::kUnavailable) hooks_.refused(to);
    context_.logger.debug("peer.lost", {{"peer", to.value()}, {"error", why.what()}});
  };
  auto& session = sessions_[to];
  session = std::make_unique<network::ClientSession>(
      network::ClientContext{context_.loop, context_.client, context_.clock, context_.random,
                             context_.logger},
      network::ClientSession::Options{.brokers = {peer.address},
                                      .client_id = self().node,
                                      .token = {},
                                      .connect_timeout_ms = kConnectMsMax,
                                      .backoff_ms = kBackoffMs,
                                      .backoff_max_ms = kBackoffMsMax},
      std::move(handlers));
  session->start();
}

bool PeerNetwork::is_who_we_want(ReplicaId peer, const network::HelloAnswer& hello) const {
  const auto& wanted = options_.peers[static_cast<std::size_t>(peer.value())];
  if (hello.node == wanted.node && hello.cluster == options_.cluster) return true;
  context_.logger.error("peer.wrong", {{"address", wanted.address.text()},
                                       {"wanted", wanted.node},
                                       {"found", hello.node},
                                       {"cluster", hello.cluster.text()},
                                       {"hint", "compare ROOT_PEERS and the clusters"}});
  return false;
}

void PeerNetwork::send(ReplicaId to, Buffer message) {
  const auto session = sessions_.find(to);
  if (session == sessions_.end() || !session->second->is_writable() || !is_right_[to]) return;
  const std::array pieces = {Slice::own(std::move(message))};
  session->second->send(FrameType::kQuorum, session->second->next_id(), pieces);
}

void PeerNetwork::ask(ReplicaId to, const std::string& command, std::function<void(Status)> done) {
  const auto session = sessions_.find(to);
  if (session == sessions_.end() || !session->second->is_ready() || !is_right_[to])
    return done(fail(Errc::kUnavailable, "the controller is not connected", "retry"));
  const network::Admin asked{.command = kCommand, .json = command};
  session->second->request(FrameType::kAdmin, network::payload_of(asked), kAnswerMsMax,
                           [done = std::move(done)](const Result<Frame>& answer) {
                             done(network::expect_type(answer, FrameType::kAdmin));
                           });
}

void PeerNetwork::accept(std::shared_ptr<network::Connection> connection) {
  auto guest = std::make_unique<Guest>(*this, std::move(connection));
  const auto* key = guest.get();
  guests_.emplace(key, std::move(guest));
}

void PeerNetwork::forget(const Guest* guest) {
  const auto found = guests_.find(guest);
  if (found == guests_.end()) return;
  // Not inside its own callback.
  auto gone = std::make_shared<std::unique_ptr<Guest>>(std::move(found->second));
  guests_.erase(found);
  context_.loop.answer([gone] { gone->reset(); });
}

}  // namespace xylem::broker
