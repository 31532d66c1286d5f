#include "cli/bench/load/nats_connection.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kEnd = "\r\n";
constexpr std::string_view kSubject = "bench";
constexpr std::string_view kAcks = "_INBOX.acks";
constexpr std::string_view kDeliver = "_INBOX.deliver";

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const auto space = std::min(line.find(' '), line.size());
    if (space > 0) words.push_back(line.substr(0, space));
    line.remove_prefix(std::min(space + 1, line.size()));
  }
  return words;
}

std::size_t number_in(std::string_view word) {
  std::size_t number = 0;
  std::from_chars(word.data(), word.data() + word.size(), number);
  return number;
}

std::string publication(std::string_view subject, std::string_view reply, std::string_view value) {
  std::string text("PUB ");
  text.append(subject).append(" ");
  if (!reply.empty()) text.append(reply).append(" ");
  text.append(std::to_string(value.size())).append(kEnd).append(value).append(kEnd);
  return text;
}

}  // namespace

std::string nats_publication(std::string_view value) { return publication(kSubject, kAcks, value); }

// The first message of the input; nullopt: it has not arrived completely.
//   MSG subject sid [reply] bytes        HMSG subject sid [reply] header_bytes bytes
std::optional<NatsConnection::Said> NatsConnection::peek(Bytes bytes) {
  const auto input = text_of(bytes);
  const auto end = input.find(kEnd);
  if (end == std::string_view::npos) return std::nullopt;
  const auto words = words_of(input.substr(0, end));
  Said said{.verb = words.empty() ? std::string_view() : words[0], .bytes = end + kEnd.size()};
  const bool has_headers = said.verb == "HMSG";
  if (!has_headers && said.verb != "MSG") {
    said.payload = input.substr(0, end);
    return said;
  }
  const auto fixed = has_headers ? 5U : 4U;
  if (words.size() > fixed) said.reply = words[3];
  const auto whole = number_in(words.back());
  const auto headers = has_headers ? number_in(words[words.size() - 2]) : 0;
  if (input.size() < said.bytes + whole + kEnd.size() || headers > whole) return std::nullopt;
  said.headers = input.substr(said.bytes, headers);
  said.payload = input.substr(said.bytes + headers, whole - headers);
  said.bytes += whole + kEnd.size();
  return said;
}

Result<NatsConnection> NatsConnection::connect(const network::Address& broker) {
  auto socket = LoadSocket::connect(broker);
  if (!socket) return pass(socket);
  NatsConnection made(std::move(*socket));
  if (auto greeted = made.greet(); !greeted) return pass(greeted);
  return made;
}

Status NatsConnection::say(std::string_view text) { return socket_.send_all(bytes_of(text)); }

Status NatsConnection::greet() {
  constexpr std::string_view kHello =
      "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"lang\":\"c++\","
      "\"version\":\"1\",\"protocol\":1}\r\nPING\r\n";
  if (auto sent = say(kHello); !sent) return sent;
  for (bool is_there = false; !is_there;) {
    if (auto waited = socket_.wait(); !waited) return waited;
    while (const auto said = peek(socket_.input())) {
      is_there = said->verb == "PONG";
      if (auto served = serve(*said); !served) return pass(served);
      socket_.take(said->bytes);
    }
  }
  return {};
}

// Answers what every client must; true: it was that.
Result<bool> NatsConnection::serve(const Said& said) {
  if (said.verb == "-ERR") return fail(Errc::kUnavailable, "NATS: " + std::string(said.payload));
  if (said.verb == "PING") {
    if (auto sent = say("PONG\r\n"); !sent) return pass(sent);
    return true;
  }
  return said.verb != "MSG" && said.verb != "HMSG";
}

Status NatsConnection::open_stream() {
  if (auto heard = say("SUB _INBOX.acks 1\r\n"); !heard) return heard;
  const Json stream{{"name", "BENCH"},       {"subjects", {kSubject}}, {"storage", "file"},
                    {"retention", "limits"}, {"num_replicas", 1},      {"discard", "old"}};
  return ask("$JS.API.STREAM.CREATE.BENCH", stream.dump());
}

Status NatsConnection::subscribe(NatsConnection& producer, bool from_end) {
  if (auto heard = say("SUB _INBOX.deliver 2\r\n"); !heard) return heard;
  const Json push{{"stream_name", "BENCH"},
                  {"config",
                   {{"deliver_subject", kDeliver},
                    {"deliver_policy", from_end ? "new" : "all"},
                    {"ack_policy", "none"},
                    {"flow_control", true},
                    {"idle_heartbeat", 5'000'000'000}}}};
  return producer.ask("$JS.API.CONSUMER.CREATE.BENCH", push.dump());
}

// A request of the JetStream API; it fails by an "error" in the answer.
Status NatsConnection::ask(std::string_view subject, const std::string& request) {
  if (auto sent = say(publication(subject, kAcks, request)); !sent) return sent;
  while (true) {
    while (const auto said = peek(socket_.input())) {
      auto served = serve(*said);
      if (!served) return pass(served);
      const std::string answer(said->payload);
      socket_.take(said->bytes);
      if (*served) continue;
      if (answer.find("\"error\"") == std::string::npos) return {};
      return fail(Errc::kUnavailable, "JetStream answers " + answer);
    }
    if (auto waited = socket_.wait(); !waited) return waited;
  }
}

Result<std::int64_t> NatsConnection::take_acks() {
  std::int64_t count = 0;
  while (const auto said = peek(socket_.input())) {
    auto served = serve(*said);
    if (!served) return pass(served);
    if (!*served) {
      const auto at = said->payload.find("\"seq\":");
      const auto digits = said->payload.substr(std::min(at, said->payload.size()));
      if (at == std::string_view::npos || number_in(digits.substr(6)) != ++acked_)
        return fail(Errc::kCorrupt, "JetStream answers " + std::string(said->payload));
      ++count;
    }
    socket_.take(said->bytes);
  }
  return count;
}

Status NatsConnection::take_values(const std::function<Status(Bytes)>& on_value) {
  while (const auto said = peek(socket_.input())) {
    auto served = serve(*said);
    if (!served) return pass(served);
    if (!*served) {
      auto handled =
          said->headers.empty() ? on_value(bytes_of(said->payload)) : answer_status(*said);
      if (!handled) return handled;
    }
    socket_.take(said->bytes);
  }
  return {};
}

// Flow control asks for an answer; a heartbeat may name whom a stalled consumer owes one.
Status NatsConnection::answer_status(const Said& said) {
  constexpr std::string_view kStalled = "Nats-Consumer-Stalled: ";
  auto to = said.reply;
  const auto at = said.headers.find(kStalled);
  if (to.empty() && at != std::string_view::npos) {
    to = said.headers.substr(at + kStalled.size());
    to = to.substr(0, to.find(kEnd));
  }
  return to.empty() ? Status() : say(publication(to, {}, {}));
}

}  // namespace xylem::cli
