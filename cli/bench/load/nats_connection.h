// JetStream over the text protocol of NATS on plain sockets, as far as a load generator speaks it:
// a stream in files, published to without waiting for each acknowledgement, and a push consumer
// with flow control.
//
// Errors: what the server said; kCorrupt: an answer that is none.
// Source: https://docs.nats.io/reference/reference-protocols/nats-protocol and
// .../nats_api_reference
#pragma once

#include "cli/bench/load/load_socket.h"
#include "common/bytes.h"
#include "common/result.h"
#include "network/transport/transport.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace xylem::cli {

class NatsConnection {
 public:
  static Result<NatsConnection> connect(const network::Address& broker);

  [[nodiscard]] LoadSocket& socket() { return socket_; }

  // The producer's side: makes the stream; take_acks() hears what it says to publications.
  Status open_stream();

  // The consumer's side: `producer` has opened the stream.
  Status subscribe(NatsConnection& producer, bool from_end);

  // How many publications are acknowledged in the input, in order; takes it.
  Result<std::int64_t> take_acks();

  // Hands over the values in the input, and takes them; answers what is due.
  Status take_values(const std::function<Status(Bytes)>& on_value);

 private:
  // One line of the server's, with what it announces.
  struct Said {
    std::string_view verb;
    std::string_view reply;    // of MSG and HMSG; empty: none
    std::string_view headers;  // of HMSG
    std::string_view payload;
    std::size_t bytes = 0;  // of all
  };

  explicit NatsConnection(LoadSocket socket) : socket_(std::move(socket)) {}

  static std::optional<Said> peek(Bytes bytes);
  Status say(std::string_view text);
  Status greet();
  Result<bool> serve(const Said& said);
  Status ask(std::string_view subject, const std::string& request);
  Status answer_status(const Said& said);

  LoadSocket socket_;
  std::size_t acked_ = 0;
};

// A publication to the stream, as it travels.
[[nodiscard]] std::string nats_publication(std::string_view value);

}  // namespace xylem::cli
