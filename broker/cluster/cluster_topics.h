// Topics in a root tier of several: decided by the quorum, known to the catalog, and published in
// `__topics` for everybody below.
//
// Whoever leads `__topics` compares what it holds with what was decided and appends the difference:
// after each decision, and at the start of each leadership, for the last leader may have left some
// undone. The controller makes the brokers' own topics, `__topics` itself among them, once enough
// brokers are there; those are published to nobody.
//
// Threads: the loop's.
#pragma once

#include "broker/catalog/topic_catalog.h"
#include "broker/cluster/cluster_metadata.h"
#include "broker/partitions/partition_table.h"
#include "common/clock.h"
#include "common/logger.h"
#include "common/loop.h"
#include "common/timer.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xylem::broker {

class ClusterTopics final : public TopicAuthority {
 public:
  static constexpr std::int32_t kReplicas = 3;  // where a topic does not say, and there are so many
  static constexpr std::int32_t kMinInsync = 2;
  static constexpr std::int64_t kSeenMsMax = 10'000;  // until what was decided is seen here

  struct Context {
    Loop& loop;
    const Clock& clock;
    Logger& logger;
    ClusterMetadata& metadata;
    PartitionTable& partitions;
    TopicCatalog& catalog;
    std::function<bool()> has_joined;  // ever, in this life
  };

  ClusterTopics(const Context& context, std::size_t brokers);
  ~ClusterTopics() override;
  ClusterTopics(const ClusterTopics&) = delete;
  ClusterTopics& operator=(const ClusterTopics&) = delete;

  void create(TopicDefinition topic, Done done) override;
  void alter(TopicDefinition topic, Done done) override;
  void remove(const TopicDefinition& topic, Done done) override;
  [[nodiscard]] Status is_current() const override;

  // After the replicas of new partitions were opened.
  void on_changes(const ClusterState::Changes& changes);

  // While this broker is the controller.
  void control();

  // Every quarter of a second.
  void tick();

 private:
  struct Waiting {
    std::function<bool()> is_seen;
    std::function<void(Status)> done;
    std::int64_t until_ms = 0;
  };

  void propose(const ClusterCommand& command,
               std::function<bool()> is_seen,
               std::function<void(Status)> done);
  void look_at_waiting();
  [[nodiscard]] TopicDefinition completed(TopicDefinition topic) const;
  void publish();
  [[nodiscard]] bool read_published(const Partition& log);
  void note(const TopicChange& change);
  [[nodiscard]] std::vector<TopicChange> unpublished() const;

  Context context_;
  std::int32_t brokers_;
  std::vector<Waiting> waiting_;
  std::int64_t asked_ms_ = 0;  // for a topic of the brokers' own
  // What `__topics` holds by the end of what was appended in this leadership.
  std::optional<Epoch> epoch_;
  std::map<std::string, std::string> published_;
  bool is_published_ = false;  // nothing was decided since it was all there
  Timer ticker_;
};

}  // namespace xylem::broker
