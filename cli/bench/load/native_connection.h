// The native protocol on plain sockets, as far as a load generator speaks it.
//
// Errors: what the broker said; kCorrupt: a frame that does not belong there.
#pragma once

#include "cli/bench/load/load_socket.h"
#include "common/bytes.h"
#include "common/result.h"
#include "network/protocol/frame.h"
#include "network/transport/transport.h"

#include <cstdint>
#include <optional>
#include <string>

namespace xylem::cli {

inline constexpr std::uint64_t kLoadRequest = 1;  // the id of all requests, and of subscriptions

struct NativeFrame {
  network::FrameType type;
  std::uint64_t id;
  Bytes payload;
};

[[nodiscard]] Buffer native_frame(network::FrameType type, std::uint64_t id, Bytes payload);

// The first frame of the input; nullopt: it has not arrived completely.
[[nodiscard]] std::optional<NativeFrame> peek_native(Bytes input);

void take_native(LoadSocket& socket, const NativeFrame& frame);

[[nodiscard]] std::unexpected<Error> unexpected_native(const NativeFrame& frame);

// Sends a request and waits; the answer's payload. Only while nothing is pushed.
Result<Buffer> ask_native(LoadSocket& socket, network::FrameType type, Bytes payload);

Result<LoadSocket> connect_native(const network::Address& broker);

Status beat_native(LoadSocket& socket);

// Makes the topic where it is not there.
Status make_native_topic(LoadSocket& socket, const std::string& name, const std::string& flush);

Status delete_native_topic(const network::Address& broker, const std::string& name);

}  // namespace xylem::cli
