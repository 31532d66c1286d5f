#include "broker/groups/group_admin.h"

#include "broker/groups/reset_offsets.h"
#include "broker/groups/reset_target.h"
#include "broker/json/json_text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace xylem::broker {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 6> kCommands = {"group.list",   "group.describe",
                                                       "group.reset",  "group.forget",
                                                       "group.delete", "partition.offsets"};

Json to_json(const TopicPartition& partition) {
  return {{"topic", partition.topic}, {"partition", partition.partition.value()}};
}

Json to_json(const Group::Described& member) {
  Json assigned = Json::array();
  for (const auto& partition : member.assigned) assigned.push_back(to_json(partition));
  return {{"member", member.member},
          {"instance", member.instance},
          {"client", member.client},
          {"silentMs", member.silent_ms},
          {"assigned", std::move(assigned)}};
}

Json describe_members(const Group* members, const std::string& name) {
  const bool is_empty = members == nullptr || members->is_empty();
  Json described{{"group", name}};
  described["generation"] = is_empty ? 0 : members->generation();
  described["assignor"] = is_empty ? "" : to_string(members->assignor());
  return described;
}

// Null unless this broker has it, and its high watermark is not just what was heard last.
const Partition* exact_here(const GroupAdmin::Context& context, const LogId& log) {
  const auto* partition = context.partitions.find(log);
  const bool is_exact =
      partition != nullptr && (partition->is_leader() || !context.offsets.is_coordinated());
  return is_exact ? partition : nullptr;
}

Json committed_json(const GroupAdmin::Context& context,
                    const TopicPartition& where,
                    const CommittedOffset& offset) {
  auto one = to_json(where);
  one["committed"] = offset.next.value();
  const auto* partition = exact_here(context, {offset.incarnation, where.partition});
  if (partition == nullptr || !partition->knows_committed()) return one;
  const auto end = partition->high_watermark();
  const auto from = std::max(offset.next, partition->log()->start_offset());
  one["end"] = end.value();
  one["lag"] = std::max<std::int64_t>(0, end - from);
  return one;
}

// Those that count: the group's own of shared topics, those of instances of broadcast ones.
Json offsets_json(const GroupAdmin::Context& context, const std::string& group) {
  auto described = Json::array();
  for (const auto& [where, offset] : context.offsets.of(group)) {
    const auto* topic = context.topics.find(where.topic);
    if (topic == nullptr || topic->incarnation != offset.incarnation ||
        topic->is_broadcast() == where.instance.empty())
      continue;
    auto one = committed_json(context, {where.topic, where.partition}, offset);
    if (!where.instance.empty()) one["instance"] = where.instance;
    const auto* count = context.counts == nullptr ? nullptr : context.counts->find(where);
    const bool is_head = count != nullptr && count->incarnation == offset.incarnation &&
                         count->offset >= offset.next && !count->is_dead;
    if (is_head) one["deliveries"] = count->failures;
    described.push_back(std::move(one));
  }
  return described;
}

std::set<std::string> broadcast_among(const TopicCatalog& topics,
                                      const Json& offsets,
                                      const Group* members) {
  auto names = members == nullptr ? std::set<std::string>() : members->topics();
  for (const auto& one : offsets) names.insert(one["topic"].get<std::string>());
  std::erase_if(names, [&](const auto& name) {
    const auto* topic = topics.find(name);
    return topic == nullptr || !topic->is_broadcast();
  });
  return names;
}

Result<Json> describe_offsets(const Partition& partition,
                              std::optional<std::int64_t> timestamp_ms) {
  const auto end = partition.high_watermark();
  Json described{{"partition", partition.id().partition.value()},
                 {"start", partition.log()->start_offset().value()},
                 {"highWatermark", end.value()}};
  if (!timestamp_ms) return described;
  auto found = partition.log()->offset_for_time(*timestamp_ms);
  if (!found) return pass(found);
  described["offset"] = std::min(*found, end).value();
  return described;
}

}  // namespace

bool GroupAdmin::is_command(std::string_view name) {
  return std::ranges::find(kCommands, name) != kCommands.end();
}

