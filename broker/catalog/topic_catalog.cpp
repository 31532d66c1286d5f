#include "broker/catalog/topic_catalog.h"

#include "broker/catalog/topics_log.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace xylem::broker {
namespace {

// What a change came to, once it was appended; `topic` null: it did not come back.
Result<TopicDefinition> outcome(const Result<Partition::Appended>& appended,
                                const std::string& name,
                                const TopicDefinition* topic) {
  if (!appended) return std::unexpected(appended.error());
  if (topic != nullptr) return *topic;
  return fail(Errc::kCorrupt, "topic \"" + name + "\" was stored, but cannot be read back");
}

}  // namespace

TopicCatalog::TopicCatalog(const Context& context, Epoch leadership)
    : context_(context), leadership_(leadership) {}

Status TopicCatalog::start() {
  auto opened = context_.partitions.open(topics_topic(), PartitionId(0), leadership_);
  if (!opened) return pass(opened);
  log_ = *opened;
  context_.partitions.observe([this](Partition& moved) {
    if (&moved != log_ || reading_) return;
    // Not inside the call: applying a topic opens partitions.
    reading_ = context_.loop.post([this] {
      reading_ = false;
      read_on();
    });
  });
  cursor_ = log_->log()->start_offset();
  read_on();
  return {};
}

void TopicCatalog::set_filter(Filter filter) {
  filter_ = std::move(filter);
  for (const auto& [name, topic] : topics_) open_partitions(topic);
}

void TopicCatalog::reread() {
  has_unreadable_ = false;
  cursor_ = log_->log()->start_offset();
  read_on();
}

void TopicCatalog::read_on() {
  const auto read = read_topic_changes(*log_->log(), cursor_, log_->high_watermark(),
                                       [this](const TopicChange& change) { apply(change); });
  if (read) {
    cursor_ = *read;
  } else {
    has_unreadable_ = true;
    context_.logger.error("topics.unreadable",
                          {{"offset", cursor_.value()}, {"error", read.error().what()}});
  }
}

void TopicCatalog::apply(const TopicChange& change) {
  if (!change.json) return erase(change.name);
  const auto topic = topic_from_json(*change.json);
  if (topic) return put(*topic);
  has_unreadable_ = true;
  context_.logger.error("topics.unreadable",
                        {{"topic", change.name}, {"error", topic.error().what()}});
}

void TopicCatalog::keep(Topics& topics, const TopicDefinition& topic) {
  const auto known = topics.find(topic.name);
  if (known != topics.end() && known->second.incarnation.topic != topic.incarnation.topic)
    drop(topics, topic.name);
  const auto kept = topics.insert_or_assign(topic.name, topic).first;
  by_id_.insert_or_assign(topic.incarnation.topic, &kept->second);
}

std::optional<TopicDefinition> TopicCatalog::drop(Topics& topics, const std::string& name) {
  auto known = topics.extract(name);
  if (!known) return std::nullopt;
  const auto indexed = by_id_.find(known.mapped().incarnation.topic);
  if (indexed != by_id_.end() && indexed->second == &known.mapped()) by_id_.erase(indexed);
  return std::move(known.mapped());
}

void TopicCatalog::put_local(const TopicDefinition& topic) {
  keep(local_, topic);
  if (is_local(topic.name)) announce(topic, false);
}

void TopicCatalog::erase_local(const std::string& name) {
  const bool was_found = is_local(name);
  const auto known = drop(local_, name);
  if (was_found && known) announce(*known, true);
}

bool TopicCatalog::is_local(std::string_view name) const {
  return !topics_.contains(name) && local_.contains(name);
}

void TopicCatalog::put(const TopicDefinition& topic) {
  if (topic.is_local) {
    return context_.logger.error("topics.unreadable",
                                 {{"topic", topic.name}, {"error", "a local one in __topics"}});
  }
  if (is_local(topic.name)) {
    context_.logger.error("topic.local_hidden",
                          {{"topic", topic.name},
                           {"hint",
                            "the cluster has a topic of this name now, so this broker's own cannot "
                            "be read: delete or rename that one"}});
    announce(local_.at(topic.name), true);
  }
  const auto known = topics_.find(topic.name);
  if (known != topics_.end() && known->second == topic) return;
  if (known != topics_.end() && known->second.incarnation != topic.incarnation) erase(topic.name);
  keep(topics_, topic);
  open_partitions(topic);
  announce(topic, false);
}

void TopicCatalog::erase(const std::string& name) {
  const auto known = drop(topics_, name);
  if (!known) return;
  const auto& gone = *known;
  announce(gone, true);
  if (is_local(name)) announce(local_.at(name), false);
  for (std::int32_t p = 0; p < gone.partitions && authority_ == nullptr; ++p) {
    if (auto removed = context_.partitions.remove(gone.log(p)); !removed) {
      context_.logger.error("topic.remove_failed",
                            {{"topic", name}, {"error", removed.error().what()}});
    }
  }
}

void TopicCatalog::open_partitions(const TopicDefinition& topic) {
  if (authority_ != nullptr) return;  // who decides opens them where they are
  if (!is_owner() && filter_ && !filter_(topic)) return;
  for (std::int32_t p = 0; p < topic.partitions; ++p) {
    auto opened = context_.partitions.open(topic, PartitionId(p), leadership_);
    if (opened) {
      context_.partitions.apply(topic, PartitionId(p));
    } else {
      context_.logger.error("topic.open_failed",
                            {{"topic", topic.name}, {"error", opened.error().what()}});
    }
  }
}

