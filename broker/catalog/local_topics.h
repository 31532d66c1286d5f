// The topics of this broker alone: its dead letters. No other node knows of them, no pipe carries
// them, and they work offline.
//
// Each is a row of kind "local_topic" in state.db: its name, and its definition as JSON
// (topic_definition.h). It has one partition and one replica, which this broker leads in an epoch
// above all that its log knows. Where the cluster has a topic of the same name none is made.
//
// Threads: the loop's. Errors: kAlreadyExists (the cluster has a topic of that name),
// kInvalidRequest, kQuotaExceeded, kUnavailable (it is being made or removed), those of the disk.
#pragma once

#include "broker/catalog/topic_catalog.h"
#include "broker/partitions/partition_table.h"
#include "common/ids.h"
#include "common/logger.h"
#include "common/random.h"
#include "common/result.h"
#include "storage/state_store.h"
#include "storage/storage_engine.h"

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace xylem::broker {

class LocalTopics final : public TopicAuthority {
 public:
  static constexpr std::size_t kTopicsMax = 10'000;

  struct Context {
    Random& random;
    Logger& logger;
    storage::StateStore& state;
    storage::StorageEngine& storage;
  };

  explicit LocalTopics(const Context& context) : context_(context) {}

  // Reads all rows; calls back on the loop. Before start().
  void load(std::function<void(Status)> done);

  // Opens what was loaded and tells the catalog. A log that cannot be opened is an error in the
  // broker's log, and its topic is not found. Both outlive this.
  void start(PartitionTable& partitions, TopicCatalog& catalog);

  // Its partition, which this broker leads. While the topic is being changed it waits for that.
  void find_or_create(const std::string& name, std::function<void(Result<Partition*>)> done);

  [[nodiscard]] bool has(const Incarnation& incarnation) const {
    return incarnations_.contains(incarnation.topic);
  }

  void create(TopicDefinition topic, Done done) override;
  void alter(TopicDefinition topic, Done done) override;
  void remove(const TopicDefinition& topic, Done done) override;

  [[nodiscard]] Status is_current() const override { return {}; }

 private:
  Result<Partition*> open(const TopicDefinition& topic);
  void forget(const TopicDefinition& topic);

  // Its change is over: who waits for it goes on, after `answer`.
  void settle(const std::string& name, const std::function<void()>& answer);

  Context context_;
  PartitionTable* partitions_ = nullptr;
  TopicCatalog* catalog_ = nullptr;
  std::map<std::string, TopicDefinition> topics_;
  std::set<TopicId> incarnations_;  // of those that are open
  // Whose row is being written, and who waits for that.
  std::map<std::string, std::vector<std::function<void()>>> changing_;
};

}  // namespace xylem::broker