void GroupAdmin::run(std::string_view command, std::string_view json, const Answer& answer) {
  if (command == "group.list") return answer(list());
  if (command == "group.describe") return answer(describe(json));
  if (command == "partition.offsets") return answer(offsets_of(json));
  if (command == "group.reset") return reset(json, answer);
  if (command == "group.forget") return forget(json, answer);
  if (command == "group.delete") return remove(json, answer);
  answer(fail(Errc::kInvalidRequest, "unknown command \"" + std::string(command) + "\"",
              "group.list, group.describe, group.reset, group.forget, group.delete, "
              "partition.offsets"));
}

std::string GroupAdmin::list() const {
  std::map<std::string, std::set<std::string>> topics;  // by group
  for (const auto& [where, offset] : context_.offsets.all())
    topics[where.group].insert(where.topic);
  for (const auto& name : context_.memberships.names())
    topics[name].merge(context_.memberships.find(name)->topics());
  Json groups = Json::array();
  for (const auto& [name, names] : topics) {
    const auto* members = context_.memberships.find(name);
    auto group = describe_members(members, name);
    group["members"] =
        members == nullptr ? 0 : members->describe(context_.clock.monotonic_ms()).size();
    group["topics"] = names;
    groups.push_back(std::move(group));
  }
  return json_text(
      {{"groups", std::move(groups)}, {"coordinators", context_.offsets.coordinators()}});
}

Result<std::string> GroupAdmin::describe(std::string_view json) const {
  auto group = group_in(json);
  if (!group) return group;
  if (auto here = context_.offsets.keeps(*group); !here) return pass(here);
  const auto* known = context_.memberships.find(*group);
  auto described = describe_members(known, *group);
  auto members = Json::array();
  auto offsets = offsets_json(context_, *group);
  const auto all = known == nullptr ? std::vector<Group::Described>()
                                    : known->describe(context_.clock.monotonic_ms());
  for (const auto& member : all) {
    members.push_back(to_json(member));
    for (const auto& [partition, offset] : member.noted) {
      offsets.push_back(committed_json(context_, partition, offset));
      offsets.back()["member"] = member.member;
    }
  }
  if (members.empty() && offsets.empty())
    return fail(Errc::kNotFound, "there is no group \"" + *group + "\"",
                "a group is there once a member has joined or committed");
  const auto broadcast = broadcast_among(context_.topics, offsets, known);
  if (!broadcast.empty()) described["broadcast"] = broadcast;
  described["members"] = std::move(members);
  described["offsets"] = std::move(offsets);
  return json_text(described);
}

Result<std::string> GroupAdmin::offsets_of(std::string_view json) const {
  auto request = offsets_request_in(json);
  if (!request) return pass(request);
  const auto* topic = context_.topics.find(request->topic);
  if (topic == nullptr)
    return fail(Errc::kUnknownTopicOrPartition, "there is no topic \"" + request->topic + "\"");
  auto partitions = Json::array();
  for (std::int32_t p = 0; p < topic->partitions; ++p) {
    const auto* partition = exact_here(context_, topic->log(p));
    if (partition == nullptr) continue;
    auto described = describe_offsets(*partition, request->timestamp_ms);
    if (!described) return pass(described);
    partitions.push_back(std::move(*described));
  }
  return json_text({{"topic", topic->name}, {"partitions", std::move(partitions)}});
}

Status GroupAdmin::check_unattended(const std::string& group, const std::string& what_then) const {
  if (auto here = context_.offsets.keeps(group); !here) return here;
  const auto* members = context_.memberships.find(group);
  if (members == nullptr || members->is_empty()) return {};
  return fail(Errc::kInvalidRequest,
              "group \"" + group + "\" has members, which would " + what_then,
              "stop them first; one that was killed counts until its session is over");
}

// Above a log's end nobody could commit again. Who leads elsewhere knows that end: the asker has
// to look (partition.offsets).
Status GroupAdmin::check_there(const CommittedOffsets& offsets) const {
  for (const auto& [where, offset] : offsets) {
    const auto* partition = exact_here(context_, {offset.incarnation, where.partition});
    if (partition != nullptr && offset.next > partition->high_watermark())
      return fail(Errc::kOffsetOutOfRange, "partition " + std::to_string(where.partition.value()) +
                                               " of \"" + where.topic + "\" ends at " +
                                               std::to_string(partition->high_watermark().value()));
  }
  return {};
}

