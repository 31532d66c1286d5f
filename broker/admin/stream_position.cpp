#include "broker/admin/stream_position.h"

#include "storage/partition_log.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace xylem::broker {
namespace {

constexpr std::size_t kIdDigits = 16;

std::string history_text(const Incarnation& history) {
  return history.topic.text().substr(0, kIdDigits) + "." + std::to_string(history.generation);
}

// A number as to_string() writes it, up to `max`.
std::optional<std::int64_t> number(std::string_view text, std::int64_t max) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = error == std::errc() && end == text.data() + text.size();
  if (!is_whole || value < 0 || value > max || (text.size() > 1 && text.front() == '0'))
    return std::nullopt;
  return value;
}

std::unexpected<Error> wrong() {
  return fail(Errc::kInvalidRequest, "Last-Event-ID is not a position of this stream",
              "send the id of the last event as it was");
}

Result<StreamPlace> place_of(std::string_view text, PartitionId expected) {
  const auto colon = text.find(':');
  auto partition = expected;
  if (colon != std::string_view::npos) {
    const auto named = number(text.substr(0, colon), INT32_MAX - 1);
    if (!named || *named <= expected.value()) return wrong();
    partition = PartitionId(static_cast<std::int32_t>(*named));
    text.remove_prefix(colon + 1);
  }
  const auto next = number(text, storage::kOffsetMax.value());
  if (!next) return wrong();
  return StreamPlace{partition, Offset(*next)};
}

}  // namespace

std::string position_text(const Incarnation& history, std::span<const StreamPlace> places) {
  std::string text = history_text(history) + "@";
  PartitionId expected;
  for (const auto& place : places) {
    if (text.back() != '@') text += ',';
    if (place.partition != expected) text += std::to_string(place.partition.value()) + ":";
    text += std::to_string(place.next.value());
    expected = place.partition + 1;
  }
  return text;
}

Result<std::vector<StreamPlace>> position_places(std::string_view text,
                                                 const Incarnation& history) {
  const auto at = text.find('@');
  if (at == std::string_view::npos) return wrong();
  const auto of = text.substr(0, at);
  if (of.size() < kIdDigits + 2 || of[kIdDigits] != '.' ||
      !number(of.substr(kIdDigits + 1), UINT32_MAX))
    return wrong();
  if (of != history_text(history)) {
    return fail(Errc::kStaleGeneration,
                "the position in Last-Event-ID is of another history of this topic",
                "begin without it, or say reset=earliest or reset=latest");
  }
  text.remove_prefix(at + 1);
  std::vector<StreamPlace> places;
  PartitionId expected;
  for (bool is_more = true; is_more;) {
    const auto comma = std::min(text.find(','), text.size());
    auto place = place_of(text.substr(0, comma), expected);
    if (!place || places.size() >= kStreamPartitionsMax) return wrong();
    places.push_back(*place);
    expected = place->partition + 1;
    is_more = comma < text.size();
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return places;
}

}  // namespace xylem::broker
