#include "consumer-app/change_position.h"

#include "common/check.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

namespace xylem::consumer_app {
namespace {

constexpr std::size_t kTagDigits = 8;
constexpr int kHexadecimal = 16;
constexpr std::string_view kDigits = "0123456789abcdef";

void append_tag(std::uint32_t tag, std::string& out) {
  for (int shift = 28; shift >= 0; shift -= 4) out += kDigits[(tag >> shift) & 0xF];
}

// Calls back before the number of each partition.
template <class Before>
void append_topic(const std::string& name,
                  const TopicPosition& topic,
                  std::string& out,
                  const Before& before) {
  if (!out.empty()) out += ';';
  out += name;
  out += '~';
  if (!topic.tag) {
    out += '-';
    return;
  }
  append_tag(*topic.tag, out);
  char separator = '~';
  for (const auto& [partition, next] : topic.next) {
    out += separator;
    out += std::to_string(partition.value()) + '.';
    before(partition);
    out += std::to_string(next.value());
    separator = ',';
  }
  if (topic.next.empty()) out += '~';
}

// What is before `separator` is taken off `text`.
std::string_view take_until(std::string_view& text, char separator) {
  const auto part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return part;
}

template <class Number>
std::optional<Number> number_of(std::string_view text, int base = 10) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  const bool is_whole = end == text.data() + text.size();
  if (error != std::errc() || !is_whole || text.starts_with('-')) return std::nullopt;
  return value;
}

std::optional<TopicPosition> topic_of(std::string_view text) {
  if (text == "-") return TopicPosition();
  const auto tag_text = take_until(text, '~');
  const auto tag = number_of<std::uint32_t>(tag_text, kHexadecimal);
  if (!tag || tag_text.size() != kTagDigits ||
      tag_text.find_first_not_of(kDigits) != std::string_view::npos)
    return std::nullopt;
  TopicPosition topic{.tag = tag, .next = {}};
  while (!text.empty()) {
    auto pair = take_until(text, ',');
    const auto partition = number_of<std::int32_t>(take_until(pair, '.'));
    const auto next = number_of<std::int64_t>(pair);
    if (!partition || !next) return std::nullopt;
    topic.next[PartitionId(*partition)] = Offset(*next);
  }
  return topic;
}

}  // namespace

std::string position_text(const Position& position) {
  std::string out;
  for (const auto& [name, topic] : position) append_topic(name, topic, out, [](PartitionId) {});
  return out;
}

Result<Position> parse_position(std::string_view text) {
  const auto bad = [] {
    return fail(Errc::kInvalidRequest, "Last-Event-ID is not the id of an event of this stream",
                "leave it out to begin anew");
  };
  if (text.size() > kPositionBytesParsed) return bad();
  Position position;
  while (!text.empty()) {
    auto part = take_until(text, ';');
    const auto name = take_until(part, '~');
    if (!check_topic_name(name)) return bad();
    auto topic = topic_of(part);
    if (!topic) return bad();
    if (!position.emplace(name, std::move(*topic)).second) return bad();
  }
  return position;
}

PositionFrame frame_of(const Position& position, std::string_view topic, PartitionId partition) {
  std::string out;
  std::optional<std::size_t> begin;
  for (const auto& entry : position) {
    append_topic(entry.first, entry.second, out, [&](PartitionId which) {
      if (entry.first == topic && which == partition) begin = out.size();
    });
  }
  XYLEM_CHECK(begin.has_value());
  const auto end = std::min(out.find_first_not_of("0123456789", *begin), out.size());
  return {.before = out.substr(0, *begin), .after = out.substr(end)};
}

}  // namespace xylem::consumer_app
