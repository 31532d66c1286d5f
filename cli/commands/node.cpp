#include "cli/commands/node.h"

#include "cli/admin_http.h"
#include "cli/json_document.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "common/url.h"

namespace xylem::cli {
namespace {

Result<std::string> admin_url(const NodeOptions& options) {
  if (options.target.starts_with("http://")) return options.target;
  const auto known =
      http_get(options.registry_url, "/api/v1/nodes/" + percent_encode(options.target));
  if (!known) return std::unexpected(known.error());
  auto node = parse_document(*known);
  if (!node) return pass(node);
  if (!node->contains("addresses")) return fail(Errc::kCorrupt, "a node without addresses");
  return "http://" + text_at((*node)["addresses"], "http");
}

std::string joined(const nlohmann::json& names) {
  std::string text;
  for (const auto& name : names) {
    if (name.is_string()) text += (text.empty() ? "" : " ") + name.get<std::string>();
  }
  return text.empty() ? "none" : text;
}

}  // namespace

Result<std::string> node_text(const std::string& document) {
  auto node = parse_document(document);
  if (!node) return pass(node);
  std::string text =
      text_at(*node, "nodeId") + "  " + text_at(*node, "role") + "  " + text_at(*node, "health") +
      "  " + human_age(integer_at(*node, "ageMs")) + " old\nparent " + text_at(*node, "parent") +
      "  of " + joined(list_at(*node, "parents")) + "\nregistry " + text_at(*node, "registry") +
      "  clients " + std::to_string(integer_at(*node, "connections")) + "  memory " +
      human_bytes(integer_at(*node, "memoryBytes")) + "  up " +
      human_age(integer_at(*node, "uptimeMs")) + "\n";
  if (const auto error = text_at(*node, "lastError"); !error.empty())
    text += "last error " + error + "\n";
  Table topics({"TOPIC", "PARTITION", "START", "HIGH WATERMARK", "END", "AGE"});
  for (const auto& topic : list_at(*node, "topics")) {
    topics.add({text_at(topic, "name"), std::to_string(integer_at(topic, "partition")),
                std::to_string(integer_at(topic, "start")),
                std::to_string(integer_at(topic, "highWatermark")),
                std::to_string(integer_at(topic, "end")), human_age(integer_at(topic, "ageMs"))});
  }
  Table children({"CHILD", "PARTITIONS", "IDLE"});
  for (const auto& child : list_at(*node, "children")) {
    children.add({text_at(child, "nodeId"), std::to_string(integer_at(child, "partitions")),
                  human_age(integer_at(child, "idleMs"))});
  }
  return text + topics.text() + children.text();
}

ExitCode run_node(const NodeOptions& options) {
  const auto url = admin_url(options);
  if (!url) return report(url.error());
  const auto answer = http_get(*url, "/api/v1/node");
  if (!answer) return report(answer.error());
  if (options.json) return finish_with(*answer + "\n");
  const auto text = node_text(*answer);
  if (!text) return report(text.error());
  return finish_with(*text);
}

}  // namespace xylem::cli
