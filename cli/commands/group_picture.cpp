#include "cli/commands/group_picture.h"

#include "cli/json_document.h"
#include "cli/output.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;
using Place = std::pair<std::string, PartitionId>;

// nullopt: no partition at all.
std::optional<Place> place_in(const Json& object) {
  const auto number = integer_at(object, "partition", -1);
  if (number < 0 || number > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return Place(text_at(object, "topic"), static_cast<std::int32_t>(number));
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

std::map<std::string, TopicLag> lag_by_topic(const GroupPicture& picture) {
  std::map<std::string, TopicLag> topics;
  for (const auto& one : picture.partitions) {
    auto& topic = topics[one.topic];
    const auto lag = one.lag();
    topic.records += lag.value_or(0);
    topic.unknown += lag ? 0 : 1;
    ++topic.partitions;
  }
  return topics;
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
  std::map<Place, GroupPartitionView> partitions;
  for (const auto& member : list_at(*document, "members")) {
    const auto assigned = list_at(member, "assigned");
    picture.members.push_back({.member = text_at(member, "member"),
                               .instance = text_at(member, "instance"),
                               .client = text_at(member, "client"),
                               .silent_ms = integer_at(member, "silentMs"),
                               .partitions = assigned.size()});
    for (const auto& one : assigned) {
      if (const auto place = place_in(one)) partitions[*place].member = text_at(member, "member");
    }
  }
  for (const auto& one : list_at(*document, "offsets")) {
    const auto place = place_in(one);
    if (!place) continue;
    partitions[*place].committed = Offset(integer_at(one, "committed"));
    partitions[*place].deliveries = integer_at(one, "deliveries", 0);
  }
  for (auto& [place, partition] : partitions) {
    std::tie(partition.topic, partition.partition) = place;
    picture.partitions.push_back(std::move(partition));
  }
  return picture;
}

void add_offsets(GroupPicture& picture, const std::map<std::string, TopicOffsets>& topics) {
  std::map<Place, GroupPartitionView> partitions;
  for (auto& one : picture.partitions) {
    const Place place(one.topic, one.partition);
    partitions.emplace(place, std::move(one));
  }
  for (const auto& [topic, offsets] : topics) {
    for (const auto& [number, found] : offsets) {
      auto& one = partitions[Place(topic, number)];
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
  Table partitions({"TOPIC", "PARTITION", "COMMITTED", "START", "END", "LAG", "MEMBER"});
  for (const auto& one : picture.partitions) {
    partitions.add({one.topic, std::to_string(one.partition.value()),
                    one.committed ? std::to_string(one.committed->value()) : "-",
                    one.offsets ? std::to_string(one.offsets->start.value()) : "?",
                    one.offsets ? std::to_string(one.offsets->end.value()) : "?",
                    text_of(one.lag()), one.member.empty() ? "-" : one.member});
  }
  return text + "\n" + partitions.text() + failed_text(picture);
}

std::string group_json(const GroupPicture& picture) { return json_of(picture).dump() + "\n"; }

std::string lag_text(const std::vector<GroupPicture>& pictures) {
  Table table({"GROUP", "TOPIC", "LAG", "PARTITIONS", "WITHOUT LEADER", "MEMBERS"});
  for (const auto& picture : pictures) {
    for (const auto& [topic, lag] : lag_by_topic(picture)) {
      table.add({picture.group, topic, std::to_string(lag.records), std::to_string(lag.partitions),
                 std::to_string(lag.unknown), std::to_string(picture.members.size())});
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
