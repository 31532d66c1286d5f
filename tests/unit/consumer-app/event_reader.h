// A reader of GET /api/query/changes: its connection, the events that came, and the copy that a
// program would keep by them.
#pragma once

#include "tests/support/run_until.h"
#include "tests/unit/consumer-app/served.h"
#include "tests/unit/network/http/http_fixture.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::consumer_app {

struct ChangeEvent {
  std::string id;
  std::string event;
  Json data;
};

class EventReader {
 public:
  EventReader(Served& daemon, const std::string& query, const std::string& last_id = {})
      : daemon_(&daemon), last_id_(last_id) {
    sockets_ = network::make_tcp_sockets(daemon.world.loop, 8);
    sockets_->connect({"127.0.0.1", daemon.port}, 5'000,
                      [this](Result<std::shared_ptr<network::Stream>> stream) {
                        REQUIRE(stream);
                        peer_.stream = std::move(*stream);
                        peer_.stream->set_events(&peer_);
                      });
    REQUIRE(daemon.world.until([&] { return peer_.stream != nullptr; }));
    std::string head = "GET /api/query/changes" + query + " HTTP/1.1\r\nHost: x\r\n";
    if (!last_id.empty()) head += "Last-Event-ID: " + last_id + "\r\n";
    peer_.send(head + "\r\n");
  }

  // Takes what has come in.
  void take() {
    std::string& in = peer_.received;
    if (!has_head_) {
      const auto end = in.find("\r\n\r\n");
      if (end == std::string::npos) return;
      CHECK(in.starts_with("HTTP/1.1 200 "));
      in.erase(0, end + 4);
      has_head_ = true;
    }
    std::size_t at = 0;
    while (const auto chunk = next_chunk(at)) {
      if (chunk->empty()) break;
      text_ += *chunk;
    }
    in.erase(0, at);
    for (auto end = text_.find("\n\n"); end != std::string::npos; end = text_.find("\n\n")) {
      take_block(text_.substr(0, end));
      text_.erase(0, end + 2);
    }
  }

  bool until(const std::function<bool()>& condition) {
    return daemon_->world.until([&] {
      take();
      return condition();
    });
  }

  bool until_events(std::size_t count) {
    return until([&] { return events.size() >= count; });
  }

  bool until_event(std::string_view name) {
    return until([&] { return !events.empty() && events.back().event == name; });
  }

  [[nodiscard]] const std::string& last_id() const { return last_id_; }

  [[nodiscard]] network::testing::RawPeer& peer() { return peer_; }

  [[nodiscard]] std::size_t comments() const { return comments_; }

  std::vector<ChangeEvent> events;
  std::map<std::string, std::string> copy;  // of one topic
  bool is_replacing = false;                // between reset and ready

 private:
  std::optional<std::string_view> next_chunk(std::size_t& at) const {
    const std::string_view in = peer_.received;
    const auto line = in.find("\r\n", at);
    if (line == std::string_view::npos) return std::nullopt;
    std::size_t bytes = 0;
    std::from_chars(in.data() + at, in.data() + line, bytes, 16);
    if (in.size() < line + 2 + bytes + 2) return std::nullopt;
    at = line + 2 + bytes + 2;
    return in.substr(line + 2, bytes);
  }

  void take_block(std::string_view block) {
    ChangeEvent one;
    while (!block.empty()) {
      const auto line = block.substr(0, block.find('\n'));
      block.remove_prefix(std::min(block.size(), line.size() + 1));
      if (line.starts_with("id: ")) one.id = line.substr(4);
      if (line.starts_with("event: ")) one.event = line.substr(7);
      if (line.starts_with("data: ")) one.data = Json::parse(line.substr(6));
      if (line.starts_with(':')) ++comments_;
    }
    if (!one.id.empty()) last_id_ = one.id;
    if (!one.event.empty()) apply(std::move(one));
  }

  void apply(ChangeEvent one) {
    if (one.event == "reset") copy.clear();
    if (one.event != "change") is_replacing = one.event == "reset";
    if (one.event == "change") {
      const auto key = one.data.at("key").get<std::string>();
      if (one.data.at("type") == "DELETE") {
        copy.erase(key);
      } else {
        copy[key] = one.data.at("value").get<std::string>();
      }
    }
    events.push_back(std::move(one));
  }

  Served* daemon_;
  std::string last_id_;
  std::unique_ptr<network::Sockets> sockets_;
  network::testing::RawPeer peer_;
  bool has_head_ = false;
  std::string text_;
  std::size_t comments_ = 0;
};

}  // namespace xylem::consumer_app
