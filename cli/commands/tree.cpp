#include "cli/commands/tree.h"

#include "cli/admin_http.h"
#include "cli/json_document.h"
#include "cli/output.h"
#include "cli/progress.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace xylem::cli {
namespace {

struct Node {
  std::string id;
  std::string wanted;  // the parent it should ask first
  std::string parent;  // the one it follows; empty: none
  std::string text;    // what is said behind its name
};

std::string first_parent(const nlohmann::json& node) {
  const auto parents = list_at(node, "parents");
  if (parents.empty() || !parents.front().is_string()) return {};
  return nlohmann::json(parents.front()).get<std::string>();
}

Node node_of(const nlohmann::json& json) {
  Node node{.id = text_at(json, "nodeId"),
            .wanted = first_parent(json),
            .parent = text_at(json, "parent")};
  node.text = text_at(json, "role") + "  " + text_at(json, "health") + "  " +
              human_age(integer_at(json, "ageMs")) + " old";
  if (const auto location = text_at(json, "location"); !location.empty())
    node.text += "  " + location;
  if (flag_at(json, "stale"))
    node.text += "  not heard for " + human_age(integer_at(json, "lastSeenMs"));
  if (node.parent.empty() && !node.wanted.empty())
    node.text += "  (no parent; should follow " + node.wanted + ")";
  else if (node.parent != node.wanted && !node.wanted.empty())
    node.text += "  (should follow " + node.wanted + ")";
  return node;
}

class Drawing {
 public:
  explicit Drawing(const std::vector<Node>& nodes) {
    std::set<std::string> known;
    for (const auto& node : nodes) known.insert(node.id);
    for (const auto& node : nodes) {
      const auto& above = node.parent.empty() ? node.wanted : node.parent;
      children_[known.contains(above) && above != node.id ? above : ""].push_back(&node);
    }
  }

  std::string text(const std::vector<Node>& nodes) {
    for (const auto* top : children_[""]) draw(*top, "", "");
    for (const auto& node : nodes) {  // each follows the other: never, but shown if it happens
      if (!drawn_.contains(node.id)) draw(node, "", "");
    }
    return std::move(text_);
  }

 private:
  void draw(const Node& node, const std::string& branch, const std::string& indent) {
    if (!drawn_.insert(node.id).second) return;
    text_ += branch + node.id + "  " + node.text + "\n";
    const auto below = children_.find(node.id);
    if (below == children_.end()) return;
    for (const auto* child : below->second) {
      const bool is_last = child == below->second.back();
      draw(*child, indent + (is_last ? "└─ " : "├─ "), indent + (is_last ? "   " : "│  "));
    }
  }

  std::map<std::string, std::vector<const Node*>> children_;
  std::set<std::string> drawn_;
  std::string text_;
};

}  // namespace

Result<std::string> draw_tree(const std::string& document) {
  auto json = parse_document(document);
  if (!json) return pass(json);
  std::vector<Node> nodes;
  for (const auto& node : list_at(*json, "nodes")) nodes.push_back(node_of(node));
  if (nodes.empty()) return "no nodes yet\n";
  std::ranges::sort(nodes, {}, &Node::id);
  return Drawing(nodes).text(nodes);
}

ExitCode run_tree(const TreeOptions& options) {
  const auto answer = http_get(options.registry_url, "/api/v1/tree");
  if (!answer) return report(answer.error());
  if (options.json) return finish_with(*answer + "\n");
  const auto text = draw_tree(*answer);
  if (!text) return report(text.error());
  return finish_with(*text);
}

}  // namespace xylem::cli