Status GroupAdmin::find_target(ResetRequest& request) const {
  if (!request.target) return {};
  const auto* topic = context_.topics.find(request.target->topic);
  if (topic == nullptr)
    return fail(Errc::kUnknownTopicOrPartition,
                "there is no topic \"" + request.target->topic + "\"");
  auto offsets = offsets_at(
      *request.target, *topic,
      [&](std::int32_t partition) { return exact_here(context_, topic->log(partition)); },
      context_.clock.wall_ms());
  if (!offsets) return pass(offsets);
  request.offsets = std::move(*offsets);
  return {};
}

void GroupAdmin::reset(std::string_view json, const Answer& answer) {
  auto request = reset_request_in(json);
  if (!request) return answer(pass(request));
  if (auto may = check_unattended(request->group, "go on where they are"); !may)
    return answer(pass(may));
  if (auto found = find_target(*request); !found) return answer(pass(found));
  auto offsets = offsets_to_reset(context_.topics, context_.offsets, *request);
  if (!offsets) return answer(pass(offsets));
  if (auto there = check_there(*offsets); !there) return answer(pass(there));
  auto changes = Json::array();
  for (const auto& [where, offset] : *offsets) {
    const auto before = context_.offsets.find(where);
    const bool is_same_log = before && before->incarnation == offset.incarnation;
    auto change = to_json(TopicPartition{where.topic, where.partition});
    change["before"] = is_same_log ? Json(before->next.value()) : Json();
    change["offset"] = offset.next.value();
    if (!where.instance.empty()) change["instance"] = where.instance;
    changes.push_back(std::move(change));
  }
  auto text = json_text({{"group", request->group},
                         {"new", context_.offsets.of(request->group).empty()},
                         {"dryRun", request->is_dry},
                         {"offsets", std::move(changes)}});
  if (request->is_dry) return answer(std::move(text));
  context_.offsets.reset(*offsets, [answer, text = std::move(text)](const Status& done) {
    if (!done) return answer(std::unexpected(done.error()));
    answer(text);
  });
}

void GroupAdmin::forget(std::string_view json, const Answer& answer) {
  auto request = forget_request_in(json);
  if (!request) return answer(pass(request));
  const auto& [group, instance] = *request;
  if (auto here = context_.offsets.keeps(group); !here) return answer(pass(here));
  const auto* members = context_.memberships.find(group);
  const bool is_there = members != nullptr && members->has_instance(instance);
  if (is_there)
    return answer(fail(Errc::kInvalidRequest,
                       "a member of group \"" + group + "\" has the instance \"" + instance + "\"",
                       "stop it first; one that was killed counts until its session is over"));
  std::vector<GroupPartition> gone;
  for (const auto& [where, offset] : context_.offsets.of(group)) {
    if (!instance.empty() && where.instance == instance) gone.push_back(where);
  }
  if (gone.empty())
    return answer(fail(Errc::kNotFound, "no instance \"" + instance + "\" of group \"" + group +
                                            "\" has offsets of a broadcast topic"));
  take_back(gone, json_text({{"group", group}, {"instance", instance}, {"offsets", gone.size()}}),
            answer);
}

void GroupAdmin::remove(std::string_view json, const Answer& answer) {
  auto group = group_in(json);
  if (!group) return answer(group);
  if (auto may = check_unattended(*group, "go on, and commit again"); !may)
    return answer(pass(may));
  std::vector<GroupPartition> gone;
  for (const auto& [where, offset] : context_.offsets.of(*group)) gone.push_back(where);
  if (gone.empty())
    return answer(fail(Errc::kNotFound, "there is no group \"" + *group + "\"",
                       "xylem groups list tells which there are"));
  take_back(gone, json_text({{"group", *group}, {"offsets", gone.size()}}), answer);
}

void GroupAdmin::take_back(const std::vector<GroupPartition>& gone,
                           std::string text,
                           const Answer& answer) {
  context_.offsets.forget(gone, [answer, text = std::move(text)](const Status& done) {
    if (!done) return answer(std::unexpected(done.error()));
    answer(text);
  });
}

}  // namespace xylem::broker