void TopicCatalog::announce(const TopicDefinition& topic, bool removed) {
  for (const auto& observer : observers_) observer(topic, removed);
}

void TopicCatalog::create(TopicDefinition request, Done done) {
  if (auto good = check_topic_name(request.name); !good) return done(pass(good));
  if (request.is_internal())
    return done(fail(Errc::kInvalidRequest, "names that begin with __ are the broker's own"));
  if (topics_.contains(request.name))
    return done(fail(Errc::kAlreadyExists, "topic \"" + request.name + "\" exists"));
  if (local_.contains(request.name))
    return done(fail(Errc::kAlreadyExists,
                     "this broker has a local topic \"" + request.name + "\" of its own",
                     "take another name, or delete that one first"));
  if (authority_ != nullptr) {
    request.incarnation = {TopicId::random(context_.random), 0};
    return authority_->create(std::move(request), std::move(done));
  }
  request.replicas = std::max(request.replicas, 1);
  request.min_insync = std::max(request.min_insync, 1);
  if (request.replicas > 1) {
    return done(
        fail(Errc::kInvalidRequest, "replicas is " + std::to_string(request.replicas) +
                                        ", but the root tier has one broker; ask for replicas=1"));
  }
  request.incarnation = {TopicId::random(context_.random), 0};
  publish(request.name, to_json(request), std::move(done));
}

void TopicCatalog::find_or_create(const std::string& name, Done done) {
  if (const auto* topic = find(name)) return done(*topic);
  if (const auto changing = changing_.find(name); changing != changing_.end()) {
    changing->second.push_back([this, name, done = std::move(done)] {
      if (const auto* topic = find(name)) return done(*topic);
      done(fail(Errc::kUnavailable, "topic \"" + name + "\" could not be created", "retry"));
    });
    return;
  }
  TopicDefinition wanted;
  wanted.name = name;
  wanted.replicas = wanted.min_insync = 0;
  create(std::move(wanted), std::move(done));
}

void TopicCatalog::alter(const std::string& name, std::string_view json, Done done) {
  const auto* topic = find(name);
  if (topic == nullptr)
    return done(fail(Errc::kUnknownTopicOrPartition, "no topic \"" + name + "\""));
  auto changed = altered(*topic, json);
  if (!changed) return done(pass(changed));
  if (topic->is_local) return local_authority_->alter(std::move(*changed), std::move(done));
  if (authority_ != nullptr) return authority_->alter(std::move(*changed), std::move(done));
  publish(name, to_json(*changed), std::move(done));
}

void TopicCatalog::remove(const std::string& name, Done done) {
  const auto* topic = find(name);
  if (topic == nullptr)
    return done(fail(Errc::kUnknownTopicOrPartition, "no topic \"" + name + "\""));
  if (topic->is_local) return local_authority_->remove(*topic, std::move(done));
  if (authority_ != nullptr) return authority_->remove(*topic, std::move(done));
  publish(name, std::nullopt, std::move(done));
}

void TopicCatalog::publish(const std::string& name, std::optional<std::string> json, Done done) {
  if (!is_owner())
    return done(fail(Errc::kNotLeader, "topics are created at the root of the cluster"));
  if (changing_.contains(name))
    return done(fail(Errc::kUnavailable, "topic \"" + name + "\" is being changed", "retry"));
  if (json) {
    if (auto readable = topic_from_json(*json); !readable) return done(pass(readable));
  }
  const bool deletes = !json.has_value();
  const auto before = deletes ? *find(name) : TopicDefinition{};
  auto batch = batch_of_changes({{name, std::move(json)}}, context_.clock.wall_ms());
  if (!batch) return done(pass(batch));
  changing_.try_emplace(name);
  auto settle = [this, name, deletes, before, done = std::move(done)](auto appended) {
    const auto waiting = changing_.extract(name);
    if (appended) read_on();  // committed now, so that it is applied before the answer
    done(outcome(appended, name, deletes ? &before : find(name)));
    for (const auto& settled : waiting.mapped()) settled();
  };
  log_->append(*batch, Acks::kAll, std::move(settle));
}

const TopicDefinition* TopicCatalog::find(std::string_view name) const {
  for (const auto* topics : {&topics_, &local_}) {
    if (const auto found = topics->find(name); found != topics->end()) return &found->second;
  }
  return nullptr;
}

const TopicDefinition* TopicCatalog::find(const Incarnation& incarnation) const {
  const auto found = by_id_.find(incarnation.topic);
  return found == by_id_.end() || found->second->incarnation != incarnation ? nullptr
                                                                            : found->second;
}

const TopicDefinition* TopicCatalog::find(const TopicId& id) const {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  const auto* topic = found->second;
  const bool is_hidden = topic->is_local && !is_local(topic->name);
  return is_hidden ? nullptr : topic;
}

std::vector<const TopicDefinition*> TopicCatalog::all() const {
  std::vector<const TopicDefinition*> topics;
  topics.reserve(topics_.size() + local_.size());
  for (const auto& [name, topic] : topics_) topics.push_back(&topic);
  for (const auto& [name, topic] : local_) {
    if (is_local(name)) topics.push_back(&topic);
  }
  std::ranges::sort(topics, {}, &TopicDefinition::name);
  return topics;
}

}  // namespace xylem::broker
