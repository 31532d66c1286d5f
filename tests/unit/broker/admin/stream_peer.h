// Somebody who reads a stream of records over a connection of their own.
#pragma once

#include "tests/unit/broker/admin/records_world.h"
#include "tests/unit/network/http/http_fixture.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::testing {

class StreamPeer {
 public:
  struct Event {
    std::string name;
    std::string id;
    Json data;
  };

  StreamPeer(Loop& loop, std::uint16_t port, const std::string& query, const std::string& id = {})
      : loop_(loop), sockets_(network::make_tcp_sockets(loop, 1)) {
    const auto target = "/api/v1/topics/t/stream" + query;
    const auto head = network::testing::request_line("GET", target) +
                      (id.empty() ? "" : "Last-Event-ID: " + id + "\r\n") + "\r\n";
    sockets_->connect({"127.0.0.1", port}, 5'000, [this, head](auto opened) {
      REQUIRE(opened);
      raw.stream = std::move(*opened);
      raw.stream->set_events(&raw);
      raw.send(head);
    });
    REQUIRE(run_until(loop_, [&] { return raw.answers() == 1; }));
  }

  explicit StreamPeer(RecordsWorld& world,
                      const std::string& query = {},
                      const std::string& id = {})
      : StreamPeer(world.broker.loop, world.port, query, id) {}

  // All events so far of which whole chunks are here.
  [[nodiscard]] std::vector<Event> events() const {
    std::vector<Event> all;
    const auto text = body();
    std::string_view left = text;
    for (auto end = left.find("\n\n"); end != std::string_view::npos; end = left.find("\n\n")) {
      if (const auto event = event_of(left.substr(0, end + 1)); !event.name.empty())
        all.push_back(event);
      left.remove_prefix(end + 2);
    }
    return all;
  }

  [[nodiscard]] std::vector<Event> named(std::string_view name) const {
    auto all = events();
    std::erase_if(all, [&](const Event& event) { return event.name != name; });
    return all;
  }

  // Waits for `count` events of that name, and finds no more.
  std::vector<Event> wait_for(std::string_view name, std::size_t count) {
    REQUIRE(run_until(loop_, [&] { return named(name).size() >= count; }));
    auto all = named(name);
    CHECK(all.size() == count);
    return all;
  }

  // Near the end of what has come.
  [[nodiscard]] bool has_lately(std::string_view text) const {
    constexpr std::size_t kLate = 8'192;
    const auto from = raw.received.size() - std::min(raw.received.size(), kLate);
    return std::string_view(raw.received).substr(from).find(text) != std::string_view::npos;
  }

  [[nodiscard]] bool is_over() const { return raw.received.ends_with("0\r\n\r\n"); }

  network::testing::RawPeer raw;

 private:
  [[nodiscard]] std::string body() const {
    std::string text;
    std::string_view left = raw.received;
    const auto head = left.find("\r\n\r\n");
    if (head == std::string_view::npos) return text;
    left.remove_prefix(head + 4);
    for (auto line = left.find("\r\n"); line != std::string_view::npos; line = left.find("\r\n")) {
      std::size_t bytes = 0;
      std::from_chars(left.data(), left.data() + line, bytes, 16);
      if (bytes == 0 || left.size() < line + 2 + bytes + 2) break;
      text += left.substr(line + 2, bytes);
      left.remove_prefix(line + 2 + bytes + 2);
    }
    return text;
  }

  static Event event_of(std::string_view block) {
    Event event;
    const auto field = [&](std::string_view name) {
      auto at = block.starts_with(name) ? 0 : block.find("\n" + std::string(name));
      if (at == std::string_view::npos) return std::string();
      at += (at == 0 && block.starts_with(name) ? 0 : 1) + name.size();
      return std::string(block.substr(at, block.find('\n', at) - at));
    };
    event.name = field("event: ");
    event.id = field("id: ");
    event.data = Json::parse(field("data: "), nullptr, false);
    return event;
  }

  Loop& loop_;
  std::unique_ptr<network::Sockets> sockets_;
};

}  // namespace xylem::testing
