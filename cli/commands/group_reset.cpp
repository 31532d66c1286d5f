#include "cli/commands/group_reset.h"

#include "cli/json_document.h"
#include "cli/output.h"
#include "common/quantity.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;

std::string named(const std::string& topic, PartitionId partition) {
  return "partition " + std::to_string(partition.value()) + " of " + topic;
}

Result<Offset> target_of(const GroupsOptions& options,
                         const PartitionOffsets& partition,
                         const std::string& name) {
  if (options.to_time_ms) return partition.at_time.value_or(partition.end);
  if (options.to == "earliest") return partition.start;
  if (options.to == "latest") return partition.end;
  auto number = parse_number(options.to);
  if (!number)
    return fail(Errc::kInvalidRequest, "--to " + options.to + " is no place to go to",
                "earliest, latest, or an offset");
  if (Offset(*number) < partition.start || Offset(*number) > partition.end)
    return fail(Errc::kInvalidRequest,
                name + " has the offsets " + std::to_string(partition.start.value()) + " to " +
                    std::to_string(partition.end.value()) + ", and no " + options.to,
                "say one of these, or earliest or latest");
  return Offset(*number);
}

}  // namespace

Result<std::string> reset_request(const GroupsOptions& options,
                                  const std::map<std::string, TopicOffsets>& topics) {
  auto offsets = Json::array();
  for (const auto& [topic, partitions] : topics) {
    for (const auto& [number, partition] : partitions) {
      if (options.partition && *options.partition != number.value()) continue;
      auto target = target_of(options, partition, named(topic, number));
      if (!target) return pass(target);
      offsets.push_back(
          {{"topic", topic}, {"partition", number.value()}, {"offset", target->value()}});
    }
  }
  if (offsets.empty()) return fail(Errc::kInvalidRequest, "there is no such partition to reset");
  Json request{
      {"group", options.group}, {"offsets", std::move(offsets)}, {"dryRun", options.dry_run}};
  if (!options.instance.empty()) request["instance"] = options.instance;
  return request.dump();
}

Result<std::string> reset_text(const std::string& answer) {
  auto document = parse_document(answer);
  if (!document) return pass(document);
  const auto offsets = list_at(*document, "offsets");
  const bool has_instances = std::ranges::any_of(
      offsets, [](const Json& one) { return !text_at(one, "instance").empty(); });
  Table table = has_instances ? Table({"TOPIC", "PARTITION", "COMMITTED", "RESET TO", "INSTANCE"})
                              : Table({"TOPIC", "PARTITION", "COMMITTED", "RESET TO"});
  for (const auto& one : offsets) {
    const auto before = integer_at(one, "before", -1);
    std::vector<std::string> cells{
        text_at(one, "topic"), std::to_string(integer_at(one, "partition")),
        before < 0 ? "-" : std::to_string(before), std::to_string(integer_at(one, "offset"))};
    if (has_instances) cells.push_back(text_at(one, "instance"));
    table.add(std::move(cells));
  }
  auto text = table.text();
  if (flag_at(*document, "new"))
    text += "group " + text_at(*document, "group") + " is new: it had no offsets and no members\n";
  if (flag_at(*document, "dryRun")) text += "tried only: nothing has changed\n";
  return text;
}

Result<std::string> deleted_text(const std::string& answer) {
  auto document = parse_document(answer);
  if (!document) return pass(document);
  return "group " + text_at(*document, "group") + " is deleted, with " +
         std::to_string(integer_at(*document, "offsets")) + " offsets\n";
}

}  // namespace xylem::cli
