// One subscription of a load generator to partition 0 of a topic, on a connection of its own. Each
// batch's CRC is checked, and its place in the order; credit is given back as a Consumer does.
#pragma once

#include "cli/bench/load/load_socket.h"
#include "common/batch/batch.h"
#include "common/ids.h"
#include "common/result.h"
#include "network/protocol/messages.h"
#include "network/transport/transport.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace xylem::cli {

class NativeSubscriber {
 public:
  struct Pushed {
    BatchHeader header;
    Bytes batch;
    bool is_next = false;  // nothing was left out before it, or came twice
  };

  static Result<NativeSubscriber> open(const network::Address& broker,
                                       const std::string& topic,
                                       network::StartAt from);

  [[nodiscard]] LoadSocket& socket() { return socket_; }

  // From where it began to the log's end at that time.
  [[nodiscard]] std::int64_t records_there() const { return records_there_; }

  // Hands over the batches in the input, and takes them. kCorrupt: one is damaged.
  Status take(const std::function<Status(const Pushed&)>& on_batch);

 private:
  NativeSubscriber(LoadSocket socket, std::string topic)
      : socket_(std::move(socket)), topic_(std::move(topic)) {}

  Status subscribe(network::StartAt from);
  Status take_data(Bytes payload, const std::function<Status(const Pushed&)>& on_batch);
  Status give_credit();

  LoadSocket socket_;
  std::string topic_;
  std::int64_t records_there_ = 0;
  Offset next_;
  Incarnation incarnation_;
  std::size_t owed_bytes_ = 0;  // of credit
};

}  // namespace xylem::cli
