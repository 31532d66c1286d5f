// TCP listeners and outgoing connections, giving Streams.
//
// Hosts may be IPv4, IPv6 or names; a name's addresses are tried in turn within one time limit.
// Beyond `connections_max` an accepted connection is closed at once.
//
// Owns: its listeners, connects and streams. Threads: the loop's.
#pragma once

#include "network/transport/stream.h"

#include <cstddef>
#include <memory>

namespace xylem::network {

std::unique_ptr<Sockets> make_tcp_sockets(Loop& loop, std::size_t connections_max);

}  // namespace xylem::network
