#include "broker/topology/topology_cache.h"

#include <utility>

namespace xylem::broker {
namespace {

constexpr std::size_t kFileBytesMax = 4ULL * 1024 * 1024;

}  // namespace

TopologyCache::TopologyCache(storage::Disk& disk, const std::string& data_dir)
    : disk_(disk), path_(data_dir + "/topology.json") {}

Status TopologyCache::save(const Topology& topology) {
  const auto text = to_json(topology);
  if (auto written = storage::replace_file(disk_, path_, bytes_of(text)); !written) return written;
  auto back = storage::read_file(disk_, path_, kFileBytesMax);
  if (!back) return pass(back);
  if (text_of(*back) != text)
    return fail(Errc::kCorrupt, path_ + " does not hold what was written");
  return {};
}

Result<std::optional<Topology>> TopologyCache::load(const NodeId& node) {
  auto there = disk_.exists(path_);
  if (!there) return pass(there);
  if (!*there) return std::nullopt;
  auto content = storage::read_file(disk_, path_, kFileBytesMax);
  if (!content) return pass(content);
  auto topology = topology_from_json(text_of(*content));
  if (!topology) return fail(Errc::kCorrupt, path_ + ": " + topology.error().what());
  if (topology->node != node) return fail(Errc::kCorrupt, path_ + " is of node " + topology->node);
  return std::optional(std::move(*topology));
}

}  // namespace xylem::broker
