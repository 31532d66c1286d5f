#include "cli/bench/load/native_connection.h"

#include "network/protocol/messages.h"

#include <nlohmann/json.hpp>

namespace xylem::cli {

using network::FrameType;

Buffer native_frame(FrameType type, std::uint64_t id, Bytes payload) {
  const auto head = network::encode_frame_header(type, id, payload.size());
  Buffer whole;
  whole.reserve(head.size() + payload.size());
  append(head, whole);
  append(payload, whole);
  return whole;
}

std::optional<NativeFrame> peek_native(Bytes input) {
  if (input.size() < network::kFrameHeaderBytes) return std::nullopt;
  const std::size_t bytes = load_be<std::uint32_t>(input.subspan(9));
  if (input.size() - network::kFrameHeaderBytes < bytes) return std::nullopt;
  return NativeFrame{static_cast<FrameType>(input[0]), load_be<std::uint64_t>(input.subspan(1)),
                     input.subspan(network::kFrameHeaderBytes, bytes)};
}

void take_native(LoadSocket& socket, const NativeFrame& frame) {
  socket.take(network::kFrameHeaderBytes + frame.payload.size());
}

std::unexpected<Error> unexpected_native(const NativeFrame& frame) {
  if (frame.type == FrameType::kError) {
    const auto said = network::decode<network::ErrorMessage>(frame.payload);
    if (said) return std::unexpected(network::to_error(*said));
  }
  return fail(Errc::kCorrupt,
              "an unexpected frame of type " + std::to_string(static_cast<int>(frame.type)));
}

Result<Buffer> ask_native(LoadSocket& socket, FrameType type, Bytes payload) {
  if (auto sent = socket.send_all(native_frame(type, kLoadRequest, payload)); !sent)
    return pass(sent);
  std::optional<NativeFrame> answer;
  while (!(answer = peek_native(socket.input()))) {
    if (auto waited = socket.wait(); !waited) return pass(waited);
  }
  Result<Buffer> said = Buffer(answer->payload.begin(), answer->payload.end());
  if (answer->type != type) said = unexpected_native(*answer);
  take_native(socket, *answer);
  return said;
}

Result<LoadSocket> connect_native(const network::Address& broker) {
  auto socket = LoadSocket::connect(broker);
  if (!socket) return socket;
  const auto hello = network::encode(network::Hello{.client_id = "xylem-bench"});
  if (auto said = ask_native(*socket, FrameType::kHello, hello); !said) return pass(said);
  return socket;
}

Status beat_native(LoadSocket& socket) {
  return socket.send_all(native_frame(FrameType::kHeartbeat, 0, {}));
}

Status make_native_topic(LoadSocket& socket, const std::string& name, const std::string& flush) {
  const network::Admin create{.command = "topic.create",
                              .json = nlohmann::json{{"name", name}, {"flush", flush}}.dump()};
  const auto created = ask_native(socket, FrameType::kAdmin, network::encode(create));
  if (created || created.error().code() == Errc::kAlreadyExists) return {};
  return std::unexpected(created.error());
}

Status delete_native_topic(const network::Address& broker, const std::string& name) {
  auto socket = connect_native(broker);
  if (!socket) return pass(socket);
  const network::Admin remove{.command = "topic.delete",
                              .json = nlohmann::json{{"name", name}}.dump()};
  const auto removed = ask_native(*socket, FrameType::kAdmin, network::encode(remove));
  if (!removed) return std::unexpected(removed.error());
  return {};
}

}  // namespace xylem::cli
