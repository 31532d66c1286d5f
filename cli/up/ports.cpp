#include "cli/up/ports.h"

#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace xylem::cli {

Status check_port(std::uint16_t port) {
  const int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_fd < 0) return fail(Errc::kIo, system_text(errno));
  const int on = 1;  // as our listeners do: closed connections of the past do not count
  setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool is_free =
      bind(socket_fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      listen(socket_fd, 1) == 0;
  const int why = errno;
  close(socket_fd);
  if (is_free) return {};
  return fail(Errc::kAlreadyExists, "port " + std::to_string(port) + ": " + system_text(why));
}

Status check_ports(const Plan& plan) {
  for (const auto& spec : plan.processes) {
    for (const auto& [setting, port] : spec.ports) {
      auto free = check_port(port);
      if (!free)
        return fail(Errc::kAlreadyExists,
                    free.error().what() + ", and " + spec.id + " needs it (" + setting + ")",
                    "choose others by --base-port");
    }
  }
  return {};
}

}  // namespace xylem::cli
