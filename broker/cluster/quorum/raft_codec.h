// The messages of Raft as bytes, for libraft's structures; and its configuration in snapshots.
//
//   version u8 = 1 | type u8 | the fields of the type, in libraft's order, big-endian;
//   bytes and lists with a u32 count in front
//
// Limits: what is decoded takes no more memory than a small multiple of its bytes. Errors:
// kInvalidRequest: it is no message; kUnavailable: no memory.
// Threads: any.
#pragma once

#include "broker/cluster/quorum/raft_library.h"
#include "common/bytes.h"
#include "common/result.h"

namespace xylem::broker {

// A copy in libraft's memory; also of nothing, for libraft wants something to free. False: it has
// no memory.
[[nodiscard]] bool copy_to(Bytes bytes, raft_buffer& buffer);

Buffer encode(const raft_message& message);

// `message` is filled but for who sent it. Its memory is libraft's (raft_malloc) and goes to
// whoever receives the message; after an error nothing is left allocated.
Status decode(Bytes bytes, raft_message& message);

// Of a message that nobody received.
void free_memory(raft_message& message);

Buffer encode(const raft_configuration& configuration);
Status decode(Bytes bytes, raft_configuration& configuration);

}  // namespace xylem::broker
