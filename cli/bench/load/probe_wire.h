// How records that carry the moment they were due travel through one broker: the native protocol,
// or another broker's. One thread, plain sockets, the same work at both ends whatever the broker.
#pragma once

#include "cli/bench/load/load_socket.h"
#include "common/bytes.h"
#include "common/result.h"
#include "network/transport/transport.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace xylem::cli {

class ProbeWire {
 public:
  virtual ~ProbeWire() = default;

  // Connects a producer, and a consumer that receives what is sent from now on.
  virtual Status open() = 0;

  [[nodiscard]] virtual LoadSocket& producer() = 0;
  [[nodiscard]] virtual LoadSocket& consumer() = 0;

  // Appends to `output` what sends these values, which were due together.
  virtual Status encode(std::span<const std::string> values, Buffer& output) = 0;

  // How many values the producer's input acknowledges, in order; takes that input.
  virtual Result<std::int64_t> take_acks() = 0;

  // Hands over the values in the consumer's input, and takes them.
  virtual Status take_values(const std::function<Status(Bytes)>& on_value) = 0;

  // Says on both connections that we are there; due every LoadWire::kBeatUs.
  virtual Status beat() = 0;
};

// Makes the topic; with acks=all.
std::unique_ptr<ProbeWire> make_native_probe_wire(const network::Address& broker,
                                                  const std::string& flush);

std::unique_ptr<ProbeWire> make_nats_probe_wire(const network::Address& broker);

}  // namespace xylem::cli
