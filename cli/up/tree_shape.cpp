#include "cli/up/tree_shape.h"

#include "common/ids.h"
#include "common/quantity.h"

#include <algorithm>
#include <vector>

namespace xylem::cli {
namespace {

std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

int* tier_of(TreeShape& shape, std::string_view name) {
  if (name == "l2") return &shape.l2;
  if (name == "l3") return &shape.l3;
  if (name == "pos") return &shape.pos;
  if (name == "local") return &shape.local;
  return nullptr;
}

}  // namespace

int TreeShape::brokers() const {
  const int sites = l2 * l3;
  return 1 + l2 + sites + sites * pos + sites * pos * local;
}

Result<TreeShape> parse_tree_shape(std::string_view text) {
  TreeShape shape;
  for (const auto part : parts_of(text, ',')) {
    const auto equals = std::min(part.find('='), part.size());
    int* count = tier_of(shape, part.substr(0, equals));
    if (count == nullptr || equals == part.size())
      return fail(Errc::kInvalidRequest, "--tree: \"" + std::string(part) + "\" is no tier",
                  "as l2=2,l3=1,pos=1,local=0");
    const auto number = parse_number(part.substr(equals + 1));
    if (!number || *number < 0 || *number > TreeShape::kPerParentMax)
      return fail(Errc::kInvalidRequest, "--tree: \"" + std::string(part) +
                                             "\" is no number from " + "0 to " +
                                             std::to_string(TreeShape::kPerParentMax));
    *count = static_cast<int>(*number);
  }
  if (shape.brokers() > TreeShape::kBrokersMax)
    return fail(Errc::kInvalidRequest, "--tree: " + std::to_string(shape.brokers()) +
                                           " brokers are too many for one machine; at most " +
                                           std::to_string(TreeShape::kBrokersMax));
  return shape;
}

Result<TopicSpec> parse_topic_spec(std::string_view text) {
  constexpr int kPartitionsMax = 10'000;
  const auto parts = parts_of(text, ':');
  const auto wrong = [text](const std::string& what) {
    return fail(Errc::kInvalidRequest, "--topic " + std::string(text) + ": " + what,
                "NAME:partitions or NAME:partitions:delete|compact");
  };
  if (parts.size() < 2 || parts.size() > 3) return wrong("not a topic with its partitions");
  if (auto good = check_topic_name(parts[0]); !good) return wrong(good.error().what());
  const auto partitions = parse_number(parts[1]);
  if (!partitions || *partitions < 1 || *partitions > kPartitionsMax)
    return wrong("partitions are 1 to " + std::to_string(kPartitionsMax));
  TopicSpec topic{.name = std::string(parts[0]), .partitions = static_cast<int>(*partitions)};
  if (parts.size() == 3) {
    if (parts[2] != "delete" && parts[2] != "compact") return wrong("no such policy");
    topic.cleanup = parts[2];
  }
  return topic;
}

}  // namespace xylem::cli
