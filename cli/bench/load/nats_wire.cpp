// JetStream over the text protocol of NATS: a stream in files, published to without waiting for
// each acknowledgement, and a push consumer with flow control.
//
// Source: https://docs.nats.io/reference/reference-protocols/nats-protocol and
// .../nats_api_reference
#include "cli/bench/load/load_wire.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kValues = 1'024;  // until they repeat
constexpr std::string_view kEnd = "\r\n";
constexpr std::string_view kSubject = "bench";
constexpr std::string_view kAcks = "_INBOX.acks";
constexpr std::string_view kDeliver = "_INBOX.deliver";

// One line of the server's, with what it announces.
struct Said {
  std::string_view verb;
  std::string_view reply;    // of MSG and HMSG; empty: none
  std::string_view headers;  // of HMSG
  std::string_view payload;
  std::size_t bytes = 0;  // of all
};

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

// The first message of the input; nullopt: it has not arrived completely.
//   MSG subject sid [reply] bytes        HMSG subject sid [reply] header_bytes bytes
std::optional<Said> peek(Bytes bytes) {
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

std::string publication(std::string_view subject, std::string_view reply, std::string_view value) {
  std::string text("PUB ");
  text.append(subject).append(" ");
  if (!reply.empty()) text.append(reply).append(" ");
  text.append(std::to_string(value.size())).append(kEnd).append(value).append(kEnd);
  return text;
}

Status say(LoadSocket& socket, std::string_view text) { return socket.send_all(bytes_of(text)); }

// Answers what every client must; true: it was that.
Result<bool> serve(LoadSocket& socket, const Said& said) {
  if (said.verb == "-ERR") return fail(Errc::kUnavailable, "NATS: " + std::string(said.payload));
  if (said.verb == "PING") {
    if (auto sent = say(socket, "PONG\r\n"); !sent) return pass(sent);
    return true;
  }
  return said.verb != "MSG" && said.verb != "HMSG";
}

Result<LoadSocket> greet(const network::Address& broker) {
  auto socket = LoadSocket::connect(broker);
  if (!socket) return socket;
  constexpr std::string_view kHello =
      "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":true,\"lang\":\"c++\","
      "\"version\":\"1\",\"protocol\":1}\r\nPING\r\n";
  if (auto sent = say(*socket, kHello); !sent) return pass(sent);
  for (bool is_there = false; !is_there;) {
    if (auto waited = socket->wait(); !waited) return pass(waited);
    while (const auto said = peek(socket->input())) {
      is_there = said->verb == "PONG";
      if (auto served = serve(*socket, *said); !served) return pass(served);
      socket->take(said->bytes);
    }
  }
  return socket;
}

class NatsWire final : public LoadWire {
 public:
  NatsWire(network::Address broker, std::size_t record_bytes, Random& random)
      : broker_(std::move(broker)) {
    for (std::size_t i = 0; i < kValues; ++i) {
      values_.push_back(load_value(record_bytes, random));
      units_.push_back(publication(kSubject, kAcks, values_.back()));
    }
  }

  Status open(From from) override {
    auto producer = greet(broker_);
    if (!producer) return pass(producer);
    producer_.emplace(std::move(*producer));
    if (auto heard = say(*producer_, "SUB _INBOX.acks 1\r\n"); !heard) return heard;
    const Json stream{{"name", "BENCH"},       {"subjects", {kSubject}}, {"storage", "file"},
                      {"retention", "limits"}, {"num_replicas", 1},      {"discard", "old"}};
    if (auto made = ask("$JS.API.STREAM.CREATE.BENCH", stream); !made) return made;
    if (from == From::kNowhere) return {};
    auto consumer = greet(broker_);
    if (!consumer) return pass(consumer);
    consumer_.emplace(std::move(*consumer));
    if (auto heard = say(*consumer_, "SUB _INBOX.deliver 2\r\n"); !heard) return heard;
    const Json push{{"stream_name", "BENCH"},
                    {"config",
                     {{"deliver_subject", kDeliver},
                      {"deliver_policy", from == From::kEnd ? "new" : "all"},
                      {"ack_policy", "none"},
                      {"flow_control", true},
                      {"idle_heartbeat", 5'000'000'000}}}};
    return ask("$JS.API.CONSUMER.CREATE.BENCH", push);
  }

  [[nodiscard]] LoadSocket& producer() override { return *producer_; }

  [[nodiscard]] LoadSocket& consumer() override { return *consumer_; }

  [[nodiscard]] Bytes unit(std::int64_t number) const override {
    return bytes_of(units_[static_cast<std::size_t>(number) % kValues]);
  }

  [[nodiscard]] std::int64_t unit_records() const override { return 1; }

  Status beat(LoadSocket& /*socket*/) override { return {}; }  // the server asks, we answer

  [[nodiscard]] std::int64_t records_there() const override { return 0; }

  Result<std::int64_t> take_acks() override {
    std::int64_t count = 0;
    while (const auto said = peek(producer_->input())) {
      auto served = serve(*producer_, *said);
      if (!served) return pass(served);
      if (!*served) {
        const auto at = said->payload.find("\"seq\":");
        const auto digits = said->payload.substr(std::min(at, said->payload.size()));
        if (at == std::string_view::npos || number_in(digits.substr(6)) != ++acked_)
          return fail(Errc::kCorrupt, "JetStream answers " + std::string(said->payload));
        ++count;
      }
      producer_->take(said->bytes);
    }
    return count;
  }

  Status take_records(LoadTally& tally) override {
    while (const auto said = peek(consumer_->input())) {
      auto served = serve(*consumer_, *said);
      if (!served) return pass(served);
      if (!*served && !said->headers.empty()) {
        if (auto answered = answer_status(*said); !answered) return answered;
      } else if (!*served) {
        if (said->payload != values_[received_++ % kValues]) ++tally.misplaced;
        ++tally.records;
      }
      consumer_->take(said->bytes);
    }
    return {};
  }

 private:
  // A request of the JetStream API; it fails by an "error" in the answer.
  Status ask(std::string_view subject, const Json& request) {
    if (auto sent = say(*producer_, publication(subject, kAcks, request.dump())); !sent)
      return sent;
    while (true) {
      while (const auto said = peek(producer_->input())) {
        auto served = serve(*producer_, *said);
        if (!served) return pass(served);
        const std::string answer(said->payload);
        producer_->take(said->bytes);
        if (*served) continue;
        if (answer.find("\"error\"") == std::string::npos) return {};
        return fail(Errc::kUnavailable, "JetStream answers " + answer);
      }
      if (auto waited = producer_->wait(); !waited) return waited;
    }
  }

  // Flow control asks for an answer; a heartbeat may name whom a stalled consumer owes one.
  Status answer_status(const Said& said) {
    constexpr std::string_view kStalled = "Nats-Consumer-Stalled: ";
    auto to = said.reply;
    const auto at = said.headers.find(kStalled);
    if (to.empty() && at != std::string_view::npos) {
      to = said.headers.substr(at + kStalled.size());
      to = to.substr(0, to.find(kEnd));
    }
    return to.empty() ? Status() : say(*consumer_, publication(to, {}, {}));
  }

  network::Address broker_;
  std::vector<std::string> values_;
  std::vector<std::string> units_;
  std::optional<LoadSocket> producer_;
  std::optional<LoadSocket> consumer_;
  std::size_t acked_ = 0;
  std::size_t received_ = 0;
};

}  // namespace

std::unique_ptr<LoadWire> make_nats_wire(const network::Address& broker,
                                         std::size_t record_bytes,
                                         Random& random) {
  return std::make_unique<NatsWire>(broker, record_bytes, random);
}

}  // namespace xylem::cli
