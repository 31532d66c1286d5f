// Whatever is read as a command is the same after it was written again.
#include "broker/cluster/cluster_command.h"
#include "common/check.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  const auto command = xylem::broker::command_from_json(json);
  if (!command) return 0;
  const auto again = xylem::broker::command_from_json(xylem::broker::to_json(*command));
  XYLEM_CHECK(again && *again == *command);
  return 0;
}
