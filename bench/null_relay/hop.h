// One hop of the null relay: takes batches from above, checks their CRC, writes them, gives them
// below. One epoll thread; one write (and one sync) a turn for all that arrived in it.
//
// The first hop takes DATA frames and acknowledges them; the others poll the hop above. The last
// pushes DATA frames to its consumers; the others answer polls.
#pragma once

#include "bench/null_relay/record_file.h"
#include "bench/null_relay/socket.h"

#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <vector>

namespace xylem::bench {

class Hop {
 public:
  struct Options {
    int producers = -1;           // a listener: the first hop
    std::uint16_t poll_port = 0;  // of the hop above: all others
    int below = -1;               // a listener for children, or for consumers
    bool pushes = false;          // the last hop
    std::string file;
  };

  explicit Hop(const Options& options);
  ~Hop();
  Hop(const Hop&) = delete;
  Hop& operator=(const Hop&) = delete;

  [[noreturn]] void run();

 private:
  enum class Peer : std::uint8_t { kProducer, kParent, kChild, kConsumer };

  struct Link {
    Peer peer;
    Socket socket;
    std::uint32_t events = 0;         // that epoll looks for
    std::size_t cursor = 0;           // of a child or a consumer
    bool is_waiting = false;          // a child's poll is open; always, for a consumer
    std::vector<std::uint64_t> acks;  // of a producer, owed
  };

  void watch(int fd, std::uint32_t events, Link* link, bool is_new);
  Link& link(Peer peer, Socket socket);
  bool receive(Link& link);
  void take_frames(Link& link);
  void take_answers(Link& link);
  void take_polls(Link& link);
  void keep(Bytes batches);
  void finish_turn();
  void serve(Link& link);
  void flush(Link& link);

  Options options_;
  RecordFile file_;
  int epoll_;
  std::list<Link> links_;
  Link* parent_ = nullptr;
  bool is_answered_ = false;  // by the parent, in this turn
};

}  // namespace xylem::bench
