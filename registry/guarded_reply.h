// A reply that adds the security headers which its handler did not set.
//
// Threads: the loop's.
#pragma once

#include "network/http/http_server.h"

#include <cstddef>
#include <functional>
#include <utility>

namespace xylem::registry {

class GuardedReply final : public network::HttpReply {
 public:
  explicit GuardedReply(network::HttpReplyPtr reply) : reply_(std::move(reply)) {}

  void send(network::HttpResponse response) override;
  void send_error(const Error& error) override;
  void start(network::HttpResponse head) override;

  std::size_t write(Slice piece) override { return reply_->write(std::move(piece)); }

  void end() override { reply_->end(); }

  void on_drained(std::function<void()> callback) override {
    reply_->on_drained(std::move(callback));
  }

  void on_gone(std::function<void()> callback) override { reply_->on_gone(std::move(callback)); }

  [[nodiscard]] bool is_gone() const override { return reply_->is_gone(); }

 private:
  network::HttpReplyPtr reply_;
};

}  // namespace xylem::registry
