// Whatever is read as a snapshot is the same after it was written again, and takes any command.
#include "broker/cluster/cluster_state.h"
#include "common/check.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace xylem::broker;
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  auto state = ClusterState::from_json(json);
  if (!state) return 0;
  const auto again = ClusterState::from_json(state->to_json());
  XYLEM_CHECK(again && *again == *state);
  std::vector<ReplicaId> brokers;
  for (const auto& [id, broker] : state->brokers()) brokers.push_back(id);
  const auto placed = state->placed();
  for (const auto broker : brokers) (void)state->apply(FenceBroker{broker});
  for (const auto& each : placed) {
    for (const auto broker : brokers)
      (void)state->apply(ForceElection{each.log, broker, {"fuzz", 0}});
  }
  (void)state->apply(MoveReplicas{rebalance(brokers, placed), 0, {"fuzz", 0}});
  return 0;
}
