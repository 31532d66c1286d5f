#include "consumer-app/view_origins.h"

#include "common/batch/crc32c.h"
#include "common/bytes.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace xylem::consumer_app {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kCrcDigits = 8;

std::string crc_text(std::string_view body) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(kCrcDigits, '0');
  std::uint32_t crc = crc32c(bytes_of(body));
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, crc >>= 4)
    *digit = kDigits[crc & 0xF];
  return text;
}

template <class Number>
std::optional<Number> natural_of(const Json& json) {
  if (!json.is_number_unsigned()) return std::nullopt;
  const auto value = json.get<std::uint64_t>();
  if (value > static_cast<std::uint64_t>(std::numeric_limits<Number>::max())) return std::nullopt;
  return static_cast<Number>(value);
}

std::optional<Origin> origin_of(const Json& json) {
  if (!json.is_object() || !json.contains("topicId") || !json.contains("generation") ||
      !json.contains("tag") || !json.contains("partitions"))
    return std::nullopt;
  if (!json["topicId"].is_string() || !json["partitions"].is_array()) return std::nullopt;
  const auto topic = TopicId::parse(json["topicId"].get_ref<const std::string&>());
  const auto generation = natural_of<std::uint32_t>(json["generation"]);
  const auto tag = natural_of<std::uint32_t>(json["tag"]);
  if (!topic || !generation || !tag) return std::nullopt;
  Origin origin{.incarnation = {*topic, *generation}, .tag = *tag, .partitions = {}};
  for (const auto& part : json["partitions"]) {
    if (!part.is_array() || part.size() != 3) return std::nullopt;
    const auto partition = natural_of<std::int32_t>(part[0]);
    const auto begin = natural_of<std::int64_t>(part[1]);
    const auto end = natural_of<std::int64_t>(part[2]);
    if (!partition || !begin || !end || *end < *begin) return std::nullopt;
    origin.partitions[PartitionId(*partition)] = {Offset(*begin), Offset(*end)};
  }
  return origin;
}

}  // namespace

bool Origin::is_same(const Origin& other) const {
  return incarnation == other.incarnation && tag == other.tag &&
         std::ranges::equal(partitions, other.partitions, [](const auto& left, const auto& right) {
           return left.first == right.first && left.second.begin == right.second.begin;
         });
}

Origins origins_of(const Copies& copies) {
  Origins origins;
  for (const auto& [topic, both] : copies) {
    const auto& current = both.current;
    if (!current || !current->whole) continue;
    if (both.shadow && both.shadow->incarnation == current->incarnation) continue;
    Origin origin{current->incarnation, current->tag, {}};
    bool exact = true;
    for (const auto& [partition, next] : current->cursors) {
      const auto begin = current->begins.find(partition);
      exact = exact && begin != current->begins.end() && begin->second.exact;
      if (exact)
        origin.partitions[partition] = {begin->second.at, std::max(begin->second.at, next)};
    }
    if (exact) origins.emplace(topic, std::move(origin));
  }
  return origins;
}

Result<Origins> load_origins(storage::Disk& disk, const std::string& path) {
  auto there = disk.exists(path);
  if (!there) return pass(there);
  if (!*there) return Origins();
  auto content = storage::read_file(disk, path, kOriginsBytesMax);
  if (!content) return pass(content);
  const std::string_view text = text_of(*content);
  const auto bad = [&] { return fail(Errc::kCorrupt, path + " is damaged"); };
  if (text.size() <= kCrcDigits || text[kCrcDigits] != '\n') return bad();
  const auto body = text.substr(kCrcDigits + 1);
  if (crc_text(body) != text.substr(0, kCrcDigits)) return bad();
  const auto all = Json::parse(body, nullptr, false);
  if (!all.is_object()) return bad();
  Origins origins;
  for (const auto& [topic, json] : all.items()) {
    auto origin = origin_of(json);
    if (!origin) return bad();
    origins.emplace(topic, std::move(*origin));
  }
  return origins;
}

Status save_origins(storage::Disk& disk, const std::string& path, const Origins& origins) {
  Json all = Json::object();
  for (const auto& [topic, origin] : origins) {
    Json partitions = Json::array();
    for (const auto& [partition, part] : origin.partitions)
      partitions.push_back({partition.value(), part.begin.value(), part.end.value()});
    all[topic] = {{"topicId", origin.incarnation.topic.text()},
                  {"generation", origin.incarnation.generation},
                  {"tag", origin.tag},
                  {"partitions", std::move(partitions)}};
  }
  const std::string body = all.dump() + "\n";
  return storage::replace_file(disk, path, bytes_of(crc_text(body) + "\n" + body));
}

}  // namespace xylem::consumer_app
