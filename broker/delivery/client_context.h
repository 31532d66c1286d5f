// What the client listener and its sessions work with; all of it belongs to the broker.
#pragma once

#include "broker/catalog/topic_catalog.h"
#include "broker/delivery/group_offsets.h"
#include "broker/partitions/partition_table.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"

#include <functional>
#include <string>

namespace xylem::broker {

// Who owns the partitions, as far as this broker knows.
struct Leader {
  NodeId node;
  std::string tcp;   // host:port for clients; empty: not known
  std::string http;  // host:port for administration
};

struct ClientContext {
  Loop& loop;
  const Clock& clock;
  Logger& logger;
  Metrics& metrics;
  PartitionTable& partitions;
  TopicCatalog& topics;
  GroupOffsets& offsets;
  NodeId node;
  std::function<std::string()> role;
  std::function<ClusterId()> cluster;
  std::function<Leader()> leader;
  bool auto_create_topics = false;
};

}  // namespace xylem::broker
