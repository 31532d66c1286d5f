// The HttpReply that handlers get: answers through its connection as long as that lives.
//
// Threads: the loop's.
#pragma once

#include "network/http/http_connection.h"

#include <functional>
#include <memory>

namespace xylem::network {

class ConnectionReply final : public HttpReply, public HttpReplyListener {
 public:
  explicit ConnectionReply(std::weak_ptr<HttpConnection> connection);
  ~ConnectionReply() override;
  ConnectionReply(const ConnectionReply&) = delete;
  ConnectionReply& operator=(const ConnectionReply&) = delete;

  void send(HttpResponse response) override;
  void send_error(const Error& error) override;
  void start(HttpResponse head) override;
  std::size_t write(Slice piece) override;
  void end() override;
  void on_drained(std::function<void()> callback) override;
  void on_gone(std::function<void()> callback) override;
  [[nodiscard]] bool is_gone() const override;

  void gone() override;
  void drained() override;

 private:
  enum class State : std::uint8_t { kOpen, kStarted, kDone };

  [[nodiscard]] std::shared_ptr<HttpConnection> connection() const;
  void done();

  std::weak_ptr<HttpConnection> connection_;
  State state_ = State::kOpen;
  bool is_gone_ = false;
  std::function<void()> on_drained_;
  std::function<void()> on_gone_;
};

}  // namespace xylem::network
