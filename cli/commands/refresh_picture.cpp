#include "cli/commands/refresh_picture.h"

#include "cli/json_document.h"
#include "cli/output.h"
#include "cli/progress.h"

#include <algorithm>

namespace xylem::cli {
namespace {

using Json = nlohmann::json;

Json object_at(const Json& object, const char* field) {
  const auto found = object.find(field);
  return found != object.end() && found->is_object() ? *found : Json::object();
}

std::int64_t sum_at(const Json& object, const char* field) {
  std::int64_t sum = 0;
  for (const auto& each : list_at(object, field))
    if (each.is_number_integer()) sum += each.get<std::int64_t>();
  return sum;
}

// Of a registry's refresh; a broker's has no nodes.
bool has_nodes(const Json& refresh) { return refresh.contains("nodes"); }

std::string scope_text(const Json& refresh) {
  const auto scope = object_at(refresh, "scope");
  if (const auto node = text_at(scope, "node"); !node.empty()) return "node " + node;
  if (const auto top = text_at(scope, "subtree"); !top.empty()) return "subtree " + top;
  return "fleet";
}

std::string consumers_text(const Json& it) {
  const auto consumers = object_at(it, "consumers");
  return std::to_string(integer_at(consumers, "ready")) + "/" +
         std::to_string(integer_at(consumers, "total"));
}

std::string replayed_text(std::int64_t replayed, std::int64_t to_replay) {
  if (to_replay <= 0) return "-";
  constexpr std::int64_t kWhole = 100;
  const auto done = static_cast<double>(replayed) / static_cast<double>(to_replay);
  const auto percent = static_cast<std::int64_t>(done * static_cast<double>(kWhole));
  return std::to_string(std::clamp<std::int64_t>(percent, 0, kWhole)) + " %";
}

std::string part(const Json& nodes, const char* field, const char* word) {
  const auto count = integer_at(nodes, field);
  return count == 0 ? std::string() : ", " + with_commas(count) + " " + word;
}

// "3 of 7 nodes completed, 1 failed, 1 away"
std::string nodes_text(const Json& refresh) {
  const auto nodes = object_at(refresh, "nodes");
  return with_commas(integer_at(nodes, "completed")) + " of " +
         with_commas(integer_at(nodes, "total")) + " nodes completed" +
         part(nodes, "running", "running") + part(nodes, "ordered", "told to begin") +
         part(nodes, "aborted", "aborted") + part(nodes, "away", "away") +
         part(nodes, "notBegun", "not begun");
}

std::string waves_text(const Json& refresh) {
  const auto waves = object_at(refresh, "waves");
  return "wave " + std::to_string(integer_at(waves, "begun")) + " of " +
         std::to_string(integer_at(waves, "total"));
}

std::string broker_text(const Json& refresh) {
  return consumers_text(refresh) + " consumers ready, " +
         replayed_text(sum_at(refresh, "replayed"), sum_at(refresh, "barrier")) + " replayed";
}

std::string times_text(const Json& refresh, std::int64_t wall_ms) {
  const auto started = integer_at(refresh, "startedAt");
  const auto ended = integer_at(refresh, "endedAt", -1);
  std::string text = "started " + human_age(std::max<std::int64_t>(wall_ms - started, 0)) + " ago";
  const auto who =
      text_at(refresh, "who").empty() ? text_at(refresh, "startedBy") : text_at(refresh, "who");
  if (!who.empty()) text += " by " + who;
  if (const auto reason = text_at(refresh, "reason"); !reason.empty()) text += ": " + reason;
  if (ended >= started) text += "; took " + human_age(ended - started);
  return text;
}

std::string head_text(const Json& refresh, std::int64_t wall_ms) {
  std::string text = "refresh " + text_at(refresh, "id") + " of " + text_at(refresh, "topic") +
                     "  " + text_at(refresh, "state");
  for (const char* field : {"why", "failure"})
    if (const auto why = text_at(refresh, field); !why.empty()) text += "  (" + why + ")";
  text += "\n" + times_text(refresh, wall_ms) + "\n";
  if (!has_nodes(refresh)) return text + broker_text(refresh) + "\n";
  return text + scope_text(refresh) + ", waves of " +
         std::to_string(integer_at(object_at(refresh, "wave"), "nodes")) + " nodes, " +
         with_commas(integer_at(refresh, "maxFailures")) + " may fail\n" + waves_text(refresh) +
         ": " + nodes_text(refresh) + "\n";
}

std::string wave_table(const Json& page) {
  Table table({"WAVE", "TIER", "STATE", "NODES", "COMPLETED", "ABORTED", "AWAY"});
  for (const auto& wave : list_at(page, "waves")) {
    const auto nodes = object_at(wave, "nodes");
    table.add(
        {std::to_string(integer_at(wave, "wave")), text_at(wave, "tier"), text_at(wave, "state"),
         std::to_string(integer_at(nodes, "total")), std::to_string(integer_at(nodes, "completed")),
         std::to_string(integer_at(nodes, "aborted")), std::to_string(integer_at(nodes, "away"))});
  }
  return table.text();
}

std::string node_table(const Json& page) {
  Table table({"NODE", "WAVE", "STATE", "PHASE", "CONSUMERS READY", "REPLAYED", "FAILURE"});
  const auto nodes = list_at(page, "nodes");
  for (const auto& node : nodes)
    table.add({text_at(node, "nodeId"), std::to_string(integer_at(node, "wave")),
               text_at(node, "state"), text_at(node, "phase"), consumers_text(node),
               replayed_text(integer_at(node, "replayed"), integer_at(node, "toReplay")),
               text_at(node, "failure")});
  auto text = table.text();
  const auto total = integer_at(page, "total");
  if (std::cmp_less(nodes.size(), total))
    text += "the first " + with_commas(static_cast<std::int64_t>(nodes.size())) + " of " +
            with_commas(total) + " nodes; --state shows those of one state\n";
  return text;
}

}  // namespace

Result<std::string> refresh_list_text(const std::string& document, std::int64_t wall_ms) {
  auto json = parse_document(document);
  if (!json) return pass(json);
  const auto refreshes = list_at(*json, "refreshes");
  if (refreshes.empty()) return "no refreshes\n";
  Table table({"ID", "TOPIC", "STATE", "WHERE", "STARTED", "HOW FAR"});
  for (const auto& refresh : refreshes) {
    const auto age_ms = std::max<std::int64_t>(wall_ms - integer_at(refresh, "startedAt"), 0);
    table.add({text_at(refresh, "id"), text_at(refresh, "topic"), text_at(refresh, "state"),
               has_nodes(refresh) ? scope_text(refresh) : "this broker", human_age(age_ms) + " ago",
               has_nodes(refresh) ? nodes_text(refresh) : broker_text(refresh)});
  }
  return table.text();
}

Result<std::string> refresh_text(const std::string& document, std::int64_t wall_ms) {
  auto json = parse_document(document);
  if (!json) return pass(json);
  const auto page = object_at(*json, "page");
  if (page.empty()) return head_text(*json, wall_ms);
  return head_text(*json, wall_ms) + wave_table(page) + node_table(page);
}

Result<RefreshLook> refresh_look(const std::string& document) {
  auto json = parse_document(document);
  if (!json) return pass(json);
  const auto state = text_at(*json, "state");
  RefreshLook look{.id = text_at(*json, "id"), .line = state + "  ", .end = std::nullopt};
  look.line += has_nodes(*json) ? waves_text(*json) + ": " + nodes_text(*json) : broker_text(*json);
  if (state == "COMPLETED") look.end = ExitCode::kOk;
  for (const auto* bad : {"PARTIAL", "STOPPED", "FAILED", "ABORTED"})
    if (state == bad) look.end = ExitCode::kFailed;
  if (look.id.empty() || state.empty()) return fail(Errc::kCorrupt, "no document of a refresh");
  return look;
}

}  // namespace xylem::cli
