#include "broker/catalog/local_topics.h"

#include "common/bytes.h"

#include <string_view>
#include <utility>

namespace xylem::broker {
namespace {

constexpr std::string_view kKind = "local_topic";

Buffer row_of(const TopicDefinition& topic) {
  const auto json = to_json(topic);
  const auto bytes = bytes_of(json);
  return {bytes.begin(), bytes.end()};
}

std::unexpected<Error> is_changing(const std::string& name) {
  return fail(Errc::kUnavailable, "topic \"" + name + "\" is being changed", "retry");
}

}  // namespace

void LocalTopics::load(std::function<void(Status)> done) {
  context_.state.scan(std::string(kKind), [this, done = std::move(done)](auto rows) {
    if (!rows) return done(pass(rows, "local topics"));
    for (const auto& row : *rows) {
      auto topic = topic_from_json(text_of(row.value));
      if (!topic || !topic->is_local || topic->name != row.key || topic->partitions != 1)
        return done(fail(Errc::kCorrupt, "the local topic \"" + row.key + "\" in state.db"));
      topics_.emplace(row.key, std::move(*topic));
    }
    done({});
  });
}

void LocalTopics::start(PartitionTable& partitions, TopicCatalog& catalog) {
  partitions_ = &partitions;
  catalog_ = &catalog;
  catalog.set_local(*this);
  for (const auto& [name, topic] : topics_) {
    if (const auto opened = open(topic); !opened) {
      context_.logger.error("topic.open_failed",
                            {{"topic", name}, {"error", opened.error().what()}});
    }
  }
}

Result<Partition*> LocalTopics::open(const TopicDefinition& topic) {
  auto log = context_.storage.open({topic.name, topic.log(0)}, {});
  if (!log) return pass(log, "open " + topic.name);
  const auto epochs = (*log)->epochs();
  const Epoch last = epochs.empty() ? kNoEpoch : epochs.back().epoch;
  incarnations_.insert(topic.incarnation.topic);  // before others hear of the partition
  auto opened = partitions_->open(topic, PartitionId(0), Epoch(last.value() + 1));
  if (!opened) {
    incarnations_.erase(topic.incarnation.topic);
    return opened;
  }
  catalog_->put_local(topic);
  return opened;
}

void LocalTopics::find_or_create(const std::string& name,
                                 std::function<void(Result<Partition*>)> done) {
  const auto* known = catalog_->find(name);
  if (known != nullptr && !known->is_local)
    return done(fail(Errc::kAlreadyExists,
                     "the cluster has a topic \"" + name + "\", so this broker can have none",
                     "rename that one: dead letters need the name"));
  if (const auto changing = changing_.find(name); changing != changing_.end()) {
    changing->second.push_back(
        [this, name, done = std::move(done)] { find_or_create(name, done); });
    return;
  }
  if (known != nullptr) {
    auto* partition = partitions_->find(known->log(0));
    if (partition != nullptr) return done(partition);
    return done(fail(Errc::kIo, "the log of \"" + name + "\" is not open"));
  }
  TopicDefinition wanted;
  wanted.name = name;
  create(std::move(wanted), [this, done = std::move(done)](const Result<TopicDefinition>& made) {
    if (!made) return done(std::unexpected(made.error()));
    done(partitions_->find(made->log(0)));
  });
}

void LocalTopics::create(TopicDefinition topic, Done done) {
  if (auto good = check_topic_name(topic.name); !good)
    return done(pass(good, "\"" + topic.name + "\""));
  if (changing_.contains(topic.name)) return done(is_changing(topic.name));
  if (topics_.contains(topic.name))  // start() could not open it
    return done(fail(Errc::kIo, "the log of \"" + topic.name + "\" is not open"));
  if (topics_.size() >= kTopicsMax)
    return done(fail(Errc::kQuotaExceeded,
                     "a broker has at most " + std::to_string(kTopicsMax) + " local topics"));
  topic.is_local = true;
  topic.incarnation = {TopicId::random(context_.random), 0};
  changing_.try_emplace(topic.name);
  context_.state.put(std::string(kKind), topic.name, row_of(topic),
                     [this, topic, done = std::move(done)](const Status& written) {
                       settle(topic.name, [&] {
                         if (!written) return done(std::unexpected(written.error()));
                         topics_.emplace(topic.name, topic);
                         if (auto opened = open(topic); !opened) return done(pass(opened));
                         context_.logger.info("topic.local_created", {{"topic", topic.name}});
                         done(topic);
                       });
                     });
}

void LocalTopics::settle(const std::string& name, const std::function<void()>& answer) {
  const auto waiting = changing_.extract(name);
  answer();
  for (const auto& go_on : waiting.mapped()) go_on();
}

void LocalTopics::alter(TopicDefinition topic, Done done) {
  if (topic.partitions != 1 || topic.replicas != 1 || topic.dead_letter_after != 0)
    return done(fail(Errc::kInvalidRequest,
                     "a local topic has one partition with one replica, "
                     "and no dead letters of its own"));
  if (!changing_.try_emplace(topic.name).second) return done(is_changing(topic.name));
  context_.state.put(std::string(kKind), topic.name, row_of(topic),
                     [this, topic, done = std::move(done)](const Status& written) {
                       settle(topic.name, [&] {
                         if (!written) return done(std::unexpected(written.error()));
                         topics_.insert_or_assign(topic.name, topic);
                         partitions_->apply(topic, PartitionId(0));
                         catalog_->put_local(topic);
                         done(topic);
                       });
                     });
}

// The row goes first: what a crash leaves is a log that nobody knows, not a topic without one.
void LocalTopics::remove(const TopicDefinition& topic, Done done) {
  if (!changing_.try_emplace(topic.name).second) return done(is_changing(topic.name));
  context_.state.remove(std::string(kKind), topic.name,
                        [this, topic, done = std::move(done)](const Status& removed) {
                          settle(topic.name, [&] {
                            if (!removed) return done(std::unexpected(removed.error()));
                            forget(topic);
                            done(topic);
                          });
                        });
}

void LocalTopics::forget(const TopicDefinition& topic) {
  topics_.erase(topic.name);
  catalog_->erase_local(topic.name);
  if (const auto gone = partitions_->remove(topic.log(0)); !gone) {
    context_.logger.error("topic.remove_failed",
                          {{"topic", topic.name}, {"error", gone.error().what()}});
  }
  incarnations_.erase(topic.incarnation.topic);
}

}  // namespace xylem::broker
