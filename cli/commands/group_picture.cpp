#include "cli/commands/group_picture.h"

#include "cli/json_document.h"
#include "cli/output.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;

// The last one: whose place it is, where each has its own: an instance, or a member without one.
using Place = std::tuple<std::string, PartitionId, std::string>;

// nullopt: no partition at all.
std::optional<Place> place_in(const Json& object, const std::string& whose) {
  const auto number = integer_at(object, "partition", -1);
  if (number < 0 || number > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return Place(text_at(object, "topic"), static_cast<std::int32_t>(number), whose);
}

// Of a partition that `json` has as assigned, or an offset of.
std::string whose(const GroupPicture& picture,
                  const Json& json,
                  const std::string& instance,
                  const std::string& member) {
  if (!picture.broadcast.contains(text_at(json, "topic"))) return {};
  return instance.empty() ? member : instance;
}

GroupMemberView member_in(const Json& member) {
  return {.member = text_at(member, "member"),
          .instance = text_at(member, "instance"),
          .client = text_at(member, "client"),
          .silent_ms = integer_at(member, "silentMs"),
          .partitions = list_at(member, "assigned").size()};
}

std::string text_of(const std::optional<std::int64_t>& number) {
  return number ? std::to_string(*number) : "?";
}

Json json_of(const GroupPartitionView& one) {
  Json partition{{"topic", one.topic}, {"partition", one.partition.value()}};
  partition["committed"] = one.committed ? Json(one.committed->value()) : Json();
  partition["start"] = one.offsets ? Json(one.offsets->start.value()) : Json();
  partition["end"] = one.offsets ? Json(one.offsets->end.value()) : Json();
  const auto lag = one.lag();
  partition["lag"] = lag ? Json(*lag) : Json();
  partition["member"] = one.member;
  if (!one.instance.empty()) partition["instance"] = one.instance;
  if (one.deliveries > 0) partition["deliveries"] = one.deliveries;
  return partition;
}

Json json_of(const GroupPicture& picture) {
  auto members = Json::array();
  for (const auto& member : picture.members) {
    members.push_back({{"member", member.member},
                       {"instance", member.instance},
                       {"client", member.client},
                       {"silentMs", member.silent_ms},
                       {"partitions", member.partitions}});
  }
  auto partitions = Json::array();
  for (const auto& one : picture.partitions) partitions.push_back(json_of(one));
  return {{"group", picture.group},           {"assignor", picture.assignor},
          {"generation", picture.generation}, {"lag", picture.lag()},
          {"members", std::move(members)},    {"partitions", std::move(partitions)}};
}

struct TopicLag {
  std::int64_t records = 0;
  std::size_t partitions = 0;
  std::size_t unknown = 0;  // partitions without a leader
};

// Of a broadcast topic by whose place it is.
std::string reader_of(const GroupPicture& picture, const GroupPartitionView& one) {
  if (!picture.broadcast.contains(one.topic)) return {};
  return one.instance.empty() ? one.member : one.instance;
}

using Lags = std::map<std::pair<std::string, std::string>, TopicLag>;  // by topic and reader

Lags lag_by_topic(const GroupPicture& picture) {
  Lags topics;
  for (const auto& one : picture.partitions) {
    auto& topic = topics[{one.topic, reader_of(picture, one)}];
    const auto lag = one.lag();
    topic.records += lag.value_or(0);
    topic.unknown += lag ? 0 : 1;
    ++topic.partitions;
  }
  return topics;
}

std::string partitions_text(const GroupPicture& picture) {
  const bool has_instances = !picture.broadcast.empty();
  Table partitions =
      has_instances
          ? Table({"TOPIC", "PARTITION", "COMMITTED", "START", "END", "LAG", "MEMBER", "INSTANCE"})
          : Table({"TOPIC", "PARTITION", "COMMITTED", "START", "END", "LAG", "MEMBER"});
  for (const auto& one : picture.partitions) {
    std::vector<std::string> cells{one.topic,
                                   std::to_string(one.partition.value()),
                                   one.committed ? std::to_string(one.committed->value()) : "-",
                                   one.offsets ? std::to_string(one.offsets->start.value()) : "?",
                                   one.offsets ? std::to_string(one.offsets->end.value()) : "?",
                                   text_of(one.lag()),
                                   one.member.empty() ? "-" : one.member};
    if (has_instances) cells.push_back(one.instance.empty() ? "-" : one.instance);
    partitions.add(std::move(cells));
  }
  return partitions.text();
}

// Where the next record could not be handled so far.
std::string failed_text(const GroupPicture& picture) {
  const auto has_failed = [](const auto& one) { return one.deliveries > 0; };
  if (std::ranges::none_of(picture.partitions, has_failed)) return {};
  Table table({"TOPIC", "PARTITION", "NEXT RECORD FAILED"});
  for (const auto& one : picture.partitions) {
    if (has_failed(one))
      table.add({one.topic, std::to_string(one.partition.value()), std::to_string(one.deliveries)});
  }
  return "\n" + table.text();
}

}  // namespace

std::optional<std::int64_t> GroupPartitionView::lag() const {
  if (!offsets) return std::nullopt;
  const auto from = std::max(committed.value_or(offsets->start), offsets->start);
  return std::max<std::int64_t>(0, offsets->end - from);
}

