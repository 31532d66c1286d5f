// A message of any bytes: what is read is the same after it was written again, and nothing leaks.
#include "broker/cluster/quorum/raft_codec.h"
#include "broker/cluster/quorum/raft_library.h"
#include "common/check.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace xylem::broker;
  const xylem::Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  raft_message message{};
  if (decode(bytes, message)) {
    const auto again = encode(message);
    XYLEM_CHECK(std::ranges::equal(again, bytes));
    free_memory(message);
  }
  raft_configuration configuration{};
  if (decode(bytes, configuration)) XYLEM_CHECK(encode(configuration).size() == size);
  raft_configuration_close(&configuration);
  return 0;
}
