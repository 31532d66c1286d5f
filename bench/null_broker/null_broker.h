// A broker without features: takes batches from producers, checks their CRC, writes what arrived in
// a turn with one pwritev (and one sync), acknowledges, pushes to subscribers. One epoll thread.
//
// Consumers near the end are served from memory, others from the file by sendfile, whether or not
// its pages are in memory. There is one partition; every topic is it. A client of the native
// protocol can talk to it; what it grants, commits or acknowledges to us is not looked at.
#pragma once

#include "bench/null_broker/canned.h"
#include "bench/null_broker/record_log.h"
#include "bench/null_relay/socket.h"
#include "bench/null_relay/wire.h"
#include "network/protocol/frame.h"
#include "network/protocol/messages.h"

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <vector>

namespace xylem::bench {

class NullBroker {
 public:
  struct Options {
    std::string file;
    bool sync = false;
    std::uint16_t port = 0;  // 0: a free one
  };

  explicit NullBroker(const Options& options);
  ~NullBroker();
  NullBroker(const NullBroker&) = delete;
  NullBroker& operator=(const NullBroker&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_of(listener_); }

  [[noreturn]] void run();

 private:
  struct Ack {
    std::uint64_t id;
    std::int64_t base_offset;
    std::int64_t next_offset;
  };

  struct Subscriber {
    std::uint64_t id;  // of the subscription
    CannedDataHeader header;
    RecordLog::Place cursor;  // of the frame under way, its beginning
    RecordLog::Place frame_end;
    std::size_t position = 0;  // reached, of the frame under way
  };

  struct Client {
    Socket socket;
    std::uint32_t events = 0;  // that epoll looks for
    std::vector<Ack> acks;     // owed
    Buffer answers;            // owed: never inside a frame that is half sent
    std::optional<Subscriber> subscriber;
  };

  void watch(Client& client, std::uint32_t events);
  void accept();
  bool receive(Client& client);
  void take(Client& client, const FrameIn& frame);
  void take_data(Client& client, const FrameIn& frame);
  void subscribe(Client& client, const FrameIn& frame);
  Buffer describe(Bytes request) const;
  void finish_turn();
  bool serve(Client& client);
  void begin_frame(Client& client);

  int listener_;
  int epoll_;
  RecordLog log_;
  CannedAck ack_;
  std::list<Client> clients_;
};

}  // namespace xylem::bench
