// A raw TCP server for tests of clients: each connection is handed to a script on one thread.
#pragma once

#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace xylem {

// One accepted connection.
class ScriptedConnection {
 public:
  explicit ScriptedConnection(int socket) : socket_(socket) {}

  // Reads until `end` has come; "" when the peer is gone.
  std::string read_until(std::string_view end) {
    while (received_.find(end) == std::string::npos) {
      std::array<char, 4096> piece{};
      const auto count = recv(socket_, piece.data(), piece.size(), 0);
      if (count <= 0) return {};
      received_.append(piece.data(), static_cast<std::size_t>(count));
    }
    const auto size = received_.find(end) + end.size();
    auto text = received_.substr(0, size);
    received_.erase(0, size);
    return text;
  }

  bool write(std::string_view text) {
    while (!text.empty()) {
      const auto count = send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  // Until the peer closes.
  void wait_for_end() {
    std::array<char, 4096> ignored{};
    while (recv(socket_, ignored.data(), ignored.size(), 0) > 0) {
    }
  }

  // The next close resets the connection.
  void reset_on_close() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }

 private:
  int socket_;
  std::string received_;
};

class ScriptedServer {
 public:
  using Script = std::function<void(ScriptedConnection&)>;

  // A null script accepts nothing: connections wait in the backlog.
  explicit ScriptedServer(Script script, int backlog = 16)
      : script_(std::move(script)), listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    bind(listener_, raw, size);
    listen(listener_, backlog);
    getsockname(listener_, raw, &size);
    port_ = ntohs(address.sin_port);
    if (script_) thread_ = std::thread([this] { serve(); });
  }

  ~ScriptedServer() {
    shutdown(listener_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    close(listener_);
  }

  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  [[nodiscard]] int connections() const { return connections_; }

 private:
  void serve() {
    for (int socket = 0; (socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      ++connections_;
      ScriptedConnection connection(socket);
      script_(connection);
      close(socket);
    }
  }

  Script script_;
  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::thread thread_;
};

}  // namespace xylem
