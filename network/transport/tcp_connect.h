// One attempt to reach a host: its name looked up, its addresses tried, one answer.
//
// Owns: itself until it has answered. The answer comes from libuv's close callback, so never inside
// start() or cancel(). Threads: the loop's.
#pragma once

#include "common/uv_handle.h"
#include "network/transport/transport.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace xylem::network {

// The socket addresses of a host that is written as numbers; empty: it is a name.
std::vector<sockaddr_storage> numeric_addresses(const Address& address);
std::vector<sockaddr_storage> addresses_of(const addrinfo* found, std::uint16_t port);

class TcpConnect final : public std::enable_shared_from_this<TcpConnect> {
 public:
  using Done = std::function<void(Result<UvHandle<uv_tcp_t>>)>;

  TcpConnect(Loop& loop, Address address, Done done);

  void start(std::uint64_t timeout_ms);
  void cancel();

 private:
  void look_up();
  void try_next();
  void connected(int status);
  void settle(Error why);
  void answer();

  Loop& loop_;
  Address address_;
  Done done_;
  std::vector<sockaddr_storage> candidates_;
  std::size_t tried_ = 0;
  UvHandle<uv_tcp_t> socket_;
  UvHandle<uv_timer_t> deadline_;
  Error error_{Errc::kUnavailable, "no address"};
  bool is_connected_ = false;
  bool is_settled_ = false;
  std::shared_ptr<TcpConnect> self_;
};

}  // namespace xylem::network
