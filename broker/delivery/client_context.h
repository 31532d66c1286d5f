// What the client listener and its sessions work with; all of it belongs to the broker.
#pragma once

#include "broker/catalog/topic_catalog.h"
#include "broker/dead_letters/dead_letters.h"
#include "broker/groups/delivery_counts.h"
#include "broker/groups/group_admin.h"
#include "broker/groups/group_offsets.h"
#include "broker/groups/memberships.h"
#include "broker/partitions/partition_table.h"
#include "common/clock.h"
#include "common/ids.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/metrics.h"

#include <functional>
#include <string>

namespace xylem::broker {

class DelayedRecords;
class Refreshes;

// Who leads, as far as this broker knows.
struct Leader {
  NodeId node;
  std::string tcp;         // host:port for clients; empty: not known
  std::string http;        // host:port for administration
  Epoch epoch = kNoEpoch;  // of a partition's leadership, where that is known
};

struct ClientContext {
  Loop& loop;
  const Clock& clock;
  Logger& logger;
  Metrics& metrics;
  PartitionTable& partitions;
  TopicCatalog& topics;
  GroupOffsets& offsets;
  Memberships& memberships;
  GroupAdmin& group_admin;
  NodeId node;
  std::function<std::string()> role;
  std::function<ClusterId()> cluster;
  std::function<Leader()> leader;                 // of the topics: who administers them
  std::function<Leader(const LogId&)> leader_of;  // of a partition
  std::function<Leader(const LogId&)> reader_of;  // whom consumers go to when it is not here
  bool auto_create_topics = false;
  DelayedRecords* delayed = nullptr;                // null: none are taken
  Refreshes* refreshes = nullptr;                   // null: nobody is refreshed
  DeadLetters* dead_letters = nullptr;              // null: nothing is counted
  const DeliveryCounts* delivery_counts = nullptr;  // of `dead_letters`
};

}  // namespace xylem::broker
