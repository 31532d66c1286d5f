// What the registry says of the tree, from any bytes as JSON: no crash, and it is read back as it
// was.
#include "broker/topology/topology.h"
#include "common/bytes.h"
#include "common/check.h"

#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto json = xylem::text_of({reinterpret_cast<const std::byte*>(data), size});
  const auto topology = xylem::broker::topology_from_json(json);
  if (!topology) return 0;
  XYLEM_CHECK(topology->parents.size() <= xylem::broker::kParentsMax);
  XYLEM_CHECK(xylem::broker::topology_from_json(to_json(*topology)) == *topology);
  return 0;
}
