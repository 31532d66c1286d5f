#include "cli/commands/groups.h"

#include "cli/broker_admin.h"
#include "cli/client_runtime.h"
#include "cli/commands/group_picture.h"
#include "cli/commands/group_reset.h"
#include "cli/json_document.h"
#include "cli/output.h"
#include "cli/partition_offsets.h"
#include "cli/topic_lookup.h"

#include <map>
#include <set>
#include <utility>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;
using Action = GroupsOptions::Action;
using Groups = std::map<std::string, Json>;  // by name, as group.list says them

std::set<std::string> topics_of(const GroupPicture& picture) {
  std::set<std::string> names;
  for (const auto& one : picture.partitions) names.insert(one.topic);
  return names;
}

class Asking {
 public:
  explicit Asking(const std::vector<network::Address>& brokers) : brokers_(brokers) {}

  // Of all coordinators that answer.
  Result<Groups> groups() {
    auto first = list_from(brokers_);
    if (!first) return pass(first);
    Groups groups = groups_in(*first);
    for (const auto& coordinator : texts_at(*first, "coordinators")) {
      auto address = network::Address::parse(coordinator);
      if (!address) return pass(address, "a coordinator");
      auto more = list_from({*address});
      if (!more) return pass(more, "the groups of " + address->text());
      groups.merge(groups_in(*more));
    }
    return groups;
  }

  // As its coordinator knows it.
  Result<GroupPicture> group(const std::string& name) {
    auto answer = ask("group.describe", Json{{"group", name}}.dump());
    if (!answer) return pass(answer);
    return group_in(*answer);
  }

  // With where its partitions begin and end.
  Result<GroupPicture> describe(const std::string& name) {
    auto picture = group(name);
    if (!picture) return picture;
    auto topics = offsets_of(topics_of(*picture), std::nullopt);
    if (!topics) return pass(topics);
    add_offsets(*picture, *topics);
    return picture;
  }

  Result<std::map<std::string, TopicOffsets>> offsets_of(const std::set<std::string>& names,
                                                         std::optional<std::int64_t> time_ms) {
    std::map<std::string, TopicOffsets> topics;
    for (const auto& name : names) {
      auto offsets = ask_offsets(runtime_, brokers_, name, time_ms);
      if (!offsets) return pass(offsets);
      topics.emplace(name, std::move(*offsets));
    }
    return topics;
  }

  // That all partitions of `topics` are known: a reset that leaves some out is none.
  Status check_whole(const std::map<std::string, TopicOffsets>& topics) {
    for (const auto& [name, offsets] : topics) {
      auto topic = find_topic(runtime_, brokers_, name);
      if (!topic) return pass(topic);
      if (offsets.size() < topic->partitions.size())
        return fail(Errc::kUnavailable, "not all partitions of " + name + " have a leader now",
                    "retry later");
    }
    return {};
  }

  Result<std::string> ask(const std::string& command, const std::string& json) {
    return ask_broker(runtime_, brokers_, command, json);
  }

 private:
  Result<Json> list_from(const std::vector<network::Address>& brokers) {
    auto answer = ask_broker(runtime_, brokers, "group.list", "{}");
    if (!answer) return pass(answer);
    return parse_document(*answer);
  }

  static Groups groups_in(const Json& document) {
    Groups groups;
    for (const auto& group : list_at(document, "groups")) groups[text_at(group, "group")] = group;
    return groups;
  }

  const std::vector<network::Address>& brokers_;
  ClientRuntime runtime_;
};

ExitCode list(const GroupsOptions& options) {
  Asking asking(options.brokers);
  const auto groups = asking.groups();
  if (!groups) return report(groups.error());
  auto all = Json::array();
  Table table({"GROUP", "MEMBERS", "ASSIGNOR", "TOPICS"});
  for (const auto& [name, group] : *groups) {
    table.add({name, std::to_string(integer_at(group, "members")), text_at(group, "assignor"),
               joined(texts_at(group, "topics"))});
    all.push_back(group);
  }
  return finish_with(options.json ? Json{{"groups", std::move(all)}}.dump() + "\n" : table.text());
}

ExitCode describe(const GroupsOptions& options) {
  Asking asking(options.brokers);
  const auto picture = asking.describe(options.group);
  if (!picture) return report(picture.error());
  return finish_with(options.json ? group_json(*picture) : group_text(*picture));
}

ExitCode lag(const GroupsOptions& options) {
  Asking asking(options.brokers);
  std::set<std::string> names;
  if (options.group.empty()) {
    const auto groups = asking.groups();
    if (!groups) return report(groups.error());
    for (const auto& [name, group] : *groups) names.insert(name);
  } else {
    names.insert(options.group);
  }
  std::vector<GroupPicture> pictures;
  for (const auto& name : names) {
    auto picture = asking.describe(name);
    const bool has_gone = !picture && picture.error().code() == Errc::kNotFound;
    if (has_gone && options.group.empty()) continue;  // since it was listed
    if (!picture) return report(picture.error());
    pictures.push_back(std::move(*picture));
  }
  return finish_with(options.json ? lag_json(pictures) : lag_text(pictures));
}

Result<std::set<std::string>> topics_to_reset(Asking& asking, const GroupsOptions& options) {
  if (!options.topics.empty())
    return std::set<std::string>(options.topics.begin(), options.topics.end());
  auto picture = asking.group(options.group);
  if (!picture) return pass(picture);
  return topics_of(*picture);
}

Result<std::string> reset(const GroupsOptions& options) {
  Asking asking(options.brokers);
  auto names = topics_to_reset(asking, options);
  if (!names) return pass(names);
  auto topics = asking.offsets_of(*names, options.to_time_ms);
  if (!topics) return pass(topics);
  if (auto whole = asking.check_whole(*topics); !whole) return std::unexpected(whole.error());
  auto request = reset_request(options, *topics);
  if (!request) return request;
  return asking.ask("group.reset", *request);
}

ExitCode run_reset(const GroupsOptions& options) {
  const auto answer = reset(options);
  if (!answer) return report(answer.error());
  if (options.json) return finish_with(*answer + "\n");
  const auto text = reset_text(*answer);
  if (!text) return report(text.error());
  return finish_with(*text);
}

ExitCode forget(const GroupsOptions& options) {
  Asking asking(options.brokers);
  const auto answer = asking.ask(
      "group.forget", Json{{"group", options.group}, {"instance", options.instance}}.dump());
  if (!answer) return report(answer.error());
  if (options.json) return finish_with(*answer + "\n");
  return finish_with("group " + options.group + " has forgotten " + options.instance + "\n");
}

ExitCode remove(const GroupsOptions& options) {
  Asking asking(options.brokers);
  const auto answer = asking.ask("group.delete", Json{{"group", options.group}}.dump());
  if (!answer) return report(answer.error());
  if (options.json) return finish_with(*answer + "\n");
  const auto text = deleted_text(*answer);
  if (!text) return report(text.error());
  return finish_with(*text);
}

}  // namespace

ExitCode run_groups(const GroupsOptions& options) {
  switch (options.action) {
    case Action::kList:
      return list(options);
    case Action::kDescribe:
      return describe(options);
    case Action::kReset:
      return run_reset(options);
    case Action::kLag:
      return lag(options);
    case Action::kForget:
      return forget(options);
    case Action::kDelete:
      return remove(options);
  }
  return ExitCode::kUsage;
}

}  // namespace xylem::cli
