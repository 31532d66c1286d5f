#include "common/http/http_wire.h"

#include <doctest/doctest.h>

#include <array>
#include <future>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

namespace xylem {
namespace {

constexpr std::int64_t kPatienceMs = 60'000;

struct Ends {
  Ends() { REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets.data()) == 0); }

  ~Ends() {
    for (const int socket : sockets) close(socket);
  }

  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;

  void peer_writes(std::string_view text) const {
    REQUIRE(send(sockets[1], text.data(), text.size(), 0) == std::ssize(text));
  }

  [[nodiscard]] int ours() const { return sockets[0]; }

  [[nodiscard]] int peers() const { return sockets[1]; }

  std::array<int, 2> sockets{};
};

std::string read_from(HttpWire& wire, std::size_t at_most) {
  std::string text(at_most, ' ');
  const auto got = wire.read(std::as_writable_bytes(std::span(text)));
  REQUIRE(got >= 0);
  text.resize(static_cast<std::size_t>(got));
  return text;
}

TEST_CASE("http wire: gives piece by piece what it read at once") {
  const Ends ends;
  Buffer ahead;
  HttpWire wire(ends.ours(), kPatienceMs, ahead);
  ends.peer_writes("first second");
  CHECK(read_from(wire, 5) == "first");
  std::array<char, 16> left{};
  CHECK(recv(ends.ours(), left.data(), left.size(), MSG_DONTWAIT) == -1);  // it has all of it
  CHECK(wire.is_readable());
  CHECK(read_from(wire, 100) == " second");
  ends.peer_writes("third");
  CHECK(read_from(wire, 100) == "third");
}

TEST_CASE("http wire: the peer's end is 0, silence and a broken connection are errors") {
  Ends ends;
  Buffer ahead;
  HttpWire wire(ends.ours(), 20, ahead);
  std::array<std::byte, 8> room{};
  CHECK(wire.read(room) < 0);
  CHECK_FALSE(wire.is_readable());
  REQUIRE(shutdown(ends.peers(), SHUT_RDWR) == 0);
  CHECK(wire.read(room) == 0);
  CHECK(wire.write(bytes_of("text")) < 0);
}

TEST_CASE("http wire: a read waits for who writes later") {
  const Ends ends;
  Buffer ahead;
  HttpWire wire(ends.ours(), kPatienceMs, ahead);
  auto reads = std::async(std::launch::async, [&] { return read_from(wire, 100); });
  ends.peer_writes("late");
  CHECK(reads.get() == "late");
}

TEST_CASE("http wire: a write into a full connection waits, and gives up in silence") {
  const Ends ends;
  Buffer ahead;
  HttpWire wire(ends.ours(), 20, ahead);
  const Buffer much(HttpWire::kAheadBytes);
  std::ptrdiff_t taken = 0;
  for (std::ptrdiff_t sent = 0; (sent = wire.write(much)) > 0;) taken += sent;
  CHECK(taken > 0);
  CHECK_FALSE(wire.is_writable());
}

}  // namespace
}  // namespace xylem
