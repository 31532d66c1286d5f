// The topics of the cluster as this node knows them: `__topics`, read below its high watermark.
//
// The owner of `__topics` creates, alters and deletes by appending to it; every node, the owner
// too, learns of a change only by reading it back. A topic's partitions are opened here (led by the
// owner, pulled by everyone else) and observers are told. In a root tier of several the
// `TopicAuthority` changes topics, opens their partitions, and says what was decided.
//
// Beside them a broker has topics of its own (local_topics.h), found by name like the others. One
// of the cluster with the same name hides it.
//
// Threads: the loop's. Errors: kNotLeader, kAlreadyExists, kUnknownTopicOrPartition, and what
// Partition::append says.
#pragma once

#include "broker/partitions/partition_table.h"
#include "broker/topics/topic_definition.h"
#include "common/loop.h"
#include "common/random.h"
#include "common/result.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xylem::broker {

struct TopicChange;

// Who decides about topics in place of an owner alone.
class TopicAuthority {
 public:
  using Done = std::function<void(Result<TopicDefinition>)>;

  virtual ~TopicAuthority() = default;

  // `done` runs when the catalog knows of it. 0 replicas: as many as the tier gives by itself.
  virtual void create(TopicDefinition topic, Done done) = 0;
  virtual void alter(TopicDefinition topic, Done done) = 0;
  virtual void remove(const TopicDefinition& topic, Done done) = 0;

  // kUnavailable: what was decided is not all known here yet.
  [[nodiscard]] virtual Status is_current() const = 0;
};

class TopicCatalog {
 public:
  using Done = TopicAuthority::Done;

  // Every change, after it was applied. `removed`: the topic (or this incarnation of it) is gone.
  using Observer = std::function<void(const TopicDefinition& topic, bool removed)>;

  // Which topics this node carries; the owner carries all.
  using Filter = std::function<bool(const TopicDefinition&)>;

  struct Context {
    Loop& loop;
    const Clock& clock;
    Random& random;
    Logger& logger;
    PartitionTable& partitions;
  };

  // `leadership`: kNoEpoch: everything is pulled.
  TopicCatalog(const Context& context, Epoch leadership);
  ~TopicCatalog() = default;
  TopicCatalog(const TopicCatalog&) = delete;
  TopicCatalog& operator=(const TopicCatalog&) = delete;

  // Opens `__topics` and applies what it holds.
  Status start();

  // In place of start().
  void start(TopicAuthority& authority) { authority_ = &authority; }

  // Who has this broker's own topics.
  void set_local(TopicAuthority& authority) { local_authority_ = &authority; }

  // What that one has decided.
  void put_local(const TopicDefinition& topic);
  void erase_local(const std::string& name);

  // That the name is found, and not a topic of the cluster.
  [[nodiscard]] bool is_local(std::string_view name) const;

  // What the authority has decided.
  void put(const TopicDefinition& topic);
  void erase(const std::string& name);

  void set_filter(Filter filter);

  void observe(Observer observer) { observers_.push_back(std::move(observer)); }

  // kInvalidRequest also where `request` could not be read back: a bad name, a broker's own one.
  void create(TopicDefinition request, Done done);

  // Creates it with default policies where there is none; waits where it is being created.
  void find_or_create(const std::string& name, Done done);
  void alter(const std::string& name, std::string_view json, Done done);
  void remove(const std::string& name, Done done);

  // An error: a topic that is not found may be there all the same.
  [[nodiscard]] Status is_current() const {
    return authority_ == nullptr ? Status() : authority_->is_current();
  }

  // False: some definition could not be read: a topic that is not found may be there all the same.
  [[nodiscard]] bool is_whole() const { return !has_unreadable_; }

  // Null: no such topic (yet).
  [[nodiscard]] const TopicDefinition* find(std::string_view name) const;
  [[nodiscard]] const TopicDefinition* find(const Incarnation& incarnation) const;
  [[nodiscard]] const TopicDefinition* find(const TopicId& id) const;  // one of all()
  [[nodiscard]] std::vector<const TopicDefinition*> all() const;  // by name, without `__topics`

  [[nodiscard]] bool is_owner() const { return leadership_ != kNoEpoch || authority_ != nullptr; }

  // `__topics` was rebuilt from scratch: forget what was read and read again.
  void reread();

 private:
  using Topics = std::map<std::string, TopicDefinition, std::less<>>;

  void keep(Topics& topics, const TopicDefinition& topic);
  std::optional<TopicDefinition> drop(Topics& topics, const std::string& name);
  void read_on();
  void apply(const TopicChange& change);
  void publish(const std::string& name, std::optional<std::string> json, Done done);
  void open_partitions(const TopicDefinition& topic);
  void announce(const TopicDefinition& topic, bool removed);

  Context context_;
  Epoch leadership_;
  TopicAuthority* authority_ = nullptr;
  TopicAuthority* local_authority_ = nullptr;
  Partition* log_ = nullptr;
  Offset cursor_;
  bool reading_ = false;
  bool has_unreadable_ = false;
  Filter filter_;
  Topics topics_;
  Topics local_;
  std::map<TopicId, const TopicDefinition*> by_id_;  // of both
  // Names whose change waits for its commit, and who waits for that.
  std::map<std::string, std::vector<std::function<void()>>> changing_;
  std::vector<Observer> observers_;
};

}  // namespace xylem::broker
