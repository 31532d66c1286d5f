// A NetworkClient whose connections break when a frame arrives that a test wants lost.
#pragma once

#include "network/transport/transport.h"

#include <functional>
#include <memory>
#include <utility>

namespace xylem::testing {

class LossyClient final : public network::NetworkClient {
 public:
  using Loses = std::function<bool(const network::Frame&)>;

  LossyClient(std::unique_ptr<network::NetworkClient> inner, Loses loses)
      : inner_(std::move(inner)), loses_(std::move(loses)) {}

  void connect(const network::Address& address,
               std::uint64_t timeout_ms,
               Connected connected) override {
    inner_->connect(address, timeout_ms, [this, connected = std::move(connected)](auto connection) {
      if (!connection) return connected(std::unexpected(connection.error()));
      connected(std::make_shared<Link>(std::move(*connection), loses_));
    });
  }

 private:
  class Link final : public network::Connection, private network::ConnectionHandler {
   public:
    Link(std::shared_ptr<network::Connection> inner, const Loses& loses)
        : inner_(std::move(inner)), loses_(loses) {}

    ~Link() override { inner_->set_handler(nullptr); }

    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    void set_handler(network::ConnectionHandler* handler) override {
      handler_ = handler;
      inner_->set_handler(handler == nullptr ? nullptr : this);
    }

    void send(network::FrameType type, std::uint64_t id, std::span<const Slice> pieces) override {
      inner_->send(type, id, pieces);
    }

    void close() override { inner_->close(); }

    [[nodiscard]] std::size_t queued_bytes() const override { return inner_->queued_bytes(); }

    [[nodiscard]] std::uint64_t received_bytes() const override { return inner_->received_bytes(); }

    void pause_reading(bool paused) override { inner_->pause_reading(paused); }

    void allow_large_payloads() override { inner_->allow_large_payloads(); }

    [[nodiscard]] const std::string& peer() const override { return inner_->peer(); }

   private:
    void on_frame(network::Frame frame) override {
      is_broken_ = is_broken_ || loses_(frame);
      if (is_broken_) return inner_->close();
      handler_->on_frame(std::move(frame));
    }

    void on_closed(const Error& why) override { handler_->on_closed(why); }

    void on_writable() override { handler_->on_writable(); }

    std::shared_ptr<network::Connection> inner_;
    const Loses& loses_;
    network::ConnectionHandler* handler_ = nullptr;
    bool is_broken_ = false;
  };

  std::unique_ptr<network::NetworkClient> inner_;
  Loses loses_;
};

}  // namespace xylem::testing
