#include "broker/delivery/group_reader.h"

#include <algorithm>
#include <utility>

namespace xylem::broker {
namespace {

std::string named(const TopicPartition& where) {
  return "partition " + std::to_string(where.partition.value()) + " of \"" + where.topic + "\"";
}

// nullopt: consumers may be further elsewhere.
std::optional<Offset> end_to_consume(const ClientContext& context, const LogId& log) {
  const auto* partition = context.partitions.find(log);
  const bool is_leader = partition != nullptr && partition->is_leader();
  if (context.offsets.is_coordinated() && !is_leader) return std::nullopt;
  if (partition == nullptr) return Offset(0);
  if (is_leader) return partition->high_watermark();
  // What was delivered before damage was found below it counts as well.
  return std::max(partition->high_watermark(), partition->log()->written_end());
}

Status check_offset(const ClientContext& context,
                    const TopicDefinition* topic,
                    const TopicPartition& where,
                    const CommittedOffset& offset) {
  if (topic == nullptr || where.partition.value() < 0 ||
      where.partition.value() >= topic->partitions)
    return fail(Errc::kUnknownTopicOrPartition, "no " + named(where));
  if (offset.incarnation != topic->incarnation)
    return fail(Errc::kStaleGeneration,
                "the offset belongs to another incarnation of \"" + topic->name + "\"");
  const auto end = end_to_consume(context, {topic->incarnation, where.partition});
  if (end && offset.next > *end)
    return fail(Errc::kInvalidRequest, "offset " + std::to_string(offset.next.value()) +
                                           " is above what there is to consume here");
  return {};
}

}  // namespace

std::optional<CommittedOffset> committed_by(const ClientContext& context,
                                            const GroupReader& reader,
                                            const TopicDefinition& topic,
                                            PartitionId partition) {
  if (topic.is_broadcast() && reader.instance.empty())
    return context.memberships.noted(reader.group, reader.member, {topic.name, partition});
  return context.offsets.find({reader.group, topic.name, partition,
                               topic.is_broadcast() ? reader.instance : std::string()});
}

Status may_commit(const ClientContext& context,
                  const GroupReader& reader,
                  const TopicPartition& where) {
  const auto& [group, member, instance] = reader;
  const auto* topic = context.topics.find(where.topic);
  return topic != nullptr && topic->is_broadcast()
             ? context.memberships.may_commit_own(group, member, instance, where)
             : context.memberships.may_commit(group, member, where);
}

void commit_for(const ClientContext& context,
                const GroupReader& reader,
                const TopicPartition& where,
                const CommittedOffset& offset,
                std::function<void(Status)> done) {
  if (auto here = context.offsets.keeps(reader.group); !here) return done(here);
  const auto* topic = context.topics.find(where.topic);
  const bool is_broadcast = topic != nullptr && topic->is_broadcast();
  if (auto good = check_instance(reader.instance); !good) return done(good);
  if (auto may = may_commit(context, reader, where); !may) return done(may);
  if (auto good = check_offset(context, topic, where, offset); !good) return done(good);
  if (is_broadcast && reader.instance.empty())
    return done(context.memberships.note(reader.group, reader.member, where, offset));
  context.offsets.commit(
      {reader.group, where.topic, where.partition, is_broadcast ? reader.instance : std::string()},
      offset, std::move(done));
}

}  // namespace xylem::broker