std::int64_t GroupPicture::lag() const {
  std::int64_t sum = 0;
  for (const auto& one : partitions) sum += one.lag().value_or(0);
  return sum;
}

Result<GroupPicture> group_in(const std::string& answer) {
  auto document = parse_document(answer);
  if (!document) return pass(document);
  GroupPicture picture{.group = text_at(*document, "group"),
                       .assignor = text_at(*document, "assignor"),
                       .generation = integer_at(*document, "generation"),
                       .members = {},
                       .partitions = {}};
  if (picture.group.empty()) return fail(Errc::kCorrupt, "the answer names no group");
  for (auto& topic : texts_at(*document, "broadcast")) picture.broadcast.insert(std::move(topic));
  std::map<Place, GroupPartitionView> partitions;
  for (const auto& member : list_at(*document, "members")) {
    const auto& last = picture.members.emplace_back(member_in(member));
    for (const auto& one : list_at(member, "assigned")) {
      const auto place = place_in(one, whose(picture, one, last.instance, last.member));
      if (!place) continue;
      auto& partition = partitions[*place];
      partition.member = last.member;
      if (!std::get<2>(*place).empty()) partition.instance = last.instance;
    }
  }
  for (const auto& one : list_at(*document, "offsets")) {
    const auto instance = text_at(one, "instance");
    const auto place = place_in(one, whose(picture, one, instance, text_at(one, "member")));
    if (!place) continue;
    partitions[*place].committed = Offset(integer_at(one, "committed"));
    partitions[*place].instance = instance;
    partitions[*place].deliveries = integer_at(one, "deliveries", 0);
  }
  for (auto& [place, partition] : partitions) {
    std::tie(partition.topic, partition.partition, std::ignore) = place;
    picture.partitions.push_back(std::move(partition));
  }
  return picture;
}

void add_offsets(GroupPicture& picture, const std::map<std::string, TopicOffsets>& topics) {
  std::map<Place, GroupPartitionView> partitions;
  std::set<std::pair<std::string, PartitionId>> known;
  for (auto& one : picture.partitions) {
    const Place place(one.topic, one.partition, reader_of(picture, one));
    known.emplace(one.topic, one.partition);
    const auto topic = topics.find(one.topic);
    if (topic != topics.end()) {
      const auto found = topic->second.find(one.partition);
      if (found != topic->second.end()) one.offsets = found->second;
    }
    partitions.emplace(place, std::move(one));
  }
  for (const auto& [topic, offsets] : topics) {
    for (const auto& [number, found] : offsets) {
      if (known.contains({topic, number})) continue;
      auto& one = partitions[Place(topic, number, {})];
      one.topic = topic;
      one.partition = number;
      one.offsets = found;
    }
  }
  picture.partitions.clear();
  for (auto& [place, one] : partitions) picture.partitions.push_back(std::move(one));
}

std::string group_text(const GroupPicture& picture) {
  std::string text = "group " + picture.group + ": " + std::to_string(picture.members.size()) +
                     " members, " + std::to_string(picture.lag()) + " records behind";
  if (!picture.assignor.empty())
    text += ", " + picture.assignor + ", generation " + std::to_string(picture.generation);
  text += '\n';
  if (!picture.members.empty()) {
    Table members({"MEMBER", "CLIENT", "INSTANCE", "SILENT", "PARTITIONS"});
    for (const auto& one : picture.members) {
      members.add({one.member, one.client, one.instance, std::to_string(one.silent_ms) + " ms",
                   std::to_string(one.partitions)});
    }
    text += "\n" + members.text();
  }
  return text + "\n" + partitions_text(picture) + failed_text(picture);
}

std::string group_json(const GroupPicture& picture) { return json_of(picture).dump() + "\n"; }

std::string lag_text(const std::vector<GroupPicture>& pictures) {
  const bool has_readers = std::ranges::any_of(
      pictures, [](const GroupPicture& picture) { return !picture.broadcast.empty(); });
  Table table = has_readers
                    ? Table({"GROUP", "TOPIC", "LAG", "PARTITIONS", "WITHOUT LEADER", "MEMBERS",
                             "INSTANCE OR MEMBER"})
                    : Table({"GROUP", "TOPIC", "LAG", "PARTITIONS", "WITHOUT LEADER", "MEMBERS"});
  for (const auto& picture : pictures) {
    for (const auto& [where, lag] : lag_by_topic(picture)) {
      const auto& [topic, reader] = where;
      std::vector<std::string> cells{picture.group,
                                     topic,
                                     std::to_string(lag.records),
                                     std::to_string(lag.partitions),
                                     std::to_string(lag.unknown),
                                     std::to_string(picture.members.size())};
      if (has_readers) cells.push_back(reader.empty() ? "-" : reader);
      table.add(std::move(cells));
    }
  }
  return table.text();
}

std::string lag_json(const std::vector<GroupPicture>& pictures) {
  auto groups = Json::array();
  for (const auto& picture : pictures) groups.push_back(json_of(picture));
  return Json{{"groups", std::move(groups)}}.dump() + "\n";
}

}  // namespace xylem::cli
